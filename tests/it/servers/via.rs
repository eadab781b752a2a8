//! `query -g --via`: a global query on a hub, exactly as one table, or refused.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::global::differential::all;
use crate::global::world::World;
use crate::support::{ANY, Db, Program, Servers, folder, has, has_all, manifest, verify};

use super::answers::assert_same_or_refused;
use super::federate::{federate, with_hub};
use super::global::spread;
use super::remote_views::remote_views;

fn via(servers: &Servers, hub: &Db, sql: &str) -> Program {
    with_header(servers, hub, sql).args(["-t"])
}

fn with_header(servers: &Servers, hub: &Db, sql: &str) -> Program {
    servers.shardq(["query", "-g", "--csv", "--via", &hub.conninfo(), sql])
}

#[test]
fn what_needs_all_servers_and_one_statement_is_answered() {
    let (servers, hub) = with_hub();
    let summary = has_all([
        "8/8 shards · via ",
        hub.name(),
        " · 1 snapshot per server · ",
    ]);
    via(
        &servers,
        &hub,
        "SELECT a.n FROM t a JOIN t b ON a.n = b.n + 5 ORDER BY 1",
    )
    .run()
    .assert(0, "5\n6\n7\n", summary);
    via(
        &servers,
        &hub,
        "SELECT shard, sum(n) FROM t GROUP BY 1 ORDER BY 1 DESC LIMIT 1",
    )
    .run()
    .assert(0, "shard_7,7\n", ANY);
    via(&servers, &hub, "SELECT count(*) FROM t")
        .args(["--shards", "1,6"])
        .run()
        .assert(0, "2\n", has("2/2 shards of 8"));
}

#[test]
fn partial_results_are_one_foreign_scan_each() {
    let (servers, hub) = with_hub();
    via(&servers, &hub, "SELECT count(*), max(name) FROM t")
        .args(["--explain"])
        .run()
        .assert(0, has("-- in each of 8 shards, at one snapshot"), "");
    via(&servers, &hub, "SELECT count(*), max(name) FROM t")
        .run()
        .assert(0, "8,name 7\n", has("1 snapshot per server"));
}

#[test]
fn an_export_goes_through_the_hub_too() {
    let (servers, hub) = with_hub();
    let folder = folder();
    let file = folder.path().join("sums.csv");
    servers
        .shardq([
            "export",
            "-g",
            "SELECT sum(n) AS all FROM t",
            "--via",
            &hub.conninfo(),
        ])
        .args(["-o", file.to_str().unwrap()])
        .run()
        .assert(0, "", has(" · 1 snapshot per server · "));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "all\n28\n");
    // The hub's own snapshot is not one of the servers'.
    let run = &manifest(&file)["runs"][0];
    assert!(run["snapshot"].is_null(), "{run}");
    assert_eq!(run["behind_hub"], json!(["db1", "db2", "db3", "db4"]));
    verify(&file)
        .run()
        .assert(0, "", has("1 row · 8/8 shards · 1 snapshot per server · "));
}

#[test]
fn a_shell_asks_the_hub() {
    let (servers, hub) = with_hub();
    servers
        .shardq(["shell", "-g", "--csv", "-t", "--via", &hub.conninfo()])
        .stdin("SELECT count(*) FROM t;\nSELECT max(a.n) FROM t a JOIN t b ON a.n = b.n + 5;\n")
        .run()
        .assert(0, "8\n7\n", has("8/8 shards · via "));
}

#[test]
fn a_stale_hub_is_not_asked() {
    let (servers, hub) = with_hub();
    // The foreign table would answer as if it were a number.
    servers.databases[3].in_shard(7, "ALTER TABLE t ALTER n TYPE text");
    via(&servers, &hub, "SELECT max(n) FROM t").run().assert(
        1,
        "",
        has_all([
            "the hub is stale: foreign table shard_7.t: column \"n\" is text, and integer on the hub",
            "--refresh updates the hub",
        ]),
    );
    federate(&servers, &hub, "--drop").run().assert(0, "", ANY);
    via(&servers, &hub, "SELECT max(n) FROM t").run().assert(
        1,
        "",
        has("is not a hub that shardq federate made"),
    );
}

