//! `shardq query` over four servers.

use std::fmt::Write as _;

use crate::support::{ANY, Servers, eventually, folder, has, has_all, shardq};

#[test]
fn four_servers_are_one_result_in_shard_order() {
    let servers = Servers::with_shards(32);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS id");
    let mut expected = "server,shard,id\n".to_owned();
    for n in 0..128 {
        writeln!(expected, "db{},shard_{n},{n}", n / 32 + 1).unwrap();
    }
    servers
        .shardq(["query", "--csv", "SELECT id FROM t"])
        .run()
        .assert(
            0,
            expected.as_str(),
            has("128 rows · 128/128 shards · all 4 servers · 4 snapshots within "),
        );
}

#[test]
fn shards_that_alternate_between_servers_are_in_order_too() {
    let servers = Servers::empty();
    for (n, db) in (0..).zip(&servers.databases) {
        db.create_shards((0..8).map(|i| i * 4 + n));
    }
    let sql = "SELECT count(*) FROM generate_series(1, 20000)";
    let ran = servers.shardq(["query", "--csv", "-tq", sql]).run();
    let shards: Vec<_> = (ran.stdout.lines())
        .map(|line| line.split(',').nth(1).unwrap().to_owned())
        .collect();
    let expected: Vec<_> = (0..32).map(|n| format!("shard_{n}")).collect();
    assert_eq!(shards, expected, "{}", ran.stderr);
}

#[test]
fn a_selection_on_one_server_has_no_column_for_it() {
    let servers = Servers::with_shards(4);
    servers
        .shardq(["query", "--csv", "SELECT 1 AS one", "--shards", "5,7"])
        .run()
        .assert(
            0,
            "shard,one\nshard_5,1\nshard_7,1\n",
            has("2/2 shards of 16 · all "),
        );
}

#[test]
fn each_shard_may_have_types_of_its_own_on_every_server() {
    let servers = Servers::with_shards(2);
    // Other objects first, so that no two databases give the type the same oid.
    for (n, db) in (0..).zip(&servers.databases) {
        for i in 0..n {
            db.sql(&format!("CREATE TYPE public.t{i} AS ENUM ('a')"));
        }
    }
    servers.in_each_shard("CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (m mood)");
    servers.in_each_shard("INSERT INTO t VALUES ('ok')");
    let ran = servers.shardq(["query", "-t", "SELECT m FROM t"]).run();
    ran.assert(0, has("shard_7 | ok"), has("8/8 shards"));
    servers.databases[2].in_shard(5, "DROP TABLE t; CREATE TABLE t AS SELECT 1 AS m");
    let ran = servers.shardq(["query", "-t", "SELECT m FROM t"]).run();
    let differs = "shard_5: column 1 \"m\" is integer, but it is mood in shard_0";
    ran.assert(3, ANY, has_all([differs, "7/8 shards, missing: shard_5"]));
}

#[test]
fn a_shard_on_two_servers_would_count_twice() {
    let servers = Servers::with_shards(2);
    servers.databases[3].create_shards([1]);
    servers.shardq(["query", "SELECT 1"]).run().assert(
        1,
        "",
        has_all([
            "several servers (db1 and db4) have shard_1, whose rows would count twice",
            "--prefer db4",
        ]),
    );
    servers
        .shardq([
            "query", "--csv", "-t", "SELECT 1", "--prefer", "db4", "--shards", "0-2",
        ])
        .run()
        .assert(
            0,
            "db1,shard_0,1\ndb4,shard_1,1\ndb2,shard_2,1\n",
            has("3/3 shards of 8"),
        );
}

#[test]
fn servers_can_be_named_on_the_command_line() {
    let servers = Servers::with_shards(1);
    let [one, other] = [0, 2].map(|server| servers.conninfo(server));
    let args = [
        "query",
        "--csv",
        "-t",
        "--no-shard-column",
        "SELECT current_database()",
    ];
    let expected = format!(
        "{}\n{}\n",
        servers.databases[0].name(),
        servers.databases[2].name()
    );
    shardq(args)
        .args(["--server", &one, "--server", &other])
        .run()
        .assert(
            0,
            expected.as_str(),
            has("2/2 shards · 2 servers · 2 snapshots"),
        );
    // A flag that names one server wins over those of the profile.
    servers.shardq(args).args(["-d", &one]).run().assert(
        0,
        format!("{}\n", servers.databases[0].name()).as_str(),
        has("1/1 shards"),
    );
}

#[test]
fn all_servers_are_expected_to_have_all_shards() {
    let servers = Servers::with_shards(2);
    let sql = "SELECT 1 AS one";
    servers
        .shardq(["query", "-q", sql, "--expect-shards", "8"])
        .run()
        .assert(0, has("shard_7"), "");
    servers
        .shardq(["query", sql, "--expect-shards", "9"])
        .run()
        .assert(1, "", has("expected 9 shards, found 8: shard_8 missing"));
}

