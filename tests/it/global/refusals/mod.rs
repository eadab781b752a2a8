//! Queries that cannot be exact are rejected in the user's terms. `other_relations` is about names that
//! may mean something that is not sharded, `output` about the command as a whole.

mod other_relations;
mod output;

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
