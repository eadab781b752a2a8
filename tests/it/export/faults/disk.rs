//! What the system refuses during an export: open files, folders, space.

use std::fs;
use std::path::Path;

use super::{LONG, untouched};
use super::{set_mode, unprivileged};
use crate::support::{Db, Program, export, folder, has, has_all, shardq, verify};

#[test]
fn a_limit_on_files_and_a_device_that_is_full() {
    let db = Db::with_shards(2);
    let folder = folder();
    let file = folder.path().join("t.csv");
    fs::write(&file, "older").unwrap();
    let limited = "ulimit -f 2000; exec \"$0\" \"$@\"";
    Program::new("sh")
        .args([
            "-c",
            limited,
            env!("CARGO_BIN_EXE_shardq"),
            "export",
            LONG,
            "--force",
            "-o",
        ])
        .args([&file])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            has_all(["File too large", "ulimit -f", "t.csv was not written"]),
        );
    untouched(&file);
    db.assert_nothing_runs();
    Program::new("sh")
        .args([
            "-c",
            limited,
            env!("CARGO_BIN_EXE_shardq"),
            "export",
            LONG,
            "--per-shard",
            "-o",
        ])
        .args([folder.path().join("parts")])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            has_all([
                "File too large",
                "ulimit -f",
                "parts is not complete; use --resume to export what is missing",
                "0 rows · 0/2 shards, missing: shard_0-1 · one snapshot",
            ]),
        );
    db.assert_nothing_runs();
    // Linux's device that is always full.
    if Path::new("/dev/full").exists() {
        export(&db, LONG, Path::new("/dev/full")).run().assert(
            1,
            "",
            has_all(["No space left on device", "free some space"]),
        );
        db.assert_nothing_runs();
    }
}

#[test]
fn no_more_files_are_open_at_once_than_a_low_limit_allows() {
    let db = Db::with_shards(600);
    let folder = folder();
    let parts = folder.path().join("parts");
    Program::new("sh")
        .args(["-c", "ulimit -n 80; exec \"$0\" \"$@\""])
        .args([env!("CARGO_BIN_EXE_shardq"), "export", "SELECT 1 AS one"])
        .args(["--per-shard", "-j", "2", "-o"])
        .args([&parts])
        .db(&db)
        .run()
        .assert(0, "", has("600 rows · 600/600 shards · one snapshot"));
    verify(&parts).run().assert(0, "", has("600/600 shards"));
}

#[test]
fn a_folder_that_is_not_there_or_not_ours() {
    let folder = folder();
    let nowhere = folder.path().join("missing/t.csv");
    // Fails without a server.
    shardq(["export", "SELECT 1", "-h", "/nonexistent", "-o"])
        .args([&nowhere])
        .run()
        .assert(
            1,
            "",
            has_all(["missing/t.csv", "the directory does not exist"]),
        );
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    set_mode(&locked, 0o555);
    set_mode(folder.path(), 0o755);
    let file = locked.join("t.csv");
    let arguments = ["export", "SELECT 1", "-h", "/nonexistent", "-o"];
    unprivileged(&locked)
        .args(arguments)
        .args([&file])
        .run()
        .assert(1, "", has_all(["Permission denied", "must be writable"]));
}

/// A small disk is mounted in a namespace of its own, which ends with the process.
#[test]
#[allow(clippy::print_stdout, reason = "reports why a test is skipped")]
fn a_disk_that_is_full() {
    let namespace = |flags: &str, script| Program::new("unshare").args([flags, "sh", "-c", script]);
    // root needs no user namespace; others can mount only in one.
    let may_mount = |flags: &&str| {
        let script = "mount -t tmpfs -o size=2m none /tmp";
        namespace(flags, script).run().status == 0
    };
    let there = std::process::Command::new("unshare")
        .arg("--version")
        .output();
    let flags = there
        .ok()
        .and_then(|_| ["-m", "-rm"].into_iter().find(may_mount));
    let Some(flags) = flags else {
        println!("skipped: no disk can be mounted here");
        return;
    };
    let db = Db::with_shards(2);
    let folder = folder();
    let script = "mount -t tmpfs -o size=2m none \"$0\" && cd \"$0\" && echo older > t.csv \
                  && { \"$@\"; status=$?; ls -A; cat t.csv; exit $status; }";
    namespace(flags, script)
        .args([folder.path()])
        .args([env!("CARGO_BIN_EXE_shardq"), "export", LONG])
        .args(["--force", "-o", "t.csv"])
        .db(&db)
        .run()
        .assert(
            1,
            "t.csv\nolder\n",
            has_all([
                "t.csv: No space left on device",
                "free some space",
                "t.csv was not written",
            ]),
        );
    db.assert_nothing_runs();
}

/// Only uncompressed output can be compressed.
#[test]
fn no_room_is_no_reason_to_compress_what_is_compressed() {
    let db = Db::with_shards(2);
    let full = Path::new("/dev/full");
    for (format, advice) in [
        (
            "csv",
            "elsewhere, or compress it (.csv.zst takes about a tenth)\n",
        ),
        (
            "jsonl",
            "elsewhere, or compress it (.jsonl.zst takes about a tenth)\n",
        ),
        ("csv.gz", "free some space, or write elsewhere\n"),
        ("tsv.zst", "free some space, or write elsewhere\n"),
        ("parquet", "free some space, or write elsewhere\n"),
    ] {
        let export = export(&db, LONG, full).args(["--format", format]);
        export
            .run()
            .assert(1, "", has_all(["/dev/full: No space left", advice]));
    }
}
