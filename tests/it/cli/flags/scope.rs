//! Which shards are queried, and which tables a name may mean.

use super::query;
use crate::support::{ANY, Db, has, has_all};

#[test]
fn one_shard_is_not_one_shards() {
    let db = Db::with_rows(2);
    let query = query(["SELECT 1", "--expect-shards", "1"]).db(&db).run();
    query.assert(1, "", "shardq: error: expected 1 shard, found 2\n");
}

#[test]
fn a_table_of_public_does_not_answer_for_a_shard_unless_asked_for() {
    let db = Db::with_rows(2);
    db.sql("CREATE TABLE public.shared AS SELECT 'public' AS v");
    db.in_shard(1, "CREATE TABLE shared AS SELECT 'own' AS v");
    let alone = query(["SELECT v FROM shared", "--csv"]).db(&db).run();
    alone.assert(
        3,
        "shard,v\nshard_1,own\n",
        has_all([
            "shardq: error: shard_0: ERROR 42P01: relation \"shared\" does not exist",
            "1/2 shards",
        ]),
    );
    let widened = query([
        "SELECT v FROM shared",
        "--csv",
        "-q",
        "--search-path",
        "{shard}, public",
    ])
    .db(&db)
    .run();
    widened.assert(0, "shard,v\nshard_0,public\nshard_1,own\n", "");
    let public_first = query([
        "SELECT v FROM shared",
        "--csv",
        "-q",
        "--search-path",
        "public,{shard}",
    ])
    .db(&db)
    .run();
    public_first.assert(0, "shard,v\nshard_0,public\nshard_1,public\n", "");
}

#[test]
fn what_may_live_in_public_is_hinted_at() {
    let db = Db::with_rows(2);
    db.sql(
        "CREATE FUNCTION public.twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
         CREATE DOMAIN public.number AS int;
         CREATE OPERATOR public.+! (RIGHTARG = int, FUNCTION = public.twice)",
    );
    let hint = "to use it, add --search-path '{shard}, public'\n";
    for sql in [
        "SELECT twice(n) FROM t",
        "SELECT n::number FROM t",
        "SELECT +! n FROM t",
    ] {
        query([sql]).db(&db).run().assert(1, "", has(hint));
        query([sql, "--search-path", "{shard}, public"])
            .db(&db)
            .run()
            .assert(0, ANY, has("2/2 shards"));
    }
    for sql in ["SELECT nope FROM t", "SHOW nope"] {
        let ran = query([sql]).db(&db).run();
        ran.assert(1, "", has("all 2 shards: ERROR 42"));
        assert!(!ran.stderr.contains("hint:"), "{sql}: {}", ran.stderr);
    }
    let widened = query(["SELECT nope(1)", "--search-path", "{shard}, public"])
        .db(&db)
        .run();
    assert!(!widened.stderr.contains("hint:"), "{}", widened.stderr);
}

#[test]
fn shards_are_picked_by_number_and_answer_in_numeric_order() {
    let db = Db::empty();
    db.create_shards([10, 2, 1, 0, 30]);
    let picked = |list| {
        query(["SELECT 1 AS n", "--csv", "-t", "--shards", list])
            .db(&db)
            .run()
    };
    picked("30,0-2").assert(
        0,
        "shard_0,1\nshard_1,1\nshard_2,1\nshard_30,1\n",
        has("4/4 shards"),
    );
    picked("2-2,shard_10").assert(0, "shard_2,1\nshard_10,1\n", has("2/2 shards"));
    picked("5-").assert(0, "shard_10,1\nshard_30,1\n", has("2/2 shards"));
    picked("31-").assert(
        1,
        "",
        has(
            "shardq: error: no such shard: shard_31-; the shards are shard_0-2, shard_10, shard_30",
        ),
    );
}

#[test]
fn an_origin_is_asked_for_in_the_shard_that_its_name_routes_to() {
    let db = Db::with_sample(4);
    let origin = |name| {
        query([
            "SELECT name FROM origins WHERE name = 'core'",
            "--csv",
            "-t",
            "--origin",
            name,
        ])
        .db(&db)
        .run()
    };
    // 30 of 128 is 2 of 4.
    origin("core").assert(0, "shard_2,core\n", has("1 row · 1/1 shards"));
    let elsewhere = origin("it's \"another\" 日本");
    elsewhere.assert(0, ANY, has("1/1 shards"));
}
