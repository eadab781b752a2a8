//! The column `shard`: a statement that names it gets it in every sharded table, one that does not
//! does not, and an ambiguous one is rejected.

use super::{answered, refused};
use crate::support::Db;

/// Rows that are in both shards, and a table in public with a column `shard`.
fn db() -> Db {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (id int); INSERT INTO t VALUES ({n}), ({n} + 1)");
    db.in_each_shard("CREATE TABLE own (id int, shard text); INSERT INTO own VALUES ({n}, 'mine')");
    db.sql(
        "CREATE TABLE public.map (id int, shard text); INSERT INTO public.map VALUES (1, 'one')",
    );
    db
}

#[test]
fn what_else_is_called_shard_gives_no_table_the_column() {
    let db = db();
    for (sql, answer) in [
        (
            "SELECT count(*) shard FROM (SELECT DISTINCT * FROM t) x",
            "3",
        ),
        (
            "SELECT count(*) \"shard\" FROM (SELECT DISTINCT * FROM t) x",
            "3",
        ),
        (
            "SELECT count(*) AS shard FROM (SELECT DISTINCT * FROM t) x",
            "3",
        ),
        (
            "SELECT m.shard, count(*) FROM map m, (SELECT DISTINCT * FROM t) x GROUP BY 1",
            "one,3",
        ),
        (
            "SELECT max(m.shard), count(*) FROM map m NATURAL JOIN t",
            "one,2",
        ),
        ("SELECT count(*) FROM own WHERE shard = 'mine'", "2"),
        ("SELECT shard FROM map", "one"),
    ] {
        answered(&db, sql, answer);
    }
}

#[test]
fn a_statement_that_names_it_has_it_in_every_table() {
    let db = db();
    for (sql, answer) in [
        (
            "SELECT count(*) FROM (SELECT DISTINCT * FROM t) x WHERE shard <> ''",
            "4",
        ),
        (
            "SELECT count(*) FROM (SELECT DISTINCT ON (shard, id) shard, id FROM t) x",
            "4",
        ),
        (
            "SELECT m.shard, t.shard FROM map m JOIN t USING (id) ORDER BY 2 LIMIT 1",
            "one,shard_0",
        ),
        (
            "SELECT count(*) FROM map m WHERE EXISTS (SELECT 1 FROM t WHERE t.shard = m.shard)",
            "0",
        ),
        (
            "SELECT count(*) AS shard FROM t WHERE t.shard = 'shard_0'",
            "2",
        ),
    ] {
        answered(&db, sql, answer);
    }
}

#[test]
fn where_it_may_be_anothers_the_statement_has_to_say_whose() {
    let db = db();
    for sql in [
        "SELECT shard, id FROM t NATURAL JOIN own",
        "SELECT shard FROM t JOIN map USING (id)",
        "SELECT count(*) FROM map m WHERE EXISTS (SELECT 1 FROM t WHERE shard = m.shard)",
        "SELECT id % 2 AS shard, count(*) FROM t GROUP BY shard, id",
        "SELECT shard FROM t AS shard",
        "WITH c(shard, n) AS (VALUES ('a', 1)) SELECT c.n FROM c, t LIMIT 1",
    ] {
        refused(
            &db,
            sql,
            &[
                "\"shard\" is ambiguous: it may be the column",
                "\"t\".shard",
            ],
        );
    }
    refused(
        &db,
        "SELECT t.shard, id FROM t NATURAL JOIN own",
        &["NATURAL JOIN", "USING"],
    );
}
