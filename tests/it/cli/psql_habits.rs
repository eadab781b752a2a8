//! What psql users type by habit works, or is answered with what to use instead.

use crate::support::{ANY, Db, has, shardq};

fn one_shard() -> Db {
    let db = Db::with_shards(1);
    db.in_shard(0, "CREATE TABLE t (n int); INSERT INTO t VALUES (7)");
    db
}

#[test]
fn a_command_is_a_statement() {
    let db = one_shard();
    for args in [
        ["-c", "SELECT n FROM t", "-tq"],
        ["-tq", "--command", "-- rows\nSELECT n FROM t"],
        ["-tqc", "SELECT n FROM t", "--no-snapshot"],
    ] {
        shardq(["query", "--csv"])
            .args(args)
            .db(&db)
            .run()
            .assert(0, "shard_0,7\n", "");
        shardq(["export", "--format=csv", "-o-"])
            .args(args)
            .db(&db)
            .run()
            .assert(0, "shard_0,7\n", "");
    }
    let both = shardq(["query", "SELECT 1", "-c", "SELECT 2"]);
    both.db(&db).run().assert(2, "", has("cannot be used with"));
}

#[test]
fn sql_that_begins_with_a_comment_is_no_flag() {
    let db = one_shard();
    for sql in ["-- how many\nSELECT n FROM t", "--\nSELECT n FROM t"] {
        let query = shardq(["query", "-tq", sql, "--csv"]);
        query.db(&db).run().assert(0, "shard_0,7\n", "");
        let export = shardq(["export", sql, "-tq", "-o-"]);
        export.db(&db).run().assert(0, "shard_0,7\n", "");
        let global = shardq(["query", "-g", "-tq", "--csv", sql]);
        global.db(&db).run().assert(0, "7\n", "");
    }
    let flag = shardq(["query", "--how many", "SELECT 1"]);
    flag.db(&db)
        .run()
        .assert(2, "", has("unexpected argument '--how many'"));
}

#[test]
fn a_question_mark_is_help() {
    shardq(["-?"])
        .run()
        .assert(0, has("Usage: shardq [OPTIONS] <COMMAND>"), "");
    for command in [
        "query",
        "find",
        "export",
        "verify",
        "demo",
        "completions",
        "man",
    ] {
        let usage = format!("Usage: shardq {command}");
        shardq([command, "-?"]).run().assert(0, has(&usage), "");
    }
}

#[test]
fn a_flag_that_is_expected_is_answered_with_what_to_use() {
    for (args, told) in [
        (
            ["query", "--limit=3"],
            "--limit here; write WHERE, ORDER BY and LIMIT in the SQL",
        ),
        (["query", "--colour=never"], "--colour here; use --color"),
        (["query", "--jobs=4"], "--jobs here; use -j (--connections)"),
        (
            ["query", "--database=x"],
            "--database here; use -d (--dbname)",
        ),
        (
            ["query", "--no-header"],
            "--no-header here; use -t (--tuples-only)",
        ),
        (
            ["query", "--sql=SELECT 1"],
            "--sql here; use -c SQL, or the SQL alone",
        ),
        (
            ["export", "--json"],
            "--json here; export writes --csv, --tsv, --jsonl and --parquet",
        ),
    ] {
        let told = format!("shardq: error: shardq does not have {told}");
        shardq(args)
            .args(["SELECT 1"])
            .run()
            .assert(2, "", has(&told));
    }
}

#[test]
fn what_only_psql_has_is_answered_with_what_to_use() {
    let db = one_shard();
    for (args, told) in [
        (
            ["-A", "SELECT 1"],
            "error: shardq does not have psql's -A; --tsv and --csv print",
        ),
        (
            ["-Atc", "SELECT 1"],
            "error: shardq does not have psql's -A; --tsv and --csv print",
        ),
        (
            ["-F;", "SELECT 1"],
            "error: shardq does not have psql's -F; use --csv with --delimiter",
        ),
        (
            ["-q", r"\set n 1"],
            r"shardq: error: \set is a psql command, not SQL; use -v NAME=VALUE",
        ),
        (
            ["-q", r"\d t"],
            r"shardq: error: \d is a psql command, not SQL; use shardq describe TABLE",
        ),
        (
            ["-q", r"\gx"],
            r"shardq: error: \gx is a psql command, not SQL; use -x",
        ),
        (
            ["-q", r"SELECT 1 \gx"],
            r"shardq: error: \gx is a psql command, not SQL; use -x",
        ),
        (
            ["-gq", r"SELECT n FROM t \gx"],
            r"shardq: error: \gx is a psql command, not SQL; use -x",
        ),
    ] {
        let query = shardq(["query"]).args(args).db(&db).run();
        query.assert(2, "", has(told));
    }
    // A backslash that is not a command is left to Postgres.
    shardq(["query", "-q", r"SELECT E'\u0000 \d'"])
        .db(&db)
        .run()
        .assert(1, "", has("ERROR 42601: invalid Unicode escape value"));
    shardq(["query", "-q", r"SELECT '\d' AS a"])
        .db(&db)
        .run()
        .assert(0, ANY, "");
}
