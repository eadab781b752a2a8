//! `shardq federate --remote-views`: views on the servers, and tables of the hub that are
//! partitioned by shard over them.

use crate::support::{ANY, Db, Program, Servers, has, has_all};

use super::federate::{OBJECTS, assert_makes_the_hub, federate};

/// Four servers of two shards, and a hub of them with views on the servers.
pub fn with_remote_views() -> (Servers, Db) {
    let servers = Servers::with_shards(2);
    servers.in_each_shard(
        "CREATE TABLE t (n int, name varchar(20)); INSERT INTO t VALUES ({n}, 'name {n}')",
    );
    let hub = Db::empty();
    remote_views(&servers, &hub).run().assert(
        0,
        "",
        has_all([
            "shardq: creates 1 view in schema shardq_federation on db1\n",
            "shardq: creates 1 view in schema shardq_federation on db4\n",
            "created · 4 servers · 8 shards · 12 foreign tables · 1 partitioned table · 4 views on the \
             servers · ",
        ]),
    );
    (servers, hub)
}

pub fn remote_views(servers: &Servers, hub: &Db) -> Program {
    federate(servers, hub, "--remote-views")
}

/// What the hub sends to the servers.
pub fn remote_statements(hub: &Db, sql: &str) -> Vec<String> {
    let partitionwise =
        "SET enable_partitionwise_join = on; SET enable_partitionwise_aggregate = on";
    let plan = hub.ask(&format!(
        "{partitionwise}; EXPLAIN (VERBOSE, COSTS OFF) {sql}"
    ));
    let lines = plan.lines();
    let remote = lines.filter_map(|line| line.trim().strip_prefix("Remote SQL: "));
    remote.map(str::to_owned).collect()
}

fn objects(databases: &[Db]) -> Vec<String> {
    databases.iter().map(|db| db.ask(OBJECTS)).collect()
}

#[test]
fn all_shards_is_partitioned_by_server() {
    let (servers, hub) = with_remote_views();
    assert_eq!(
        hub.ask("SELECT count(*), sum(n), min(shard), max(name) FROM all_shards.t"),
        "8|28|shard_0|name 7"
    );
    assert_eq!(
        hub.ask("SELECT shard, n FROM all_shards.t WHERE shard = 'shard_5'"),
        "shard_5|5"
    );
    assert_eq!(hub.ask("SELECT name FROM shard_3.t"), "name 3");
    let columns = "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) \
                   FROM pg_attribute WHERE attrelid = 'all_shards.t'::regclass AND attnum > 0";
    assert_eq!(
        hub.ask(columns),
        "shard text, n integer, name character varying(20)"
    );
    federate(&servers, &hub, "--check")
        .run()
        .assert(0, "", has("up to date · 4 servers"));
}

#[test]
fn each_server_is_asked_once_and_only_if_it_has_the_shard() {
    let (_servers, hub) = with_remote_views();
    let remote = |sql: &str| remote_statements(&hub, sql);
    let all = remote("SELECT shard, n FROM all_shards.t WHERE name = 'name 3'");
    assert_eq!(
        all,
        ["SELECT shard, n FROM shardq_federation.t WHERE ((name = 'name 3'))"; 4]
    );
    assert_eq!(
        remote("SELECT n FROM all_shards.t WHERE shard = 'shard_3' AND n > 2"),
        ["SELECT n FROM shardq_federation.t WHERE ((n > 2)) AND ((shard = 'shard_3'))"]
    );
    let groups = remote("SELECT shard, count(*), max(name) FROM all_shards.t GROUP BY shard");
    assert_eq!(
        groups,
        ["SELECT shard, count(*), max(name) FROM shardq_federation.t GROUP BY 1"; 4]
    );
    let top = remote("SELECT n FROM all_shards.t ORDER BY n DESC LIMIT 10");
    assert_eq!(
        top,
        ["SELECT n FROM shardq_federation.t ORDER BY n DESC NULLS FIRST"; 4]
    );
}

