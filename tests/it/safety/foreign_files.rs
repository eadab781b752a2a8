//! A folder may come from somebody else: nothing in it may make a run write, move or remove
//! anything outside, or wait forever.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{ANY, Db, export, folder, has, has_all, names, shardq, verify};

const SQL: &str = "SELECT n FROM t";
const MINE: &str = "mine, and nobody else's";

/// A file that no run may change.
fn precious(folder: &Path) -> PathBuf {
    let file = folder.join("precious");
    fs::write(&file, MINE).unwrap();
    file
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A complete export with one file per shard.
fn exported(db: &Db, out: &Path) {
    export(db, SQL, out)
        .args(["--per-shard"])
        .run()
        .assert(0, "", has("2/2 shards"));
}

#[test]
fn the_claim_on_a_folder_writes_to_no_file_that_is_there() {
    let db = Db::with_numbers(2);
    let folder = folder();
    let precious = precious(folder.path());
    let out = folder.path().join("out");
    let claim = out.join(".shardq-lock");
    for (what, make) in [
        (
            "a symbolic link",
            &(|| symlink(&precious, &claim).unwrap()) as &dyn Fn(),
        ),
        ("a symbolic link", &|| symlink("nowhere", &claim).unwrap()),
        ("a pipe", &|| pipe(&claim)),
        ("a directory", &|| fs::create_dir(&claim).unwrap()),
    ] {
        fs::create_dir_all(&out).unwrap();
        make();
        for flags in [&[][..], &["--force"]] {
            export(&db, SQL, &out)
                .args(["--per-shard"])
                .args(flags)
                .run()
                .assert(
                    1,
                    "",
                    has_all([
                        &*format!(".shardq-lock: {what}, not a regular file"),
                        "remove it, or write to another directory",
                    ]),
                );
        }
        assert_eq!(fs::read_to_string(&precious).unwrap(), MINE, "{what}");
        assert_eq!(names(&out), [".shardq-lock"]);
        assert!(!folder.path().join("nowhere").exists() && !out.join("nowhere").exists());
        fs::remove_dir_all(&out).unwrap();
    }
    // A hard link looks like what a killed run left; only this name is removed.
    fs::create_dir(&out).unwrap();
    fs::hard_link(&precious, &claim).unwrap();
    exported(&db, &out);
    assert_eq!(fs::read_to_string(&precious).unwrap(), MINE);
}

#[test]
fn parts_and_manifests_that_are_links_are_replaced_and_not_followed() {
    let db = Db::with_numbers(2);
    let folder = folder();
    let precious = precious(folder.path());
    let out = folder.path().join("out");
    for flag in ["--resume", "--force"] {
        let _ = fs::remove_dir_all(&out);
        exported(&db, &out);
        let part = out.join("shard=shard_1/part.csv");
        let manifest = out.join("_manifest.json");
        fs::remove_file(&part).unwrap();
        symlink(&precious, &part).unwrap();
        let kept = folder.path().join("kept.json");
        fs::copy(&manifest, &kept).unwrap();
        fs::remove_file(&manifest).unwrap();
        symlink(&kept, &manifest).unwrap();
        let before = fs::read(&kept).unwrap();

        export(&db, SQL, &out)
            .args(["--per-shard", flag])
            .run()
            .assert(0, "", has("2/2 shards"));
        assert_eq!(fs::read_to_string(&precious).unwrap(), MINE, "{flag}");
        assert_eq!(fs::read(&kept).unwrap(), before, "{flag}");
        for path in [&part, &manifest] {
            assert!(fs::symlink_metadata(path).unwrap().is_file(), "{flag}");
        }
        verify(&out).run().assert(0, "", has("2/2 shards"));
    }
}

#[test]
fn no_link_to_a_folder_takes_a_run_elsewhere() {
    let db = Db::with_numbers(2);
    let folder = folder();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let there = ["part.csv", ".part.csv.shardq-1-2"];
    for name in there {
        fs::write(elsewhere.join(name), MINE).unwrap();
    }
    let out = folder.path().join("out");
    let unchanged = |what: &str| {
        for name in there {
            assert_eq!(
                fs::read_to_string(elsewhere.join(name)).unwrap(),
                MINE,
                "{what}"
            );
        }
        assert_eq!(names(&elsewhere).len(), there.len(), "{what}");
    };
    // A shard's folder.
    for flag in ["--resume", "--force"] {
        let _ = fs::remove_dir_all(&out);
        exported(&db, &out);
        fs::remove_dir_all(out.join("shard=shard_1")).unwrap();
        symlink(&elsewhere, out.join("shard=shard_1")).unwrap();
        let refused = "shard=shard_1: a symbolic link, not a directory of the export; remove it";
        let ran = export(&db, SQL, &out).args(["--per-shard", flag]).run();
        assert_eq!(ran.status, 1, "{}", ran.stderr);
        assert!(
            ran.stderr.contains(refused)
                || ran
                    .stderr
                    .contains("shard=shard_1/part.csv: a symbolic link"),
            "{}",
            ran.stderr
        );
        unchanged(flag);
    }
    // The folder that a replacement is staged in.
    let _ = fs::remove_dir_all(&out);
    exported(&db, &out);
    fs::copy(out.join("_manifest.json"), elsewhere.join("_manifest.json")).unwrap();
    symlink(&elsewhere, out.join(".shardq-replacement")).unwrap();
    export(&db, SQL, &out)
        .args(["--per-shard", "--resume"])
        .run()
        .assert(
            1,
            "",
            has(".shardq-replacement: a symbolic link, not a directory of the export"),
        );
    fs::remove_file(elsewhere.join("_manifest.json")).unwrap();
    unchanged("replacement");
    export(&db, SQL, &out)
        .args(["--per-shard", "--force"])
        .run()
        .assert(0, "", has("2/2 shards"));
    unchanged("replacement, --force");
}

#[test]
fn the_manifest_of_a_file_is_written_through_no_link() {
    let db = Db::with_numbers(2);
    let folder = folder();
    let precious = precious(folder.path());
    for (name, to) in [("a.csv", "precious"), ("b.csv", "nowhere")] {
        let file = folder.path().join(name);
        let manifest = folder.path().join(format!("{name}.manifest.json"));
        symlink(to, &manifest).unwrap();
        export(&db, SQL, &file)
            .run()
            .assert(1, "", has("manifest.json already exists"));
        assert!(!file.exists());
        export(&db, SQL, &file)
            .args(["--force"])
            .run()
            .assert(0, "", ANY);
        assert!(fs::symlink_metadata(&manifest).unwrap().is_file());
        verify(&file).run().assert(0, "", has("2/2 shards"));
    }
    assert_eq!(fs::read_to_string(precious).unwrap(), MINE);
    assert!(!folder.path().join("nowhere").exists());
}

/// Drafts of killed runs are removed; other files with such names stay and are not opened.
#[test]
fn what_only_looks_like_an_abandoned_draft_is_left_alone() {
    let db = Db::with_numbers(2);
    let folder = folder();
    precious(folder.path());
    let file = folder.path().join("a.csv");
    pipe(&folder.path().join(".a.csv.shardq-1-1"));
    symlink("precious", folder.path().join(".a.csv.shardq-1-2")).unwrap();
    fs::write(folder.path().join(".a.csv.shardq-1-3"), "half").unwrap();
    shardq(["query", SQL, "--csv", "-o"])
        .args([&file])
        .db(&db)
        .run()
        .assert(0, "", ANY);
    assert_eq!(
        names(folder.path()),
        [
            ".a.csv.shardq-1-1",
            ".a.csv.shardq-1-2",
            "a.csv",
            "precious"
        ]
    );
}

/// Otherwise whoever runs the new file would get its owner's rights.
#[test]
fn a_new_file_is_not_setuid_because_the_older_was() {
    let db = Db::with_numbers(2);
    let folder = folder();
    let file = folder.path().join("a.csv");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6755)).unwrap();
    export(&db, SQL, &file)
        .args(["--force"])
        .run()
        .assert(0, "", ANY);
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
}

