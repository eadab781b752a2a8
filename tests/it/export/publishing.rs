//! A file and its manifest get their names together or not at all, whoever interferes.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{
    ANY, Db, Running, Session, eventually, export, folder, has, has_all, manifest, names, verify,
};

/// Waits for the lock.
const WAITS: &str = "SELECT 1 AS one, pg_advisory_xact_lock_shared(42)::text AS waited";

/// An export that waits for a lock, so that something can happen meanwhile.
struct Meanwhile {
    holder: Session,
    export: Running,
}

impl Meanwhile {
    fn of(db: &Db, file: &Path, flags: &[&str]) -> Self {
        let mut holder = db.session();
        holder.run("SELECT pg_advisory_lock(42)");
        let export = export(db, WAITS, file)
            .args(["--lock-timeout", "0"])
            .args(flags)
            .spawn();
        db.until_waiting("advisory", 1);
        Self { holder, export }
    }

    fn go_on(mut self) -> Running {
        self.holder.run("SELECT pg_advisory_unlock(42)");
        self.export
    }
}

/// Whether an export has written its manifest and is about to publish.
fn publishes(folder: &Path) -> bool {
    names(folder).iter().any(|name| {
        let size = fs::metadata(folder.join(name)).map_or(0, |there| there.len());
        name.starts_with(".t.csv.manifest.json.shardq-") && size > 0
    })
}

/// Four exports that end at the same moment, many times.
#[test]
fn exports_to_one_target_are_never_mixed() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.csv");
    for _ in 0..15 {
        let mut holder = db.session();
        holder.run("SELECT pg_advisory_lock(42)");
        let runs = [1, 2, 3, 4].map(|n| {
            let sql = format!("{WAITS}, {n} AS n");
            export(&db, &sql, &file)
                .args(["--force", "--lock-timeout", "0"])
                .spawn()
        });
        db.until_waiting("advisory", runs.len());
        holder.run("SELECT pg_advisory_unlock(42)");
        for run in runs {
            run.finish().assert(0, "", has("1/1 shards"));
        }
        verify(&file).run().assert(0, "", has("1/1 shards"));
        assert_eq!(names(folder.path()), ["t.csv", "t.csv.manifest.json"]);
    }
}

/// Holding the folder's lock delays publishing.
#[test]
fn an_interrupt_while_it_is_published_does_not_leave_half_of_it() {
    let db = Db::with_shards(2);
    for flags in [&["--force"][..], &["--force", "--global", "--strategy=one"]] {
        for signal in ["INT", "TERM"] {
            let folder = folder();
            let file = folder.path().join("t.csv");
            fs::write(&file, "older").unwrap();
            let held = File::open(folder.path()).unwrap();
            held.lock().unwrap();
            let export = export(&db, "SELECT 1 AS one", &file).args(flags).spawn();
            eventually("it is about to publish", || publishes(folder.path()));
            export.signal(signal);
            assert_eq!(fs::read_to_string(&file).unwrap(), "older");
            held.unlock().unwrap();
            export.finish().assert(0, "", has("2/2 shards"));
            verify(&file).run().assert(0, "", has("2/2 shards"));
            assert_eq!(names(folder.path()), ["t.csv", "t.csv.manifest.json"]);
        }
    }
}

#[test]
fn a_manifest_that_appeared_meanwhile_is_kept_and_no_file_put_beside_it() {
    let db = Db::with_shards(1);
    for flags in [&[][..], &["--no-manifest"]] {
        let folder = folder();
        let file = folder.path().join("t.csv");
        let theirs = folder.path().join("t.csv.manifest.json");
        let meanwhile = Meanwhile::of(&db, &file, flags);
        fs::write(&theirs, "theirs").unwrap();
        meanwhile.go_on().finish().assert(
            1,
            "",
            has_all([
                "t.csv.manifest.json was created by someone else during the export and was kept",
                "t.csv was not written",
            ]),
        );
        assert_eq!(names(folder.path()), ["t.csv.manifest.json"]);
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    }
}

#[test]
fn a_manifest_that_cannot_be_published_leaves_the_older_file() {
    let db = Db::with_shards(1);
    for older in [Some("older"), None] {
        for flags in [&["--force"][..], &["--force", "--no-manifest"]] {
            let folder = folder();
            let file = folder.path().join("t.csv");
            if let Some(older) = older {
                fs::write(&file, older).unwrap();
            }
            let meanwhile = Meanwhile::of(&db, &file, flags);
            fs::create_dir(folder.path().join("t.csv.manifest.json")).unwrap();
            meanwhile.go_on().finish().assert(
                1,
                "",
                has_all([
                    "t.csv.manifest.json: Is a directory",
                    "t.csv was not written",
                ]),
            );
            assert_eq!(fs::read_to_string(&file).ok().as_deref(), older);
            let left = ["t.csv", "t.csv.manifest.json"];
            assert_eq!(names(folder.path()), left[usize::from(older.is_none())..]);
        }
    }
}

#[test]
fn a_manifest_that_is_there_is_kept_unless_forced() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let theirs = folder.path().join("t.csv.manifest.json");
    fs::write(&theirs, "theirs").unwrap();
    for (flags, reason) in [
        (&[][..], "t.csv.manifest.json already exists; use --force"),
        (
            &["--no-manifest"],
            "t.csv.manifest.json is left from an earlier file and would not match the new one; use \
             --force",
        ),
    ] {
        // Fails before connecting: nothing listens on that port.
        let export = export(&db, "SELECT 1 AS one", &file).args(["-p", "1"]);
        export.args(flags).run().assert(1, "", has(reason));
        assert_eq!(names(folder.path()), ["t.csv.manifest.json"]);
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    }
    export(&db, "SELECT 1 AS one", &file)
        .args(["--no-manifest", "--force"])
        .run()
        .assert(0, "", ANY);
    assert_eq!(names(folder.path()), ["t.csv"]);
}

/// For a symbolic link, the manifest is where `verify` of the link looks for it.
#[test]
fn a_link_has_its_manifest_beside_it_and_the_older_files_goes() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let link = folder.path().join("link.csv");
    export(&db, "SELECT 1 AS one", &file)
        .run()
        .assert(0, "", ANY);
    symlink("t.csv", &link).unwrap();
    export(&db, "SELECT 2 AS two", &link)
        .args(["--force"])
        .run()
        .assert(0, "", ANY);
    assert_eq!(
        names(folder.path()),
        ["link.csv", "link.csv.manifest.json", "t.csv"]
    );
    verify(&link).run().assert(0, "", has("1/1 shards"));
    assert_eq!(manifest(&link)["columns"][0]["name"], "two");
    export(&db, "SELECT 3 AS three", &link)
        .args(["--force", "--no-manifest"])
        .run()
        .assert(0, "", ANY);
    assert_eq!(names(folder.path()), ["link.csv", "t.csv"]);
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "shard,three\nshard_0,3\n"
    );
}
