//! A file is whole or absent: it gets its name once every shard has answered, and until then an
//! older file stays unchanged.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{ANY, Db, Program, eventually, has, has_all, shardq};

/// A folder with an older result.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.file(), "older\n").unwrap();
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("result.csv")
    }

    fn content(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn is_untouched(&self) -> bool {
        self.content() == "older\n" && self.files() == ["result.csv"]
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn writing(db: &Db, file: &Path, sql: &str) -> Program {
    shardq(["query", "--csv", sql, "-o"]).args([file]).db(db)
}

#[test]
fn a_complete_result_takes_the_place_of_an_older_one() {
    let folder = Folder::new();
    writing(&Db::with_shards(2), &folder.file(), "SELECT 1 AS a")
        .run()
        .assert(0, "", has("2/2 shards"));
    assert_eq!(folder.content(), "shard,a\nshard_0,1\nshard_1,1\n");
    assert_eq!(folder.files(), ["result.csv"]);
}

#[test]
fn a_shard_that_fails_leaves_the_older_file() {
    let folder = Folder::new();
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t AS SELECT generate_series(1, 50000) AS n");
    db.in_shard(2, "DROP TABLE t");
    writing(&db, &folder.file(), "SELECT n FROM t")
        .run()
        .assert(
            3,
            "",
            has_all([
                "shard_2: ERROR 42P01",
                "result.csv was not written\n",
                "2/3 shards",
            ]),
        );
    assert!(folder.is_untouched());
}

#[test]
fn what_would_be_sent_is_no_result_and_leaves_the_older_file() {
    let folder = Folder::new();
    let db = Db::with_shards(2);
    for (flags, shown) in [
        (&["--dry-run"][..], "-- shard_0"),
        (&["-g", "--dry-run"], "-- one statement"),
        (&["-g", "--explain"], "-- one statement"),
    ] {
        shardq(["query", "SELECT 1", "-o"])
            .args([folder.file()])
            .args(flags)
            .db(&db)
            .run()
            .assert(0, has(shown), "");
        assert!(folder.is_untouched());
    }
}

#[test]
fn ctrl_c_leaves_the_older_file() {
    let folder = Folder::new();
    let db = Db::with_shards(2);
    let sql = "SELECT generate_series(1, 100000), \
               pg_sleep(CASE current_schema() WHEN 'shard_1' THEN 600 ELSE 0 END)";
    let query = writing(&db, &folder.file(), sql).spawn();
    eventually("it is being written", || {
        folder.files().len() == 2 && !db.waiting("PgSleep").is_empty()
    });
    query.signal("INT");
    query
        .finish()
        .assert(130, "", has_all(["was not written\n", "/2 shards"]));
    assert!(folder.is_untouched(), "{:?}", folder.files());
}

#[test]
fn ctrl_c_while_parts_are_gathered_says_the_same() {
    let folder = Folder::new();
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t AS SELECT 1 AS n");
    let mut migration = db.session();
    let query = shardq(["query", "-g", "--lock-timeout", "0", "--csv", "-o"])
        .args([folder.file()])
        .args(["SELECT n, count(*) FROM t GROUP BY n"])
        .db(&db);
    migration.run("BEGIN; LOCK TABLE shard_1.t");
    let query = query.spawn();
    db.until_waiting("Lock", 1);
    query.signal("INT");
    query.finish().assert(
        130,
        "",
        has_all([
            "result.csv was not written\n",
            "interrupted; nothing is left running",
        ]),
    );
    assert!(folder.is_untouched(), "{:?}", folder.files());
}

#[test]
fn a_statement_that_is_refused_leaves_the_older_file() {
    let folder = Folder::new();
    let db = Db::with_shards(2);
    writing(&db, &folder.file(), "SELECT FROM WHERE")
        .run()
        .assert(1, "", has("42601"));
    assert!(folder.is_untouched());
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_connects() {
    let folder = Folder::new();
    for file in [
        folder.0.path().join("missing/result.csv"),
        folder.0.path().to_owned(),
    ] {
        let ran = shardq(["query", "SELECT 1", "-o"])
            .args([&file])
            .env("PGHOST", "/nonexistent")
            .run();
        ran.assert(1, "", has(&format!("shardq: error: {}: ", file.display())));
        assert!(!ran.stderr.contains("connection"), "{}", ran.stderr);
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let db = Db::with_shards(2);
    writing(
        &db,
        Path::new("/dev/full"),
        "SELECT generate_series(1, 100000)",
    )
    .run()
    .assert(
        1,
        "",
        has("shardq: error: /dev/full: No space left on device"),
    );
    eventually("no backend is left", || db.backends("shardq").is_empty());
}

#[test]
fn what_is_no_file_is_written_to_and_stays() {
    let db = Db::with_shards(2);
    writing(&db, Path::new("/dev/null"), "SELECT 1")
        .run()
        .assert(0, "", ANY);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_link_and_the_permissions_of_the_older_file_stay() {
    let folder = Folder::new();
    let link = folder.0.path().join("link.csv");
    symlink("result.csv", &link).unwrap();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o600)).unwrap();
    writing(&Db::with_shards(1), &link, "SELECT 1 AS a")
        .run()
        .assert(0, "", ANY);
    assert_eq!(folder.content(), "shard,a\nshard_0,1\n");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
