//! The targets of an export: pipes, links, odd names. A target that cannot be written is rejected
//! before any query.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{
    ANY, Db, Program, eventually, export, folder, has, has_all, manifest, names, verify,
};

/// More than a pipe buffers.
const MANY: &str = "SELECT n FROM generate_series(1, 1000000) AS n";

fn pipe(folder: &Path) -> PathBuf {
    let pipe = folder.join("pipe");
    Program::new("mkfifo").args([&pipe]).run().assert(0, "", "");
    pipe
}

#[test]
fn ctrl_c_ends_the_wait_for_a_reader_of_a_pipe() {
    let db = Db::with_shards(1);
    let folder = folder();
    let pipe = pipe(folder.path());
    for flags in [&[][..], &["--global"]] {
        let export = export(&db, "SELECT 1 AS one", &pipe).args(flags).spawn();
        // It handles signals before it opens anything.
        eventually("it listens", || export.catches_interrupts());
        export.signal("INT");
        export.finish().assert(
            130,
            "",
            "shardq: error: interrupted; nothing is left running on the server\n",
        );
    }
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let db = Db::with_shards(1);
    let folder = folder();
    let pipe = pipe(folder.path());
    let running = export(&db, MANY, &pipe).spawn();
    let mut lines = BufReader::new(File::open(&pipe).unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "shard,n");
    drop(lines);
    running.finish().assert(0, "", "");
    export(&db, MANY, Path::new("/dev/stdout"))
        .run_reading(2)
        .assert(0, "shard,n\nshard_0,1\n", "");
}

#[test]
fn a_name_that_is_not_utf_8_keeps_its_format_and_its_bytes() {
    let db = Db::with_shards(2);
    let folder = folder();
    let file = folder.path().join(OsStr::from_bytes(b"caf\xe9.parquet"));
    export(&db, "SELECT 1 AS one", &file)
        .run()
        .assert(0, "", ANY);
    assert!(fs::read(&file).unwrap().starts_with(b"PAR1"));
    verify(&file).run().assert(0, "", has("2/2 shards"));
    let file = folder.path().join(OsStr::from_bytes(b"caf\xe9.csv"));
    let sql = "SELECT 1 / (CASE current_schema() WHEN 'shard_1' THEN 0 ELSE 1 END) AS one";
    export(&db, sql, &file)
        .args(["--allow-partial"])
        .run()
        .assert(3, "", has("1/2 shards"));
    let partial = folder
        .path()
        .join(OsStr::from_bytes(b"caf\xe9.partial.csv"));
    verify(&partial).run().assert(0, "", has("1/2 shards"));
}

#[test]
fn a_link_that_leads_nowhere_is_written_through_as_by_a_shell() {
    let db = Db::with_shards(1);
    let folder = folder();
    fs::create_dir(folder.path().join("data")).unwrap();
    let link = folder.path().join("link.csv");
    symlink("data/t.csv", &link).unwrap();
    export(&db, "SELECT 1 AS one", &link)
        .run()
        .assert(0, "", ANY);
    let written = fs::read_to_string(folder.path().join("data/t.csv"));
    assert_eq!(written.unwrap(), "shard,one\nshard_0,1\n");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        names(folder.path()),
        ["data", "link.csv", "link.csv.manifest.json"]
    );
    verify(&link).run().assert(0, "", has("1/1 shards"));
    assert_eq!(manifest(&link)["rows"], 1);
    // A missing folder, and a link to itself.
    for (name, to, reason) in [
        ("lost.csv", "missing/t.csv", "the directory does not exist"),
        ("self.csv", "self.csv", "too many levels of symbolic links"),
    ] {
        let link = folder.path().join(name);
        symlink(to, &link).unwrap();
        let ran = export(&db, "SELECT 1 AS one", &link)
            .args(["-p", "1"])
            .run();
        assert!(ran.stderr.to_lowercase().contains(reason), "{}", ran.stderr);
        assert_eq!(ran.status, 1);
    }
}

#[test]
fn what_would_fail_at_the_end_is_refused_at_the_start() {
    let db = Db::with_shards(1);
    let folder = folder();
    fs::write(folder.path().join("b.partial.csv"), "mine").unwrap();
    fs::write(folder.path().join("c.partial.csv.manifest.json"), "mine").unwrap();
    let before = names(folder.path());
    for (name, flags, reasons) in [
        ("a.csv/", &[][..], ["a.csv/: is a directory", "--per-shard"]),
        ("a.csv/.", &[], ["is a directory", "--per-shard"]),
        (
            "b.csv",
            &["--allow-partial"],
            ["b.partial.csv already exists", "--force"],
        ),
        (
            "c.csv",
            &["--allow-partial"],
            ["c.partial.csv.manifest.json", "--force"],
        ),
    ] {
        // Nothing listens on that port.
        let target = format!("{}/{name}", folder.path().display());
        let export = export(&db, "SELECT 1 AS one", Path::new(&target)).args(["-p", "1"]);
        export.args(flags).run().assert(1, "", has_all(reasons));
        assert_eq!(names(folder.path()), before);
    }
}
