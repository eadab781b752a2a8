//! Queries that cannot be exact are rejected in the user's terms; and the command as a whole: its
//! output, error positions, and help.

use super::refused;
use crate::support::{ANY, Db, has, has_all, shardq};

/// Two shards with a table and a view each, a table in public, and a type and a function of each
/// shard's own.
fn db() -> Db {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE DOMAIN amount AS int CHECK (value >= 0);
         CREATE TABLE t (id int PRIMARY KEY, name text, mood mood, amount amount);
         INSERT INTO t VALUES ({n}, 'row {n}', 'bad', {n}), ({n} + 10, NULL, 'ok', 0);
         CREATE VIEW v AS SELECT count(*) AS n FROM t;
         CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT {n}';
         CREATE SEQUENCE s",
    );
    db.sql(
        "CREATE TABLE public.notes (id int, note text); INSERT INTO public.notes VALUES (1, 'one')",
    );
    db
}

#[test]
fn what_would_not_be_exact_is_refused_and_says_what_to_do() {
    let db = db();
    for (sql, parts) in [
        (
            "SELECT * FROM t FOR UPDATE",
            &["FOR UPDATE", "remove the clause"][..],
        ),
        ("SELECT * FROM t FOR NO KEY UPDATE OF t", &["FOR UPDATE"]),
        (
            "SELECT id FROM t WHERE id IN (SELECT id FROM t FOR SHARE)",
            &["FOR SHARE"],
        ),
        ("SELECT id INTO copy FROM t", &["SELECT INTO", "-o FILE"]),
        (
            "WITH d AS (DELETE FROM t RETURNING id) SELECT * FROM d",
            &["DELETE", "only reads"],
        ),
        (
            "WITH d AS MATERIALIZED (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM d",
            &["INSERT"],
        ),
        ("DELETE FROM t", &["begins with DELETE"]),
        ("COPY t TO STDOUT", &["begins with COPY"]),
        (
            "WITH t AS (SELECT 1) SELECT * FROM t",
            &["WITH defines \"t\"", "rename the CTE"],
        ),
        (
            "WITH x AS (SELECT 1), t (a, b) AS (SELECT 1, 2) SELECT * FROM t",
            &["WITH defines \"t\""],
        ),
        ("SELECT * FROM ONLY t", &["ONLY \"t\"", "without --global"]),
        ("SELECT * FROM ONLY (t)", &["ONLY \"t\""]),
        (
            "SELECT * FROM t TABLESAMPLE system (10)",
            &["TABLESAMPLE", "without --global"],
        ),
        ("SELECT ctid FROM t", &["ctid", "its own shard's table"]),
        ("SELECT t.xmin FROM t", &["xmin"]),
        (
            "SELECT (SELECT tableoid FROM t LIMIT 1) FROM public.notes",
            &["tableoid"],
        ),
        (
            "SELECT pg_typeof(x) FROM t AS x",
            &["pg_typeof(x)", "name one of its columns"],
        ),
        (
            "SELECT NULL::t",
            &["type \"t\" does not exist", "each shard has its own"],
        ),
        (
            "SELECT jsonb_populate_record(NULL::t, '{}') FROM t",
            &["type \"t\" does not exist"],
        ),
        (
            "SELECT 'ok'::mood FROM t",
            &["type \"mood\" does not exist", "looked up in public"],
        ),
        (
            "SELECT own() FROM t",
            &["function own() does not exist", "each shard defines itself"],
        ),
        (
            "SELECT * FROM v",
            &["\"v\" is a view or a sequence in the shards"],
        ),
        (
            "SELECT id, name, count(*) FROM t GROUP BY id",
            &["42803", "list every column in GROUP BY"],
        ),
        (
            "SELECT nextval('shard_0.s') FROM t",
            &["25006", "read-only"],
        ),
        (
            "SELECT * FROM nosuch",
            &[
                "\"nosuch\" does not exist",
                "neither the queried shards nor public",
            ],
        ),
        ("SELECT 1; SELECT 2", &["expected one statement"]),
        (
            "SELECT 1 FROM t) SELECT 2 FROM (SELECT 1",
            &["syntax error"],
        ),
        (", x AS (SELECT 1) SELECT * FROM x, t", &["begins with ,"]),
    ] {
        refused(&db, sql, parts);
    }
    let rows = "SELECT count(*) FROM ";
    assert_eq!(
        db.ask(&format!("{rows} shard_0.t")),
        "2",
        "and nothing was written"
    );
}

