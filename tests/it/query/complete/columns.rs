//! Shards whose columns disagree with the first one's are named; types that each shard defines for
//! itself agree.

use crate::support::{Db, has, has_all, shardq};

#[test]
fn a_shard_whose_columns_disagree_is_named_with_the_column_and_both_types() {
    for (odd, complaint) in [
        (
            "a int, c text",
            "shard_2: column 2 is \"c\", but it is \"b\" in shard_0\n",
        ),
        (
            "a bigint, b text",
            "shard_2: column 1 \"a\" is bigint, but it is integer in shard_0\n",
        ),
        (
            "a int, b varchar(3)[]",
            "shard_2: column 2 \"b\" is character varying[], but it is text in shard_0\n",
        ),
        (
            "a int",
            "shard_2: the result has 1 columns, but it has 2 in shard_0\n",
        ),
        (
            "a int, b text, c int",
            "shard_2: the result has 3 columns, but it has 2 in shard_0\n",
        ),
    ] {
        let db = Db::with_shards(4);
        db.in_each_shard("CREATE TABLE t (a int, b text); INSERT INTO t VALUES ({n}, 'x')");
        let values = "INSERT INTO t SELECT";
        db.in_shard(
            2,
            &format!("DROP TABLE t; CREATE TABLE t ({odd}); {values}"),
        );
        shardq(["query", "-t", "--csv", "SELECT * FROM t"])
            .db(&db)
            .run()
            .assert(
                3,
                "shard_0,0,x\nshard_1,1,x\nshard_3,3,x\n",
                has_all([complaint, "3/4 shards"]),
            );
    }
}

#[test]
fn a_type_that_every_shard_defines_for_itself_is_one_type() {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, b mood);
         CREATE DOMAIN small AS int CHECK (VALUE < 10);
         CREATE TABLE t AS SELECT 'ok'::mood AS m, ARRAY['sad'::mood] AS ms,
            ROW(1, 'ok')::pair AS p, 3::small AS d",
    );
    shardq(["query", "-t", "--csv", "SELECT m, ms, p, d, t FROM t"])
        .db(&db)
        .run()
        .assert(
            0,
            "shard_0,ok,{sad},\"(1,ok)\",3,\"(ok,{sad},\"\"(1,ok)\"\",3)\"\n\
         shard_1,ok,{sad},\"(1,ok)\",3,\"(ok,{sad},\"\"(1,ok)\"\",3)\"\n\
         shard_2,ok,{sad},\"(1,ok)\",3,\"(ok,{sad},\"\"(1,ok)\"\",3)\"\n",
            has("3/3 shards"),
        );
}

#[test]
fn a_type_of_the_same_name_from_elsewhere_is_another_one() {
    let db = Db::with_shards(2);
    db.sql("CREATE TYPE public.mood AS ENUM ('ok')");
    db.in_shard(
        0,
        "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t AS SELECT 'ok'::mood AS m",
    );
    db.in_shard(1, "CREATE TABLE t AS SELECT 'ok'::public.mood AS m");
    shardq(["query", "-t", "--csv", "SELECT m FROM t"])
        .db(&db)
        .run()
        .assert(
            3,
            "shard_0,ok\n",
            has("shard_1: column 1 \"m\" is public.mood, but it is mood in shard_0\n"),
        );
}