#[test]
fn an_origin_is_asked_for_on_its_server_alone() {
    let servers = Servers::with_shards(32);
    servers.in_each_shard("CREATE TABLE origins (id bigint, name text)");
    servers.databases[0].in_shard(30, "INSERT INTO origins VALUES (1, 'core')");
    servers
        .shardq([
            "query",
            "--csv",
            "SELECT name FROM origins",
            "--origin",
            "core",
        ])
        .run()
        .assert(
            0,
            "shard,name\nshard_30,core\n",
            has("shard_30 of 128 (origin core"),
        );
    servers.databases[0].in_shard(30, "DELETE FROM origins");
    servers
        .shardq([
            "query",
            "-q",
            "SELECT name FROM origins",
            "--origin",
            "core",
        ])
        .run()
        .assert(0, ANY, has("no shard has an origin \"core\""));
}

#[test]
fn an_interrupt_cancels_on_every_server() {
    let servers = Servers::with_shards(2);
    let mut running = servers
        .shardq(["query", "SELECT pg_sleep(600)"])
        .env("PGAPPNAME", "interrupted")
        .spawn();
    for db in &servers.databases {
        db.until_waiting("PgSleep", 1);
    }
    running.signal("INT");
    eventually("it has ended", || running.has_ended());
    running.finish().assert(130, ANY, ANY);
    for db in &servers.databases {
        eventually("nothing is left", || db.backends("interrupted").is_empty());
    }
}

#[test]
fn a_table_rewritten_on_one_server_is_read_at_a_new_snapshot() {
    let servers = Servers::with_shards(2);
    servers.in_each_shard("CREATE TABLE t AS SELECT g FROM generate_series(1, 10) g");
    let mut holder = servers.databases[3].session();
    holder.run("BEGIN; TRUNCATE shard_7.t; INSERT INTO shard_7.t SELECT generate_series(1, 10)");
    let folder = folder();
    let file = folder.path().join("counts.csv");
    let running = servers
        .shardq([
            "query",
            "-t",
            "SELECT count(*) FROM t",
            "--lock-timeout=30s",
        ])
        .args(["-o", file.to_str().unwrap()])
        .spawn();
    servers.databases[3].until_waiting("Lock", 1);
    holder.run("COMMIT");
    running
        .finish()
        .assert(0, "", has_all(["retrying at a new snapshot", "8/8 shards"]));
    let counts = std::fs::read_to_string(file).unwrap();
    assert!(counts.ends_with("db4,shard_7,10\n"), "{counts}");
}

#[test]
fn profiles_list_and_check_each_server() {
    let servers = Servers::with_shards(2);
    servers.databases[3].create_shards([8]);
    servers.shardq(["profiles", "--check"]).run().assert(
        0,
        has_all([
            "all db1 (default)",
            "all db4 (default)",
            "2 shards",
            "3 shards",
        ]),
        "",
    );
}

/// Two servers that have a shard in common, by flags and by the profile that init writes of them.
#[test]
fn a_profile_of_several_servers_reads_what_the_flags_read() {
    let servers = Servers::with_shards(2);
    servers.databases[1].create_shards([0]);
    for (n, db) in (1..).zip(&servers.databases) {
        db.in_each_shard(&format!("CREATE TABLE t AS SELECT {n} AS server"));
    }
    let folder = folder();
    let conninfo = [0, 1].map(|server| servers.conninfo(server));
    let flags = ["--server", &conninfo[0], "--server", &conninfo[1]];
    let other = &servers.databases[1];
    let place = ["PGHOST", "PGPORT"].map(|name| other.variable(name));
    let name = place.join(":");
    let run = |args: &[&str]| {
        shardq([])
            .args(args)
            .env("XDG_CONFIG_HOME", folder.path())
            .run()
    };
    let query = ["query", "--csv", "SELECT server AS n FROM t"];
    let by_flags = run(&[&query[..], &flags, &["--prefer", &name]].concat());
    by_flags.assert(0, has("shard_0,2\n"), has("4/4 shards"));

    let init = ["profiles", "init", "pair", "--prefer", &name];
    run(&[&init[..], &flags].concat()).assert(0, "", has("wrote profile \"pair\""));
    let by_profile = run(&[&query[..], &["-P", "pair"]].concat());
    by_profile.assert(0, &by_flags.stdout, has("4/4 shards"));
}

#[test]
fn a_profile_is_written_only_if_each_server_connects() {
    let servers = Servers::with_shards(1);
    servers
        .shardq(["profiles", "init", "new", "--server", &servers.conninfo(0)])
        .args(["--server", "host=127.0.0.1 port=1"])
        .run()
        .assert(1, "", has("port 1 failed: Connection refused"));
    servers
        .shardq(["profiles"])
        .run()
        .assert(0, has("(4 rows)"), "");
}