#[test]
fn a_whole_row_and_an_array_of_names_are_refused_as_one_name_is() {
    let db = db();
    for (sql, parts) in [
        (
            "SELECT pg_typeof(x.*), pg_typeof((x)) FROM t AS x",
            &["pg_typeof(x)", "name one of its columns"][..],
        ),
        (
            "SELECT ARRAY['t']::regclass[]",
            &["'t'", "an array of names"],
        ),
        (
            "SELECT relname FROM pg_class WHERE oid = ANY (CAST('{pg_class,\"t\"}' AS regclass[]))",
            &["'t'", "an array of names"],
        ),
        ("SELECT '{t}'::_regclass", &["an array of names"]),
    ] {
        refused(&db, sql, parts);
    }
}

#[test]
fn what_only_looks_alike_is_answered() {
    let db = db();
    for (sql, answer) in [
        (
            "SELECT 'FOR UPDATE; SELECT INTO' FROM t LIMIT 1",
            "FOR UPDATE; SELECT INTO",
        ),
        ("SELECT count(*) FROM t FETCH FIRST 1 ROWS ONLY", "4"),
        ("SELECT count(*) AS into FROM t", "4"),
        (
            "SELECT count(*) FROM public.notes TABLESAMPLE system (100)",
            "1",
        ),
        ("SELECT note FROM notes WHERE ctid IS NOT NULL", "one"),
        (
            "SELECT x FROM (WITH t AS (SELECT 7 AS x) SELECT x FROM t) AS s",
            "7",
        ),
        ("SELECT count(*) FROM shard_1.t", "2"),
        ("SELECT n FROM shard_1.v", "2"),
        ("SELECT max(mood) FROM t", "bad"),
        ("SELECT mood FROM t WHERE mood < 'bad' LIMIT 1", "ok"),
        ("SELECT sum(amount) + 1 FROM t", "2"),
        ("SELECT -- FOR UPDATE\n count(*) FROM t /* ONLY t */", "4"),
        ("SELECT count(*) FROM t WHERE random() >= 0", "4"),
    ] {
        shardq(["query", "-g", "-t", "--csv", sql])
            .db(&db)
            .run()
            .assert(0, &format!("{answer}\n"), ANY);
    }
}

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
fn shards_that_differ_are_named_before_anything_runs_and_can_be_left_out() {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE t (id int, name text); INSERT INTO t VALUES ({n}, 'x')");
    db.in_shard(1, "ALTER TABLE t ALTER name TYPE varchar(9)");
    db.in_shard(2, "ALTER TABLE t DROP name");
    shardq(["query", "-g", "SELECT count(name) FROM t"]).db(&db).run().assert(
        1,
        "",
        has_all([
            "shard_1: column \"name\" of \"t\" is character varying(9), but text in most shards",
            "shard_2: \"t\" has no column \"name\"",
            "--skip-missing",
        ]),
    );
    let sql = "SELECT sum(id) FROM t WHERE name = 'x'";
    let skipping = ["query", "-g", "-t", "--csv", "--skip-missing", sql];
    shardq(skipping).db(&db).run().assert(
        3,
        "3\n",
        has_all(["2/4 shards", "left out: shard_1", "left out: shard_2"]),
    );
    let agreeing = ["query", "-g", "-t", "--csv", "--shards", "0,3", sql];
    shardq(agreeing)
        .db(&db)
        .run()
        .assert(0, "3\n", has("2/2 shards"));
    db.in_shard(3, "DROP TABLE t");
    shardq(["query", "-g", "SELECT count(*) FROM t", "--shards", "0,3"])
        .db(&db)
        .run()
        .assert(1, "", has("shard_3: no table \"t\""));
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

#[test]
fn old_strings_are_read_as_the_server_reads_them() {
    let db = db();
    db.sql(&format!(
        "ALTER DATABASE \"{}\" SET standard_conforming_strings = off",
        db.name()
    ));
    shardq([
        "query",
        "-g",
        "-t",
        "--csv",
        r"SELECT '\' FROM nosuch ' || count(*) FROM t",
    ])
    .db(&db)
    .run()
    .assert(0, "' FROM nosuch 4\n", ANY);
}

#[test]
fn a_view_of_the_shards_is_not_answered_from_public() {
    let db = db();
    db.sql("CREATE VIEW public.v AS SELECT 7 AS n; CREATE TABLE public.w (v int); CREATE SEQUENCE public.s");
    refused(
        &db,
        "SELECT last_value FROM s",
        &[
            "\"s\" is a view or a sequence in the shards",
            "write public.s",
        ],
    );
    for sql in [
        "SELECT count(*) FROM v",
        "SELECT 1 FROM t JOIN ONLY v ON true",
        "SELECT t.id FROM t, \"v\" AS x",
        "WITH x AS (TABLE v) SELECT * FROM x",
    ] {
        refused(
            &db,
            sql,
            &[
                "\"v\" is a view or a sequence in the shards",
                "without --global",
                "write public.v",
            ],
        );
    }
    for (sql, answer) in [
        ("SELECT v.n FROM public.v", "7"),
        ("SELECT count(v) FROM w", "0"),
        ("SELECT max(v.id) FROM t AS v", "11"),
    ] {
        shardq(["query", "-g", "-t", "--csv", sql])
            .db(&db)
            .run()
            .assert(0, &format!("{answer}\n"), ANY);
    }
}

#[test]
fn a_table_that_only_shards_have_that_are_not_asked_is_not_answered_from_public() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (id int); CREATE TABLE u (t int)");
    db.in_shard(2, "DROP TABLE t; INSERT INTO u VALUES (5)");
    db.sql("CREATE TABLE public.t (id int); INSERT INTO public.t VALUES (7)");
    let missing = "shard_2: no table \"t\", which other shards have";
    for extra in ["--quiet", "--skip-missing"] {
        shardq(["query", "-g", "SELECT * FROM t", "--shards", "2", extra])
            .db(&db)
            .run()
            .assert(1, "", has_all([missing, "--shards", "write public.t"]));
    }
    for (sql, answer) in [
        ("SELECT t.id FROM public.t", "7"),
        ("SELECT t FROM u", "5"),
        ("SELECT u.t, t FROM u", "5,5"),
    ] {
        shardq(["query", "-g", "-t", "--csv", sql, "--shards", "2"])
            .db(&db)
            .run()
            .assert(0, &format!("{answer}\n"), ANY);
    }
    db.sql("DROP TABLE public.t");
    shardq(["query", "-g", "SELECT * FROM t", "--shards", "2"])
        .db(&db)
        .run()
        .assert(1, "", has_all([missing, "finish the migration"]));
    db.in_each_shard("DROP TABLE IF EXISTS t");
    db.sql("CREATE TABLE public.t (id int); INSERT INTO public.t VALUES (7)");
    shardq([
        "query",
        "-g",
        "-t",
        "--csv",
        "SELECT * FROM t",
        "--shards",
        "2",
    ])
    .db(&db)
    .run()
    .assert(0, "7\n", ANY);
}

