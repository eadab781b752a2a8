//! The command as a whole: its result and summary, positions of errors, what `--explain` prints.

use super::db;
use crate::support::{ANY, has, has_all, shardq};

#[test]
fn the_result_is_one_and_the_footer_counts_the_shards() {
    let db = db();
    shardq([
        "query",
        "--global",
        "--csv",
        "SELECT shard, name FROM t WHERE name IS NOT NULL ORDER BY 1 DESC",
    ])
    .db(&db)
    .run()
    .assert(
        0,
        "shard,name\nshard_1,row 1\nshard_0,row 0\n",
        has_all(["2 rows · 2/2 shards · one snapshot"]),
    );
    shardq([
        "query",
        "-g",
        "--csv",
        "SELECT count(*) FROM t",
        "--shards",
        "1",
    ])
    .db(&db)
    .run()
    .assert(0, "count\n2\n", has("1/1 shards"));
}

#[test]
fn errors_point_into_the_statement_as_it_was_written() {
    let db = db();
    shardq(["query", "-g", "WITH x AS (SELECT 1)\nSELECT nosuch FROM t"])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            "shardq: error: ERROR 42703: column \"nosuch\" does not exist\n\
             LINE 2: SELECT nosuch FROM t\n\
             \u{20}              ^\n",
        );
    shardq(["query", "-g", "SELECT 1 / (id - id) FROM t"])
        .db(&db)
        .run()
        .assert(1, "", has("22012: division by zero"));
    // An error about something other than a name has no hint about name lookup.
    let sql = "SELECT pg_sleep(0) FROM t GROUP BY 1";
    let caret = format!("{:>1$}", '^', "LINE 1: ".len() + sql.len());
    shardq(["query", "-g", sql]).db(&db).run().assert(
        1,
        "",
        format!(
            "shardq: error: ERROR 42883: could not identify an equality operator for type void\n\
             LINE 1: {sql}\n\
             {caret}\n"
        )
        .as_str(),
    );
}

#[test]
fn explain_says_which_way_and_why_and_prints_the_sql() {
    let db = db();
    shardq(["query", "-g", "--explain", "SELECT name FROM t"])
        .db(&db)
        .run()
        .assert(
            0,
            has_all([
                "one statement",
                "sharded tables: t, over 2 shards",
                "WITH \"t\" AS NOT MATERIALIZED (SELECT \"id\", \"name\"",
                "FROM \"shard_1\".\"t\")\nSELECT name FROM t;",
            ]),
            ANY,
        );
}
