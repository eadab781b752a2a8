//! `--global` over four servers: exactly as one table, or refused.

use super::answers::assert_same_or_refused;
use crate::global::differential::all;
use crate::global::world::World;
use crate::support::{Db, Servers, has, has_all};

/// The world of the differential tests, every fourth shard on each server.
pub fn spread() -> (World, Servers) {
    let world = World::new(16, "id % 16");
    let servers = Servers::empty();
    let databases: Vec<Db> = servers.databases.into_iter().collect();
    let databases = (0..).zip(databases).map(|(server, db)| {
        let world = World::within(db, 16, "id % 16");
        let others = (0..16).filter(|n| n % 4 != server);
        let drops: Vec<_> = others
            .map(|n| format!("DROP SCHEMA shard_{n} CASCADE;"))
            .collect();
        world.db.sql(&drops.concat());
        world.db
    });
    (world, Servers::of(databases.collect()))
}

#[test]
fn partial_results_of_four_servers_combine_to_those_of_one_table() {
    let (world, servers) = spread();
    let statements = all();
    let refused = ["the shards are in several databases"];
    let answered = assert_same_or_refused(&servers, &[], &world, &statements, &refused);
    assert!(answered > 200, "only {answered} were answered");
}

#[test]
fn what_only_one_statement_could_answer_is_refused() {
    let servers = Servers::with_shards(2);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS id, 'x' AS name");
    for sql in [
        "SELECT count(DISTINCT id) FROM (SELECT id FROM t LIMIT 5) s",
        "SELECT a.id FROM t a JOIN t b ON a.name = b.name",
    ] {
        servers.shardq(["query", "-g", sql]).run().assert(
            1,
            "",
            has_all(["the shards are in several databases", "without --global"]),
        );
    }
}

#[test]
fn servers_that_compare_or_write_values_differently_are_not_combined() {
    let servers = Servers::with_shards(2);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS id, now() AS at");
    let sql = "SELECT max(at) FROM t";
    servers
        .shardq(["query", "-gq", sql])
        .run()
        .assert(0, has("max"), "");
    let db = &servers.databases[2];
    let name = db.name();
    db.sql(&format!(
        "ALTER DATABASE \"{name}\" SET timezone TO 'Asia/Tokyo'"
    ));
    servers.shardq(["query", "-g", sql]).run().assert(
        1,
        "",
        has("db1 and db3 differ in TimeZone: \"UTC\", \"Asia/Tokyo\""),
    );
}

#[test]
fn a_table_that_no_server_has_is_named_as_the_server_does() {
    let servers = Servers::with_shards(2);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS id");
    let sql = "SELECT count(*) FROM nosuch";
    servers.shardq(["query", "-g", sql]).run().assert(
        1,
        "",
        has("ERROR 42P01: relation \"nosuch\" does not exist"),
    );
}

#[test]
fn a_table_that_differs_between_servers_is_named() {
    let servers = Servers::with_shards(2);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS id");
    for shard in [6, 7] {
        servers.databases[3].in_shard(shard, "ALTER TABLE t ALTER id TYPE bigint");
    }
    servers
        .shardq(["query", "-g", "SELECT sum(id) FROM t"])
        .run()
        .assert(
            1,
            "",
            has("db1 and db4 differ in column \"id\" of table \"t\""),
        );
}