#[test]
fn a_label_that_a_table_is_called_by_reads_nothing_of_it() {
    let db = db();
    db.in_each_shard("CREATE TABLE name (a int); CREATE TABLE base (a int)");
    db.in_shard(
        0,
        "CREATE TABLE only_here (a int); ALTER TABLE name ADD b int",
    );
    db.in_shard(1, "ALTER TABLE base INHERIT shard_0.base");
    for (sql, answer) in [
        ("SELECT count(name) FROM t", "2"),
        ("SELECT max(only_here.id) FROM t AS only_here", "11"),
        ("SELECT count(*) AS base FROM t", "4"),
        ("SELECT min(id) AS xmin FROM t", "0"),
        (
            "WITH v AS (SELECT count(*) AS n FROM t) SELECT n FROM v",
            "4",
        ),
    ] {
        shardq(["query", "-g", "-t", "--csv", "--skip-missing", sql])
            .db(&db)
            .run()
            .assert(0, &format!("{answer}\n"), has("2/2 shards"));
    }
    refused(
        &db,
        "SELECT * FROM name",
        &["name", "table definitions differ between shards"],
    );
    refused(
        &db,
        "SELECT count(*) FROM base",
        &["share rows by inheritance"],
    );
}

#[test]
fn a_domain_whose_column_is_collated_otherwise_is_refused() {
    let db = db();
    db.in_each_shard(
        "CREATE DOMAIN lc AS text COLLATE \"C\";
         CREATE TABLE same (x lc); CREATE TABLE other (x lc COLLATE \"en-x-icu\")",
    );
    shardq(["query", "-g", "-t", "--csv", "SELECT count(x) FROM same"])
        .db(&db)
        .run()
        .assert(0, "0\n", has("2/2 shards"));
    refused(
        &db,
        "SELECT count(x) FROM other",
        &["\"x\"", "a different collation than its domain"],
    );
}

#[test]
fn the_shard_comes_first_on_the_search_path() {
    shardq([
        "query",
        "-g",
        "SELECT 1",
        "--search-path",
        "public, {shard}",
    ])
    .run()
    .assert(2, "", has("put {shard} first"));
}
