//! `query -g --via`: a global query on a hub, exactly as one table, or refused.

use crate::global::differential::{difference_of, parts_statements};
use crate::global::world::Answer;
use crate::support::{ANY, Db, Program, Servers, folder, has, has_all};

use super::federate::{federate, with_hub};
use super::global::spread;

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
    assert_eq!(std::fs::read_to_string(file).unwrap(), "all\n28\n");
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
        profile += &format!("db{} = \"{}\"\n", server + 1, servers.conninfo(server));
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
        "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (n int, m mood); \
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
fn answers_of_a_hub_are_those_of_one_table() {
    let (world, servers) = spread();
    let hub = Db::empty();
    federate(&servers, &hub, "").run().assert(0, "", ANY);
    // Each is a process of its own.
    let statements: Vec<_> = parts_statements().into_iter().step_by(4).collect();
    let whole = world.psql(&statements);
    let mut answered = 0;
    for (sql, whole) in statements.iter().zip(&whole) {
        let ran = with_header(&servers, &hub, sql)
            .args(["-q", "--null=-null-"])
            .run();
        match (ran.status, whole) {
            (0, Answer::Rows { .. }) => {
                answered += 1;
                if let Some(difference) = difference_of(sql, whole, &ran.stdout) {
                    panic!("{difference}");
                }
            }
            (1, _) => assert!(
                matches!(whole, Answer::Error(_))
                    || ran.stderr.contains("the hub does not have all"),
                "{sql}: {}",
                ran.stderr
            ),
            _ => panic!("{sql}: {}: {}", ran.status, ran.stderr),
        }
    }
    assert!(
        answered > 1000,
        "only {answered} of {} were answered",
        statements.len()
    );
}
