//! EXPLAIN of a global query is Postgres's own plan of the single statement.

use super::refused;
use crate::support::{ANY, Db, has, has_all, shardq};

fn db() -> Db {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TABLE t (id int PRIMARY KEY, name text);
         INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 10) AS i",
    );
    db
}

/// The SQL sent for a statement, without the settings before it.
fn composed(db: &Db, sql: &str) -> String {
    let explained = shardq(["query", "-g", "--explain", "--strategy", "one", sql])
        .db(db)
        .run()
        .output();
    let (_, scene) = explained.split_once("SET LOCAL search_path TO ").unwrap();
    let (_, composed) = scene.split_once(";\n").unwrap();
    composed.trim_end().to_owned()
}

#[test]
fn explain_shows_the_plan_that_psql_shows_of_the_one_statement() {
    let db = db();
    for options in [
        "EXPLAIN (COSTS off)",
        "explain (costs off, verbose)",
        "EXPLAIN (COSTS off, TIMING off, SUMMARY off, ANALYZE)",
        "EXPLAIN (FORMAT json, COSTS off)",
    ] {
        for sql in [
            "SELECT count(*) FROM t WHERE id > 3",
            "WITH x AS (SELECT id FROM t) SELECT max(id) FROM x",
            "SELECT shard, count(*) FROM t GROUP BY shard",
            "(SELECT name FROM t) UNION SELECT 'x' ORDER BY 1",
        ] {
            let users = format!("{options} {sql}");
            let one = composed(&db, sql);
            let plan = format!("SET search_path TO public; SET jit TO off; {options} {one}");
            let expected = db.psql(["--csv", "-c", &plan]);
            shardq(["query", "-g", "--csv", &users])
                .db(&db)
                .run()
                .assert(0, expected.as_str(), has("3/3 shards"));
        }
    }
}

#[test]
fn explain_analyze_runs_the_statement_over_all_shards() {
    let db = db();
    for options in [
        "EXPLAIN ANALYZE",
        "EXPLAIN ANALYZE VERBOSE",
        "/* why */ EXPLAIN (ANALYZE)",
    ] {
        shardq(["query", "-g", "-t"])
            .args([&format!("{options} SELECT count(*) FROM t")])
            .db(&db)
            .run()
            .assert(0, has_all(["actual time", "rows=30", "Append"]), ANY);
    }
    shardq(["query", "-g", "EXPLAIN SELECT oops FROM t"])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            has("LINE 1: EXPLAIN SELECT oops FROM t\n                       ^\n"),
        );
    shardq([
        "query",
        "-g",
        "--strategy",
        "partial",
        "EXPLAIN SELECT 1 FROM t",
    ])
    .db(&db)
    .run()
    .assert(1, "", has("--strategy partial: it is not a simple SELECT"));
}

#[test]
fn only_a_query_is_explained() {
    let db = db();
    for (sql, parts) in [
        (
            "EXPLAIN ANALYZE DELETE FROM t",
            &["EXPLAIN of them", "begins with DELETE"][..],
        ),
        ("EXPLAIN EXPLAIN SELECT 1", &["begins with EXPLAIN"]),
        (
            "EXPLAIN (ANALYZE) CREATE TABLE x AS SELECT 1 FROM t",
            &["begins with CREATE"],
        ),
        ("EXPLAIN SELECT 1 FROM t FOR UPDATE", &["FOR UPDATE"]),
        ("EXPLAIN", &["syntax error"]),
    ] {
        refused(&db, sql, parts);
    }
}
