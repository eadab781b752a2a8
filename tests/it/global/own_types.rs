//! Partials only evaluate columns of user-defined types row by row.

use super::answered;
use crate::support::{ANY, Db, has, shardq};

/// Each shard has its own enum and domain; one row per word and shard.
fn db() -> Db {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN amount AS int CHECK (value >= 0);
         CREATE TABLE t (id int, mood mood, amount amount);
         INSERT INTO t VALUES ({n}, 'sad', 1), ({n} + 10, 'ok', {n}), ({n} + 20, 'happy', NULL), ({n} + 30, NULL, 5)",
    );
    db
}

#[track_caller]
fn explains(db: &Db, sql: &str, how: &str) {
    shardq(["query", "-g", "--explain", sql])
        .db(db)
        .run()
        .assert(0, has(how), ANY);
}

const IN_PARTS: [(&str, &str); 4] = [
    ("SELECT count(*) FROM t WHERE mood > 'sad'", "6"),
    (
        "SELECT count(mood), count(amount), sum(amount) FROM t",
        "9,9,21",
    ),
    (
        "SELECT count(*) FILTER (WHERE mood = 'ok'), max(amount) FROM t WHERE amount > 0",
        "2,5",
    ),
    (
        "SELECT id FROM t WHERE mood IN ('ok', 'happy') ORDER BY id DESC LIMIT 2",
        "22\n21",
    ),
];

#[test]
fn a_type_of_the_shards_is_looked_at_in_parts_where_each_row_is_by_itself() {
    let db = db();
    for (sql, answer) in IN_PARTS {
        explains(&db, sql, "-- partial results");
        answered(&db, sql, answer);
    }
    // Comparing such values between shards needs the single statement.
    for (sql, answer) in [
        ("SELECT max(mood) FROM t", "happy"),
        ("SELECT mood FROM t ORDER BY mood LIMIT 1", "sad"),
        ("SELECT count(DISTINCT mood) FROM t", "3"),
    ] {
        explains(&db, sql, "-- one statement");
        answered(&db, sql, answer);
    }
}

/// Comparing such a type may call another operator in one of the shards.
#[test]
fn operators_and_casts_of_such_a_type_are_called_in_one_statement() {
    let operator = "CREATE FUNCTION public.no(shard_1.mood, shard_1.mood) RETURNS boolean LANGUAGE sql AS 'SELECT false';
         CREATE OPERATOR public.> (FUNCTION = public.no, LEFTARG = shard_1.mood, RIGHTARG = shard_1.mood)";
    let cast = "CREATE FUNCTION public.as_int(shard_1.mood) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE CAST (shard_1.mood AS int) WITH FUNCTION public.as_int (shard_1.mood) AS IMPLICIT";
    for own in [operator, cast] {
        let db = db();
        db.sql(own);
        let (sql, answer) = IN_PARTS[0];
        explains(&db, sql, "-- one statement");
        answered(&db, sql, answer);
        explains(
            &db,
            "SELECT count(*) FROM t WHERE id > 3",
            "-- partial results",
        );
    }
}
