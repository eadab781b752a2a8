//! One of several servers fails.

use shardq::sandbox::{Options, Shutdown};

use crate::support::{ANY, Db, Servers, has, has_all, private_server, shardq};

#[test]
fn a_server_that_is_down_fails_its_shards_alone() {
    let servers = Servers::with_shards(2);
    let lost = private_server(Options::default());
    let program = |args: &[&str]| {
        let program = shardq([]).args(args);
        let live = [0, 1].map(|server| servers.conninfo(server));
        let program = program.args(["--server", &live[0], "--server", &live[1]]);
        program.args(["--server", "host=127.0.0.1 port=1 user=x dbname=x"])
    };
    drop(lost);
    program(&[
        "query",
        "--csv",
        "-t",
        "--no-shard-column",
        "SELECT current_schema()",
    ])
    .run()
    .assert(
        3,
        "shard_0\nshard_1\nshard_2\nshard_3\n",
        has_all([
            "127.0.0.1:1: its shards are missing: ",
            "Connection refused",
            "4 rows · 4/? shards, missing: all on 127.0.0.1:1",
        ]),
    );
    program(&["query", "-q", "SELECT 1", "--expect-shards", "6"])
        .run()
        .assert(3, has("shard_3"), has("its shards are missing"));
    // Those that are asked for are all there.
    program(&["query", "-q", "SELECT 1", "--shards", "0-3"])
        .run()
        .assert(0, has("shard_3"), "");
    program(&["query", "SELECT 1", "--shards", "5"])
        .run()
        .assert(
            1,
            "",
            has_all([
                "no such shard: shard_5",
                "127.0.0.1:1: its shards are missing",
            ]),
        );
    // One answer over all shards is complete, or there is none.
    program(&["query", "-g", "SELECT 1"])
        .run()
        .assert(1, "", has("its shards are missing"));
}

#[test]
fn a_server_that_is_lost_in_the_middle_fails_its_shards_alone() {
    let mut server = private_server(Options::default());
    let lost = Db::on(&server);
    lost.create_shards([2, 3]);
    let servers = Servers::with_shards(1);
    let [one, other] = [0, 1].map(|server| servers.conninfo(server));
    let [host, port, user] = ["PGHOST", "PGPORT", "PGUSER"].map(|name| lost.variable(name));
    let third = format!(
        "host='{host}' port={port} user={user} dbname='{}'",
        lost.name()
    );
    let sql = "SELECT CASE WHEN current_schema() IN ('shard_2', 'shard_3') THEN pg_sleep(600) END";
    let running = shardq(["query", "--csv", "-t", sql])
        .args(["--server", &one, "--server", &other, "--server", &third])
        .env("PGAPPNAME", "loses")
        .spawn();
    lost.until_waiting("PgSleep", 1);
    server.stop(Shutdown::Immediate).unwrap();
    running.finish().assert(
        3,
        has("shard_1,"),
        has_all(["shard_2-3", "2/4 shards, missing: shard_2-3"]),
    );
}

#[test]
fn a_server_without_a_free_connection_fails_its_shards_alone() {
    let server = private_server(Options::default());
    let full = Db::on(&server);
    full.create_shards([4]);
    // The same error as for max_connections, for which every connection of the test would count.
    full.sql("CREATE ROLE guest LOGIN CONNECTION LIMIT 1");
    let _holder = full
        .psql_program(["--command", "SELECT pg_sleep(60)"])
        .env("PGUSER", "guest")
        .spawn();
    full.until_waiting("PgSleep", 1);
    let servers = Servers::with_shards(1);
    let [host, port] = ["PGHOST", "PGPORT"].map(|name| full.variable(name));
    let third = format!(
        "host='{host}' port={port} user=guest dbname='{}'",
        full.name()
    );
    shardq(["query", "--csv", "-t", "SELECT 1"])
        .args(["--server", &servers.conninfo(0), "--server", &third])
        .run()
        .assert(3, has("shard_0,1"), has("its shards are missing"))
        .assert(3, ANY, has("1/? shards"));
}
