//! A name that may mean a view, a table that only other shards have, or a relation of public: never
//! answered from there unless it is meant.

use super::super::refused;
use super::db;
use crate::support::{ANY, Db, has, has_all, shardq};

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