#[test]
fn a_server_that_is_down_is_named_with_its_shards() {
    let (servers, hub) = with_hub();
    let folder = folder();
    let config = folder.path().join("config.toml");
    let mut profile = "default = \"all\"\n[all]\n[all.servers]\n".to_owned();
    for server in 0..3 {
        let conninfo = servers.conninfo(server);
        writeln!(profile, "db{} = \"{conninfo}\"", server + 1).unwrap();
    }
    profile += "db4 = \"host=/nowhere dbname=app user=postgres\"\n";
    std::fs::write(&config, profile).unwrap();
    via(&servers, &hub, "SELECT count(*) FROM t")
        .env("SHARDQ_CONFIG", &config)
        .run()
        .assert(1, "", has("db4 cannot be reached, which has shard_6-7: "));
}

#[test]
fn a_table_that_is_being_changed_is_not_read() {
    let (servers, hub) = with_hub();
    let mut session = servers.databases[2].session();
    session.run("BEGIN; TRUNCATE shard_4.t");
    via(&servers, &hub, "SELECT count(*) FROM t")
        .args(["--lock-timeout", "200ms"])
        .run()
        .assert(1, "", has_all(["55P03", "lock timeout"]));
    // Another table than the statement's.
    session.run("ROLLBACK; BEGIN");
    servers.in_each_shard("CREATE TABLE u (n int)");
    federate(&servers, &hub, "--refresh")
        .run()
        .assert(0, "", ANY);
    session.run("LOCK TABLE shard_4.u");
    via(&servers, &hub, "SELECT count(*) FROM t")
        .run()
        .assert(0, "8\n", ANY);
}

#[test]
fn a_table_that_the_hub_has_in_part_is_refused() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard(
        "CREATE TYPE pair AS (a int); CREATE TABLE t (n int, p pair); \
         CREATE TABLE u AS SELECT {n} AS n; CREATE VIEW v AS SELECT n FROM u",
    );
    let hub = Db::empty();
    federate(&servers, &hub, "").run().assert(0, "", ANY);
    via(&servers, &hub, "SELECT * FROM t").run().assert(
        1,
        "",
        has("the hub does not have all columns of table \"t\""),
    );
    via(&servers, &hub, "SELECT count(*) FROM v").run().assert(
        1,
        "",
        has("shard_0.v on db1 is not a table that can be locked"),
    );
    via(&servers, &hub, "SELECT sum(n) FROM u")
        .run()
        .assert(0, "6\n", ANY);
    hub.sql("CREATE SCHEMA shard_77");
    via(&servers, &hub, "SELECT sum(n) FROM u").run().assert(
        1,
        "",
        has("the hub has schemas that look like shards and that no server has: shard_77"),
    );
}

#[test]
fn each_server_is_read_at_one_snapshot() {
    let (servers, hub) = with_hub();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut session = servers.databases[0].session();
            while !is_done.load(Ordering::Relaxed) {
                session.run(
                    "BEGIN; UPDATE shard_0.t SET n = n - 1; UPDATE shard_1.t SET n = n + 1; COMMIT",
                );
            }
        });
        let sql = "SELECT sum(n) FROM t";
        let rans = ["partial", "one", "partial", "one"].map(|strategy| {
            via(&servers, &hub, sql)
                .args(["--strategy", strategy])
                .run()
        });
        is_done.store(true, Ordering::Relaxed);
        for ran in rans {
            ran.assert(0, "28\n", has("1 snapshot per server"));
        }
    });
}

