//! Partials that turn out to be unsuitable: one statement answers instead, or the run ends early.

use super::{answers, db, explains, is_not_had_in_parts};
use crate::support::{ANY, Db, has, has_all, shardq};

#[test]
fn parts_that_are_too_large_are_one_statement() {
    let db = db();
    db.in_each_shard(
        "CREATE TABLE large (id int, x text);
         INSERT INTO large SELECT i, repeat('x', 1000000) FROM generate_series(1, 20) AS i",
    );
    let sql = "SELECT x FROM large ORDER BY id LIMIT 20";
    explains(&db, &[sql], &["-- partial results"]);
    is_not_had_in_parts(&db, sql, "too large to be worth");
    shardq(["query", "-gt", "--csv", sql])
        .db(&db)
        .run()
        .assert(0, ANY, has("20 rows"));
}

#[test]
fn parts_that_turn_out_too_many_are_given_up_early() {
    let db = Db::with_shards(8);
    // All of them together would not be too many: only the first shards' look like it.
    db.in_each_shard(
        "CREATE TABLE visits AS
             SELECT CASE WHEN {n} = 0 THEN i ELSE 1 END AS visitor FROM generate_series(1, 40000) AS i;
         ALTER TABLE visits ALTER visitor SET (n_distinct = 10);
         ANALYZE visits",
    );
    let sql = "SELECT visitor, count(*) FROM visits GROUP BY visitor ORDER BY visitor LIMIT 1";
    explains(&db, &[sql], &["-- partial results"]);
    for (strategy, how) in [
        ("auto", "one statement ran over"),
        ("partial", "per shard: median"),
    ] {
        shardq([
            "query",
            "-gt",
            "--csv",
            "--timing",
            "--strategy",
            strategy,
            sql,
        ])
        .db(&db)
        .run()
        .assert(0, "1,280001\n", has_all(["1 row · 8/8 shards", how]));
    }
}

#[test]
fn a_shard_that_waits_too_long_is_waited_for_once() {
    let db = db();
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_1.a");
    let ran = shardq(["query", "-g", "SELECT count(*) FROM a"])
        .args(["--lock-timeout", "200ms", "--verbose"])
        .db(&db)
        .run();
    ran.assert(
        1,
        "",
        has_all(["55P03", "shardq: hint: shard_1.a is locked by process"]),
    );
    // Every statement that reads the table waits for it.
    let waits = ran.stderr.matches("\"shard_1\".\"a\"").count();
    assert_eq!(waits, 1, "{}", ran.stderr);
}

/// India's time zone is abbreviated `IST`, which reads back as Israel's.
#[test]
fn times_that_cannot_be_read_back_are_not_sent_back() {
    let db = db();
    let sql = "SELECT max(at) FROM a";
    let styled = |program: crate::support::Program| {
        program
            .env("PGDATESTYLE", "Postgres, DMY")
            .env("PGTZ", "Asia/Kolkata")
            .db(&db)
            .run()
    };
    styled(shardq(["query", "-g", "-t", "--csv", sql])).assert(
        0,
        "Tue 02 Jan 20:00:00 2024 IST\n",
        has("2/2 shards"),
    );
    styled(shardq(["query", "-g", "--strategy", "partial", sql])).assert(1, "", has("DateStyle"));
    answers(
        &db,
        &["--strategy", "partial", sql],
        "2024-01-02 14:30:00+00",
    );
}

#[test]
fn parts_of_too_many_rows_are_given_up_for_one_statement() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT 2 * i + {n} AS i FROM generate_series(1, 100001) AS i",
    );
    let sql = "SELECT count(DISTINCT i), count(*) FROM t";
    answers(&db, &[sql], "200002,200002");
    is_not_had_in_parts(&db, sql, "too large to be worth");
}

#[test]
fn sums_that_numeric_may_not_hold_are_given_up_for_one_statement() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT 10::numeric ^ 70000 AS x, 1e-9000::numeric * {n} AS y",
    );
    for (sql, answer) in [
        ("SELECT var_pop(x) FROM t", "0"),
        ("SELECT var_pop(y) > 0 FROM t", "f"),
    ] {
        answers(&db, &[sql], answer);
        shardq(["query", "-g", "--strategy", "partial", sql])
            .db(&db)
            .run()
            .assert(1, "", has("--strategy partial"));
    }
}

/// The analyzer cannot be sure about some syntax. If the server rejects the partial, the single
/// statement is used silently.
#[test]
fn parts_that_the_server_does_not_take_are_given_up_for_one_statement() {
    let db = db();
    // Postgres 14 is the first that takes this label without AS.
    let version: u32 = db.ask("SHOW server_version_num").trim().parse().unwrap();
    if version < 140_000 {
        return;
    }
    let sql = "SELECT n end, count(*) FROM a GROUP BY n ORDER BY n LIMIT 1";
    let why = "the server types the partial result differently";
    explains(&db, &[sql], &["one statement", why]);
    answers(&db, &[sql], "1,2");
    is_not_had_in_parts(&db, sql, why);
}
