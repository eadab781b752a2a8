//! `shardq export`: summaries, and why there is no file.

use std::fs;

use crate::support::{Db, Program, Transcript, export, folder, shardq};

fn db() -> Db {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (n int, v text); INSERT INTO t VALUES ({n}, 'v{n}')");
    db
}

const SQL: &str = "SELECT * FROM t";

#[test]
fn one_file() {
    let db = db();
    let folder = folder();
    let file = folder.path().join("t.csv");
    let to = |name: &str| export(&db, SQL, &folder.path().join(name));
    Transcript::of(&db)
        .in_folder(folder.path())
        .run(to("t.csv"))
        .run(to("t.csv"))
        .run(to("t.csv").args(["--force", "--timing", "-q"]))
        .run(to("t.csv.gz"))
        .run(to("t.parquet"))
        .run(to("plain.csv").args(["--no-manifest", "--no-snapshot"]))
        .run(export(
            &db,
            "SELECT * FROM t WHERE n > 9",
            &folder.path().join("none.jsonl"),
        ))
        .run(
            shardq(["export", "-g", "SELECT count(*) FROM t", "-o"])
                .args([folder.path().join("count.csv")])
                .db(&db),
        )
        .run(shardq(["export", SQL, "-o", "-"]).db(&db))
        .assert("export_file");
    assert!(file.exists());
}

#[test]
fn shards_that_fail() {
    let db = db();
    db.in_shard(1, "DROP TABLE t");
    let folder = folder();
    let to = |name: &str| export(&db, SQL, &folder.path().join(name)).args(["-j", "1"]);
    let plain = to("t.csv").run();
    Transcript::of(&db)
        .in_folder(folder.path())
        .with(
            "shardq export 'SELECT * FROM t' -o [DIR]/t.csv -j 1",
            &plain,
        )
        .run(to("t.csv").args(["--allow-partial"]))
        .run(to("t").args(["--per-shard"]))
        .run(to("t").args(["--per-shard"]))
        .run(to("t").args(["--per-shard", "--resume"]))
        .assert("export_failed_shards");
    assert!(!folder.path().join("t.csv").exists());
}

#[test]
fn one_file_per_shard() {
    let db = db();
    let folder = folder();
    let to = |name: &str| export(&db, SQL, &folder.path().join(name)).args(["--per-shard"]);
    db.in_shard(1, "ALTER TABLE t RENAME TO away");
    let incomplete = to("t").run();
    db.in_shard(1, "ALTER TABLE away RENAME TO t");
    let other = export(&db, "SELECT n FROM t", &folder.path().join("t"));
    Transcript::of(&db)
        .in_folder(folder.path())
        .with(
            "shardq export 'SELECT * FROM t' -o [DIR]/t --per-shard",
            &incomplete,
        )
        .run(other.args(["--per-shard", "--resume"]))
        .run(to("t").args(["--resume"]))
        .run(to("t").args(["--resume"]))
        .run(to("none").args(["--resume"]))
        .run(to("t").args(["--force"]))
        .assert("export_per_shard");
}

#[test]
fn files_and_values_that_cannot_be_written() {
    let db = db();
    db.in_shard(2, "ALTER TABLE t ALTER n TYPE bigint");
    let folder = folder();
    let to = |sql: &str, name: &str| -> Program { export(&db, sql, &folder.path().join(name)) };
    fs::write(folder.path().join("old.csv.manifest.json"), "{}").unwrap();
    Transcript::of(&db)
        .in_folder(folder.path())
        .run(to(SQL, "missing/t.csv"))
        .run(to(SQL, "."))
        .run(to(SQL, "old.csv"))
        .run(to(SQL, "t.parquet"))
        // How far the shards were read until the writer failed, which the summary tells, differs.
        .run(to("SELECT 'infinity'::date AS d", "t.parquet").args(["-q"]))
        .run(to("SELECT n AS shard FROM t", "t").args(["--per-shard", "-q"]))
        .run(to("SHOW work_mem", "t.csv"))
        .run(to("DELETE FROM t", "t.csv"))
        .run(to("SELECT FROM t", "t.csv"))
        .assert("export_refused");
}
