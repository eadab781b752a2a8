//! A table that is rewritten or renamed during a run is invisible to the run's snapshot. The run
//! notices and retries at a new snapshot, whatever the command; it never returns such a result.
//! `retry` is about what a retry keeps and locks, and when there is none.

mod retry;

use std::fs;

use crate::support::{
    ANY, Db, Program, Running, Session, eventually, export, folder, has, has_all, shardq, verify,
};

/// 100 rows in each of two shards, whose values add up to 100 each.
fn two_shards() -> Db {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT g AS id, 1 AS v FROM generate_series(1, 100) AS g;
         CREATE VIEW of_t AS SELECT id, v FROM t;
         CREATE MATERIALIZED VIEW m AS SELECT id, v FROM t;
         CREATE TABLE other AS TABLE t;
         CREATE TABLE p (id int, v int) PARTITION BY RANGE (id);
         CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50);
         CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (50) TO (1000);
         INSERT INTO p SELECT id, v FROM t;
         CREATE TABLE p3 AS SELECT 1500 AS id, 7 AS v;
         CREATE TABLE h AS SELECT id, v FROM t WHERE id <= 50;
         CREATE TABLE h1 () INHERITS (h);
         INSERT INTO h1 SELECT id, v FROM t WHERE id > 50;
         CREATE TABLE h2 AS TABLE p3",
    );
    db
}

const RELOAD: &str = "CREATE TEMP TABLE k AS TABLE shard_1.t; TRUNCATE shard_1.t; \
                      INSERT INTO shard_1.t TABLE k";

/// Name, what another session does to `shard_1` in a transaction, and the query that meets it.
const REWRITES: [(&str, &str, &str); 15] = [
    ("truncate and insert", RELOAD, "SELECT sum(v) FROM t"),
    (
        "a column's type",
        "DROP VIEW shard_1.of_t; DROP MATERIALIZED VIEW shard_1.m; \
         ALTER TABLE shard_1.t ALTER v TYPE int USING v + 0",
        "SELECT sum(v) FROM t",
    ),
    (
        "a column with a volatile default",
        "ALTER TABLE shard_1.t ADD w float DEFAULT random(); ALTER TABLE shard_1.t DROP w",
        "SELECT sum(v) FROM t",
    ),
    (
        "a copy takes the name",
        "CREATE TABLE shard_1.n AS TABLE shard_1.t; ALTER TABLE shard_1.t RENAME TO o; \
         ALTER TABLE shard_1.n RENAME TO t",
        "SELECT sum(v) FROM t",
    ),
    (
        "another table takes the name",
        "ALTER TABLE shard_1.t RENAME TO o; ALTER TABLE shard_1.other RENAME TO t; \
         UPDATE shard_1.t SET v = v",
        "SELECT sum(v) FROM t",
    ),
    (
        "schemas swap names",
        "LOCK TABLE shard_1.t; ALTER SCHEMA shard_0 RENAME TO s; \
         ALTER SCHEMA shard_1 RENAME TO shard_0; ALTER SCHEMA s RENAME TO shard_1",
        "SELECT sum(v) FROM t",
    ),
    ("under a view", RELOAD, "SELECT sum(v) FROM of_t"),
    (
        "a materialized view",
        "REFRESH MATERIALIZED VIEW shard_1.m",
        "SELECT sum(v) FROM m",
    ),
    (
        "a partition",
        "CREATE TEMP TABLE k AS TABLE shard_1.p2; TRUNCATE shard_1.p2; \
         INSERT INTO shard_1.p2 TABLE k",
        "SELECT sum(v) FROM p",
    ),
    (
        "a partition is detached",
        "ALTER TABLE shard_1.p DETACH PARTITION shard_1.p2; \
         UPDATE shard_1.p SET v = 52 WHERE id = 1",
        "SELECT sum(v) FROM p",
    ),
    (
        "a partition is attached",
        "LOCK TABLE shard_1.p; \
         ALTER TABLE shard_1.p ATTACH PARTITION shard_1.p3 FOR VALUES FROM (1000) TO (2000); \
         UPDATE shard_1.p SET v = -6 WHERE id = 1",
        "SELECT sum(v) FROM p",
    ),
    (
        "a partition is dropped",
        "DROP TABLE shard_1.p2; UPDATE shard_1.p SET v = 52 WHERE id = 1",
        "SELECT sum(v) FROM p",
    ),
    (
        "a table is no longer a child",
        "LOCK TABLE shard_1.h; ALTER TABLE shard_1.h1 NO INHERIT shard_1.h; \
         UPDATE shard_1.h SET v = 51 WHERE id = 1",
        "SELECT sum(v) FROM h",
    ),
    (
        "a child is dropped",
        "LOCK TABLE shard_1.h; DROP TABLE shard_1.h1; UPDATE shard_1.h SET v = 51 WHERE id = 1",
        "SELECT sum(v) FROM h",
    ),
    (
        "a table becomes a child",
        "LOCK TABLE shard_1.h; ALTER TABLE shard_1.h2 INHERIT shard_1.h; \
         UPDATE shard_1.h SET v = -6 WHERE id = 1",
        "SELECT sum(v) FROM h",
    ),
];

