//! `shardq find` over four servers, and in databases that are shards.

use crate::support::{Servers, has, has_all};

/// `core` belongs in `shard_30` of 128, on `db1`.
fn with_origins() -> Servers {
    let servers = Servers::with_shards(32);
    servers.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text)");
    servers.databases[0].in_shard(30, "INSERT INTO origins VALUES (1, 'core')");
    servers
}

#[test]
fn a_key_is_found_on_the_server_of_its_shard() {
    let servers = with_origins();
    servers.shardq(["find", "core", "--short"]).run().assert(
        0,
        "shard_30\n",
        has("shard_30 is on db1"),
    );
}

#[test]
fn a_key_that_is_not_where_it_belongs_is_looked_for_on_every_server() {
    let servers = with_origins();
    servers.databases[0].in_shard(30, "DELETE FROM origins");
    servers.databases[3].in_shard(127, "INSERT INTO origins VALUES (1, 'core')");
    servers.shardq(["find", "core", "--short"]).run().assert(
        3,
        "shard_127\n",
        has_all([
            "shard_127 is on db4",
            "128/128 shards searched",
            "4 snapshots within ",
        ]),
    );
    servers.databases[3].in_shard(127, "DELETE FROM origins");
    servers
        .shardq(["find", "core", "--short"])
        .run()
        .assert(1, "", has("128/128 shards searched"));
}

#[test]
fn a_value_is_found_in_a_column_of_any_server() {
    let servers = with_origins();
    servers.databases[2].in_shard(70, "INSERT INTO origins VALUES (7, 'core')");
    servers
        .shardq(["find", "core", "--in", "origins.name", "--short"])
        .run()
        .assert(
            0,
            "shard_30\nshard_70\n",
            has_all(["shard_30 is on db1", "shard_70 is on db3"]),
        );
}

#[test]
fn a_server_that_is_down_leaves_the_search_incomplete() {
    let servers = with_origins();
    let [one, other] = [0, 1].map(|server| servers.conninfo(server));
    let args = [
        "find",
        "nowhere",
        "--in",
        "origins.name",
        "--server",
        &one,
        "--server",
        &other,
    ];
    crate::support::shardq(args)
        .args(["--server", "host=127.0.0.1 port=1 user=x dbname=x"])
        .run()
        .assert(
            3,
            "",
            has_all([
                "127.0.0.1:1: its shards are missing: ",
                "64/? shards searched, missing: all on 127.0.0.1:1",
            ]),
        );
}