#[test]
fn only_regular_files_are_verified_and_gone_on_with() {
    let db = Db::with_numbers(2);
    let folder = folder();
    let out = folder.path().join("out");
    let part = out.join("shard=shard_1/part.csv");
    for (what, make) in [
        ("a pipe", &(|path: &Path| pipe(path)) as &dyn Fn(&Path)),
        ("a device", &|path| symlink("/dev/zero", path).unwrap()),
        ("a directory", &|path| fs::create_dir(path).unwrap()),
    ] {
        let _ = fs::remove_dir_all(&out);
        exported(&db, &out);
        fs::remove_file(&part).unwrap();
        make(&part);
        let refused = format!("part.csv: {what}, not a regular file");
        verify(&out).run().assert(1, "", has(&refused));
        export(&db, SQL, &out)
            .args(["--per-shard", "--resume"])
            .run()
            .assert(1, "", has(&refused));

        let file = folder.path().join(what);
        make(&file);
        let manifest = folder.path().join(format!("{what}.manifest.json"));
        make(&manifest);
        verify(&manifest).run().assert(1, "", ANY);
        if what != "a directory" {
            let refused = format!("{what}.manifest.json: {what}, not a regular file");
            verify(&file).run().assert(1, "", has(&refused));
        }
    }
    // A pipe in place of a single-file export, with its manifest present.
    let file = folder.path().join("t.csv");
    export(&db, SQL, &file).run().assert(0, "", ANY);
    fs::remove_file(&file).unwrap();
    pipe(&file);
    verify(&file)
        .run()
        .assert(1, "", has("t.csv: a pipe, not a regular file"));
    // A file without an end or a size.
    fs::remove_file(&file).unwrap();
    symlink("/proc/kmsg", &file).unwrap();
    verify(&file).run().assert(1, "", has("t.csv: "));
}