/// A session that has rewritten a table and not committed yet.
fn rewriting(db: &Db, sql: &str) -> Session {
    let mut session = db.session();
    session.run(&format!("BEGIN; {sql}"));
    session
}

/// Starts a run, waits until it meets the rewritten table, then commits.
fn meet(db: &Db, name: &str, mut rewriter: Session, program: Program) -> Running {
    let run = program.args(["--lock-timeout", "1min"]).spawn();
    eventually(&format!("the run waits for the table ({name})"), || {
        !db.waiting("relation").is_empty()
    });
    rewriter.run("COMMIT");
    run
}

/// An aligned table is printed once it is complete.
const EACH: &str = " shard_0 | 100\n shard_1 | 100\n\n";

const RETRIED: [&str; 2] = ["rows may be missing: ", "at a new snapshot"];

#[test]
fn query_retries_whatever_the_rewrite_was() {
    for (name, rewrite, sql) in REWRITES {
        let db = two_shards();
        let query = shardq(["query", "-t", sql]).db(&db);
        let run = meet(&db, rewrite, rewriting(&db, rewrite), query).finish();
        let told = run.stderr.clone();
        run.assert(0, EACH, has("2/2 shards"));
        for part in RETRIED {
            assert!(told.contains(part), "{name}: {told}");
        }
    }
}

#[test]
fn one_statement_over_all_shards_is_retried_whatever_the_rewrite_was() {
    for (name, rewrite, sql) in REWRITES {
        if sql.ends_with("of_t") || sql.ends_with(" m") {
            // Views are unsupported.
            continue;
        }
        let db = two_shards();
        let query = shardq(["query", "-g", "--strategy", "one", "--csv", "-t", sql]).db(&db);
        let run = meet(&db, rewrite, rewriting(&db, rewrite), query).finish();
        let told = run.stderr.clone();
        run.assert(0, "200\n", has("2/2 shards"));
        assert!(told.contains("rows may be missing: "), "{name}: {told}");
    }
}

#[test]
fn partials_are_retried_whatever_the_rewrite_was() {
    for (_, rewrite, sql) in REWRITES {
        if sql.ends_with("of_t") || sql.ends_with(" m") {
            continue;
        }
        for strategy in ["auto", "partial"] {
            let db = two_shards();
            let query = shardq(["query", "-g", "--strategy", strategy, "--csv", "-t", sql]);
            let run = meet(&db, rewrite, rewriting(&db, rewrite), query.db(&db)).finish();
            // Whether a snapshot exists yet when it meets the lock depends on the strategy.
            run.assert(0, "200\n", has("2/2 shards"));
        }
    }
}

#[test]
fn exports_are_retried_whatever_the_rewrite_was() {
    for (name, rewrite, sql) in REWRITES {
        let db = two_shards();
        let folder = folder();
        let file = folder.path().join("t.csv");
        let export = export(&db, sql, &file);
        let run = meet(&db, rewrite, rewriting(&db, rewrite), export).finish();
        let told = run.stderr.clone();
        run.assert(0, "", has("2 rows · 2/2 shards"));
        for part in RETRIED {
            assert!(told.contains(part), "{name}: {told}");
        }
        let rows = fs::read_to_string(&file).unwrap();
        assert_eq!(rows, "shard,sum\nshard_0,100\nshard_1,100\n", "{name}");
    }
}

#[test]
fn exports_of_every_format_are_retried() {
    for ending in ["csv.gz", "jsonl", "parquet"] {
        let db = two_shards();
        let folder = folder();
        let file = folder.path().join(format!("t.{ending}"));
        let export = export(&db, "SELECT id, v FROM t", &file);
        let run = meet(&db, RELOAD, rewriting(&db, RELOAD), export).finish();
        run.assert(
            0,
            "",
            has_all(["200 rows · 2/2 shards", RETRIED[0], RETRIED[1]]),
        );
        verify(&file)
            .run()
            .assert(0, ANY, has_all(["200 rows · 2/2 shards"]));
    }
}

#[test]
fn find_retries() {
    let db = Db::with_sample(4);
    db.sql("ALTER TABLE shard_2.origins DISABLE TRIGGER ALL");
    let rewrite = "CREATE TEMP TABLE k AS TABLE shard_2.origins; \
                   TRUNCATE shard_2.origins CASCADE; INSERT INTO shard_2.origins TABLE k";
    // `core` is in shard_2 of 4.
    let find = shardq(["find", "core"]).db(&db);
    meet(&db, rewrite, rewriting(&db, rewrite), find)
        .finish()
        .assert(
            0,
            has("shard_2"),
            has_all([
                "rows may be missing: shard_2.origins was rewritten",
                "retrying at a new snapshot",
            ]),
        );
}