#[test]
fn joins_within_a_shard_run_on_the_servers() {
    let (servers, hub) = with_remote_views();
    federate(&servers, &hub, "--refresh")
        .args(["--analyze"])
        .run()
        .assert(0, "", has("up to date"));
    let joined = remote_statements(
        &hub,
        "SELECT a.n FROM all_shards.t a JOIN all_shards.t b ON a.shard = b.shard AND a.n = b.n",
    );
    assert_eq!(joined.len(), 4, "{joined:?}");
    for sql in joined {
        assert!(sql.contains(" INNER JOIN shardq_federation.t "), "{sql}");
    }
}

#[test]
fn a_dry_run_lists_the_servers_sql_first_and_changes_nothing() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard(
        "CREATE DOMAIN email AS text COLLATE \"C\"; CREATE TABLE \"it's\" (\"a \"\"b\" email); \
         INSERT INTO \"it's\" VALUES ('x')",
    );
    let hub = Db::empty();
    let before = (objects(&servers.databases), hub.ask(OBJECTS));
    let script = remote_views(&servers, &hub)
        .args(["--dry-run"])
        .run()
        .output();
    assert_eq!((objects(&servers.databases), hub.ask(OBJECTS)), before);
    assert!(script.starts_with("-- on db1\n"), "{script}");
    let on_hub = script.find("-- on the hub\n").unwrap();
    assert!(script.rfind("CREATE VIEW").unwrap() < on_hub, "{script}");
    assert_makes_the_hub(script, &servers, &hub);
}

#[test]
fn dropping_removes_what_was_made_on_the_servers_and_nothing_else() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    servers.databases[1].sql("CREATE VIEW public.mine AS SELECT 1 AS n");
    let hub = Db::empty();
    let before = (objects(&servers.databases), hub.ask(OBJECTS));
    remote_views(&servers, &hub).run().assert(0, "", ANY);
    // The views of a server that is down would stay.
    federate(&servers, &hub, "--drop")
        .args(["--server", &servers.conninfo(0)])
        .args(["--server", "host=/nowhere dbname=app"])
        .run()
        .assert(
            1,
            "",
            has_all([
                "the hub's views on them would stay, so nothing was removed",
                "/nowhere",
            ]),
        );
    // Somebody's own object is not removed.
    servers.databases[3].sql("CREATE TABLE shardq_federation.mine (n int)");
    federate(&servers, &hub, "--drop").run().assert(
        1,
        "",
        has_all([
            "db4 refuses",
            "table shardq_federation.mine depends on schema",
        ]),
    );
    assert_eq!(hub.ask("SELECT sum(n) FROM all_shards.t"), "6");
    servers.databases[3].sql("DROP TABLE shardq_federation.mine");
    federate(&servers, &hub, "--drop").run().assert(
        0,
        "",
        has_all([
            "shardq: removes 1 view in schema shardq_federation on db4\n",
            "removed · ",
        ]),
    );
    assert_eq!((objects(&servers.databases), hub.ask(OBJECTS)), before);
}

#[test]
fn a_view_that_follows_a_renamed_table_is_found() {
    let (servers, hub) = with_remote_views();
    servers.databases[1].sql(
        "ALTER TABLE shard_2.t RENAME TO t_old; CREATE TABLE shard_2.t (n int, name varchar(20)); \
         DROP TABLE shard_3.t CASCADE",
    );
    servers.databases[2]
        .sql("ALTER TABLE shard_4.t ADD more int; ALTER TABLE shard_5.t ADD more int");
    federate(&servers, &hub, "--check").run().assert(
        1,
        has_all([
            "view shardq_federation.t on db2: missing\n",
            "foreign table shard_2.t_old: missing\n",
            "foreign table shard_4.t: column \"more\" is new\n",
            "table all_shards.t: does not have its tables as they are\n",
        ]),
        has_all(["stale: ", "--refresh runs it"]),
    );
    federate(&servers, &hub, "--refresh")
        .run()
        .assert(0, "", has("refreshed: "));
    let (servers, hub) = with_remote_views();
    servers.databases[1].sql(
        "ALTER TABLE shard_2.t RENAME TO t_old; CREATE TABLE shard_2.t (n int, name varchar(20)); \
         DROP VIEW IF EXISTS shard_2.v",
    );
    assert_eq!(
        hub.ask("SELECT count(*) FROM all_shards.t WHERE shard = 'shard_2'"),
        "1",
        "the view still reads the old one"
    );
    federate(&servers, &hub, "--check").run().assert(
        1,
        has("view shardq_federation.t on db2: does not have its tables as they are\n"),
        ANY,
    );
    servers
        .shardq([
            "query",
            "-g",
            "--via",
            &hub.conninfo(),
            "SELECT count(*) FROM t",
        ])
        .run()
        .assert(
            1,
            "",
            has("the hub is stale: view shardq_federation.t on db2: "),
        );
    federate(&servers, &hub, "--refresh").run().assert(
        0,
        "",
        has("shardq: changes 2 views in schema shardq_federation on db2\n"),
    );
    assert_eq!(
        hub.ask("SELECT count(*) FROM all_shards.t WHERE shard = 'shard_2'"),
        "0"
    );
    federate(&servers, &hub, "--check").run().assert(0, "", ANY);
}