#[test]
fn a_hub_that_logs_in_as_somebody_else_is_refused() {
    let (servers, hub) = with_hub();
    for db in &servers.databases {
        db.sql(
            "DO $$ BEGIN CREATE ROLE other_user LOGIN SUPERUSER; \
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
        );
    }
    via(&servers, &hub, "SELECT count(*) FROM t")
        .args(["-U", "other_user"])
        .run()
        .assert(
            1,
            "",
            has("server db1: the hub logs in as postgres, not as other_user"),
        );
    federate(&servers, &hub, "--refresh")
        .args(["-U", "other_user"])
        .run()
        .assert(0, "", has("refreshed: 4 changes"));
    via(&servers, &hub, "SELECT count(*) FROM t")
        .args(["-U", "other_user"])
        .run()
        .assert(0, "8\n", ANY);
}

#[test]
fn rows_that_two_shards_share_are_refused() {
    let (servers, hub) = with_hub();
    let db = &servers.databases[1];
    db.sql("ALTER TABLE shard_3.t INHERIT shard_2.t");
    via(&servers, &hub, "SELECT count(*) FROM t").run().assert(
        1,
        "",
        has("rows of table \"t\" of shard_3 are rows of shard_2 too, by inheritance"),
    );
}

#[test]
fn filters_limits_and_joins_run_on_the_servers() {
    let (servers, hub) = with_hub();
    let remote = |sql: &str| {
        let plan = hub.ask(&format!("EXPLAIN (VERBOSE, COSTS OFF) {sql}"));
        let lines = plan
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Remote SQL: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        remote("SELECT name FROM all_shards.t WHERE shard = 'shard_3' AND n > 2"),
        ["SELECT name FROM shard_3.t WHERE ((n > 2))"]
    );
    let all = remote("SELECT shard, name FROM all_shards.t WHERE name = 'name 3'");
    assert_eq!(all.len(), 8);
    assert_eq!(
        all[0],
        "SELECT name FROM shard_0.t WHERE ((name = 'name 3'))"
    );
    // What a partial result reads of a shard.
    assert_eq!(
        remote("SELECT count(*), max(name) FROM shard_3.t WHERE n > 1"),
        ["SELECT count(*), max(name) FROM shard_3.t WHERE ((n > 1))"]
    );
    assert_eq!(
        remote("SELECT n FROM shard_3.t ORDER BY n DESC LIMIT 10"),
        ["SELECT n FROM shard_3.t ORDER BY n DESC NULLS FIRST LIMIT 10::bigint"]
    );
    // Which is cheaper depends on statistics.
    federate(&servers, &hub, "--refresh")
        .args(["--analyze"])
        .run()
        .assert(0, "", has("up to date"));
    let joined = remote("SELECT a.n FROM shard_2.t a JOIN shard_3.t b ON a.n = b.n");
    assert_eq!(joined.len(), 1, "{joined:?}");
    assert!(joined[0].contains(" INNER JOIN shard_3.t "), "{joined:?}");
}

#[test]
fn answers_of_a_hub_are_those_of_one_table() {
    let (world, servers) = spread();
    let hub = Db::empty();
    // What is not sharded is the hub's own.
    hub.sql(include_str!("../global/world.sql"));
    federate(&servers, &hub, "").run().assert(0, "", ANY);
    let statements: Vec<_> = all().into_iter().step_by(10).collect();
    assert_answers(&world, &servers, &hub, &statements, "auto");
}

#[test]
fn answers_of_a_hub_with_remote_views_are_those_of_one_table() {
    let (world, servers) = spread();
    let hub = Db::empty();
    hub.sql(include_str!("../global/world.sql"));
    remote_views(&servers, &hub).run().assert(0, "", ANY);
    let statements: Vec<_> = all().into_iter().skip(2).step_by(10).collect();
    assert_answers(&world, &servers, &hub, &statements, "one");
}

#[track_caller]
fn assert_answers(
    world: &World,
    servers: &Servers,
    hub: &Db,
    statements: &[String],
    strategy: &str,
) {
    let flags = ["--via", &hub.conninfo(), "--strategy", strategy];
    let refused = ["the hub does not have all"];
    let answered = assert_same_or_refused(servers, &flags, world, statements, &refused);
    assert!(
        answered > 30,
        "only {answered} of {} were answered",
        statements.len()
    );
}
