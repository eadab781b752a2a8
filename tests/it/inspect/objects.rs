//! `shardq indexes` and `shardq functions`.

use crate::support::{ANY, Db, has, shardq};

#[test]
fn indexes_are_listed_with_the_shards_that_have_them_otherwise() {
    let db = Db::with_shards(4);
    db.in_each_shard(
        "CREATE TABLE t (id int PRIMARY KEY, x text);
         CREATE INDEX by_x ON t (x); CREATE INDEX \"By 1\" ON t ((id + 1))",
    );
    db.in_shard(1, "DROP INDEX by_x; CREATE UNIQUE INDEX by_x ON t (x)");
    db.in_shard(2, "DROP INDEX by_x; CREATE INDEX own ON t (x, id)");
    let expected = "table,index,definition,shards,drift\n\
                    t,By 1,btree (((id + 1))),4,none\n\
                    t,by_x,btree (x),3,\"definition, missing\"\n\
                    t,own,\"btree (x, id)\",1,extra\n\
                    t,t_pkey,PRIMARY KEY btree (id),4,none\n";
    shardq(["indexes", "--csv"]).db(&db).run().assert(
        0,
        expected,
        has("4 indexes, 2 differ · 4/4 shards"),
    );
}

#[test]
fn an_index_of_a_locked_table_is_not_waited_for() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (id int PRIMARY KEY)");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_1.t IN ACCESS EXCLUSIVE MODE");
    shardq(["indexes", "--csv"]).db(&db).run().assert(
        3,
        "table,index,definition,shards,drift\nt,,,1,not read\nt,t_pkey,PRIMARY KEY btree (id),1,none\n",
        has("1/2 shards"),
    );
}

#[test]
fn functions_are_compared_without_the_names_of_their_shards() {
    let db = Db::with_shards(3);
    for number in 0..3 {
        db.in_shard(
            number,
            &format!(
                "CREATE TABLE t (n int);
                 CREATE FUNCTION own(t) RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM shard_{number}.t';
                 CREATE FUNCTION other(int, text = 'x') RETURNS int LANGUAGE sql AS 'SELECT {}';
                 CREATE PROCEDURE p() LANGUAGE sql AS '';
                 CREATE AGGREGATE total(int) (SFUNC = int4_sum, STYPE = bigint)",
                number / 2
            ),
        );
    }
    db.in_shard(1, "DROP PROCEDURE p()");
    shardq(["functions", "--csv"]).db(&db).run().assert(
        0,
        "function,kind,shards,drift\n\
         total(integer),aggregate,3,none\n\
         \"other(integer, text)\",function,3,definition\n\
         own(t),function,3,none\n\
         p(),procedure,2,missing\n",
        ANY,
    );
}