#[test]
fn servers_that_may_not_be_written_to_are_refused() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    for db in &servers.databases {
        db.sql(
            "DO $$ BEGIN CREATE ROLE reads_only LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
        );
    }
    servers.in_each_shard(
        "GRANT USAGE ON SCHEMA shard_{n} TO reads_only; GRANT SELECT ON t TO reads_only",
    );
    // The first would let it.
    let db = &servers.databases[0];
    db.sql(&format!(
        "GRANT CREATE ON DATABASE \"{}\" TO reads_only",
        db.name()
    ));
    let hub = Db::empty();
    let before = (objects(&servers.databases), hub.ask(OBJECTS));
    remote_views(&servers, &hub)
        .args(["-U", "reads_only"])
        .run()
        .assert(
            1,
            "",
            has_all([
                "db2 refuses the views of --remote-views, so nothing was changed: ",
                "permission denied for database",
                "without --remote-views nothing is written to the servers",
            ]),
        );
    assert_eq!((objects(&servers.databases), hub.ask(OBJECTS)), before);
}

#[test]
fn a_hub_that_fails_leaves_nothing_on_the_servers() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let hub = Db::empty();
    hub.sql("CREATE SCHEMA shard_2");
    let before = (objects(&servers.databases), hub.ask(OBJECTS));
    remote_views(&servers, &hub).run().assert(
        1,
        "",
        has("on db4\nshardq: error: ERROR 42P06: schema \"shard_2\" already exists"),
    );
    assert_eq!((objects(&servers.databases), hub.ask(OBJECTS)), before);
}

#[test]
fn the_views_of_another_hub_are_left_alone() {
    let (servers, hub) = with_remote_views();
    let other = Db::empty();
    remote_views(&servers, &other).run().assert(
        1,
        "",
        has_all([
            "the views in shardq_federation on db1 were made for another hub, ",
            hub.name(),
        ]),
    );
    federate(&servers, &other, "").run().assert(0, "", ANY);
    federate(&servers, &other, "--refresh")
        .args(["--remote-views"])
        .run()
        .assert(1, "", has("were made for another hub"));
    federate(&servers, &hub, "--drop").run().assert(0, "", ANY);
    // A hub is changed to remote views by a refresh.
    federate(&servers, &other, "--refresh")
        .args(["--remote-views"])
        .run()
        .assert(0, "", has("1 partitioned table · 4 views on the servers"));
    assert_eq!(other.ask("SELECT sum(n) FROM all_shards.t"), "28");
}

#[test]
fn one_statement_reads_the_partitioned_table() {
    let (servers, hub) = with_remote_views();
    let via =
        |sql: &str| servers.shardq(["query", "-g", "--csv", "-t", "--via", &hub.conninfo(), sql]);
    let sql = "SELECT a.n, b.shard FROM t a JOIN t b ON a.n = b.n + 5 ORDER BY 1";
    via(sql)
        .args(["--explain"])
        .run()
        .assert(0, has("FROM \"all_shards\".\"t\")"), "");
    via(sql).run().assert(
        0,
        "5,shard_0\n6,shard_1\n7,shard_2\n",
        has("8/8 shards · via "),
    );
    via("SELECT name FROM t a WHERE n >= (SELECT avg(n) FROM t) ORDER BY 1 LIMIT 1")
        .args(["--shards", "1,6"])
        .run()
        .assert(0, "name 6\n", has("2/2 shards of 8"));
}
