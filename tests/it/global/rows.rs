//! Which rows of a shard's table are visible: inheritance and privileges.

use super::answered;
use crate::support::{Db, has_all, shardq};

#[test]
fn a_row_that_two_shards_have_by_inheritance_is_not_counted_twice() {
    let db = Db::with_shards(3);
    db.sql(
        "CREATE TABLE shard_0.t (id int); CREATE TABLE shard_1.t () INHERITS (shard_0.t);
         CREATE TABLE shard_2.t (id int);
         INSERT INTO shard_0.t VALUES (0); INSERT INTO shard_1.t VALUES (1);
         INSERT INTO shard_2.t VALUES (2)",
    );
    let sql = "SELECT count(*) FROM t";
    shardq(["query", "-g", sql]).db(&db).run().assert(
        1,
        "",
        has_all([
            "\"t\" of shard_1 and that of shard_0 share rows by inheritance",
            "--shards",
        ]),
    );
    shardq(["query", "-g", "-q", "-t", "--csv", sql, "--shards", "1-2"])
        .db(&db)
        .run()
        .assert(0, "2\n", "");
}

#[test]
fn a_row_that_two_shards_have_through_a_table_of_another_name_is_not_counted_twice() {
    let db = Db::with_shards(2);
    db.sql(
        "CREATE TABLE shard_0.t (id int); CREATE TABLE shard_0.t_p1 () INHERITS (shard_0.t);
         CREATE TABLE public.between () INHERITS (shard_0.t_p1);
         CREATE TABLE shard_1.t () INHERITS (public.between);
         INSERT INTO shard_1.t VALUES (1)",
    );
    shardq(["query", "-g", "SELECT count(*) FROM t"])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            has_all([
                "\"t\" of shard_1 and that of shard_0 share rows by inheritance",
                "--shards",
            ]),
        );
}

#[test]
fn a_row_of_a_third_table_that_inherits_from_two_shards_is_not_counted_twice() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (id int)").sql(
        "CREATE TABLE public.x () INHERITS (shard_0.t, shard_1.t); INSERT INTO public.x VALUES (1)",
    );
    let sql = "SELECT count(*) FROM t";
    shardq(["query", "-g", sql]).db(&db).run().assert(
        1,
        "",
        has_all([
            "\"t\" of shard_1 and that of shard_0 share rows by inheritance",
            "--shards",
        ]),
    );
    answered(&db, "SELECT count(*) FROM public.x", "1");
}

#[test]
fn a_tables_own_heirs_and_partitions_are_part_of_it() {
    let db = Db::with_shards(2);
    db.sql("CREATE TABLE public.parent (id int)");
    db.in_each_shard(
        "CREATE TABLE t (id int) PARTITION BY RANGE (id);
         CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
         CREATE TABLE u () INHERITS (public.parent); CREATE TABLE v () INHERITS (u);
         INSERT INTO t VALUES ({n}); INSERT INTO u VALUES ({n}); INSERT INTO v VALUES ({n})",
    );
    answered(&db, "SELECT count(*) FROM t", "2");
    answered(&db, "SELECT count(*) FROM u", "4");
    answered(&db, "SELECT count(*) FROM parent", "4");
}

#[test]
fn rows_are_those_that_the_user_may_see_in_each_shard() {
    let db = Db::with_shards(2);
    let role = format!("reader_{}", std::process::id());
    db.in_each_shard(&format!(
        "CREATE TABLE t (id int, secret int); INSERT INTO t VALUES ({{n}}, 1), ({{n}} + 10, 2);
         CREATE TABLE u (LIKE t);
         DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
         GRANT USAGE ON SCHEMA shard_{{n}} TO {role};
         GRANT SELECT ON t TO {role}; GRANT SELECT (id) ON u TO {role};
         ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON t USING (secret = 1)"
    ));
    shardq([
        "query",
        "-g",
        "-q",
        "-t",
        "--csv",
        "--row-security",
        "SELECT id FROM t ORDER BY 1",
        "-U",
        &role,
    ])
    .db(&db)
    .run()
    .assert(0, "0\n1\n", "");
    shardq(["query", "-g", "SELECT id FROM u", "-U", &role])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            has_all(["42501", "reads every column of the tables that it names"]),
        );
    db.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
