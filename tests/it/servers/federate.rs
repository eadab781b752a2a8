//! `shardq federate`: a hub of four servers, by `postgres_fdw`.

use crate::support::{ANY, Db, Program, Servers, has, has_all, shardq};

/// Objects of the hub, for comparing before and after.
pub const OBJECTS: &str = "\
    SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_' \
    UNION ALL SELECT relkind::text || ' ' || oid::regclass FROM pg_class WHERE oid >= 16384 \
    UNION ALL SELECT 'server ' || srvname FROM pg_foreign_server \
    UNION ALL SELECT 'mapping ' || srvname || usename FROM pg_user_mappings \
    UNION ALL SELECT 'extension ' || extname FROM pg_extension ORDER BY 1";

pub fn federate(servers: &Servers, hub: &Db, action: &str) -> Program {
    let program = servers.shardq(["federate", "--hub", &hub.conninfo()]);
    if action.is_empty() {
        program
    } else {
        program.args([action])
    }
}

/// Four servers of two shards, each with a table of one row, and a hub of them.
pub fn with_hub() -> (Servers, Db) {
    let servers = Servers::with_shards(2);
    servers.in_each_shard(
        "CREATE TABLE t (n int, name varchar(20)); INSERT INTO t VALUES ({n}, 'name {n}')",
    );
    let hub = Db::empty();
    federate(&servers, &hub, "").run().assert(
        0,
        "",
        has_all([
            "created · 4 servers · 8 shards · 8 foreign tables · 1 view · ",
            hub.name(),
        ]),
    );
    (servers, hub)
}

#[test]
fn one_statement_on_the_hub_covers_the_shards_of_all_servers() {
    let (_servers, hub) = with_hub();
    assert_eq!(
        hub.ask("SELECT count(*), sum(n), min(shard), max(name) FROM all_shards.t"),
        "8|28|shard_0|name 7"
    );
    assert_eq!(
        hub.ask("SELECT shard, n FROM all_shards.t WHERE shard = 'shard_5'"),
        "shard_5|5"
    );
    assert_eq!(hub.ask("SELECT name FROM shard_3.t"), "name 3");
    let option = "SELECT option_value FROM pg_foreign_server, pg_options_to_table(srvoptions) \
                  WHERE srvname = 'db3' AND option_name = 'async_capable'";
    assert_eq!(hub.ask(option), "true");
    assert_eq!(
        hub.ask("SELECT count(*) FROM pg_user_mappings WHERE umoptions::text LIKE '%password=%'"),
        "0",
        "no password is stored"
    );
}

#[test]
fn a_dry_run_changes_nothing_and_its_sql_makes_the_hub() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard(
        "CREATE TABLE \"it's\" (\"a \"\"b\" text COLLATE \"C\"); INSERT INTO \"it's\" VALUES ('x')",
    );
    let hub = Db::empty();
    let before = hub.ask(OBJECTS);
    let script = federate(&servers, &hub, "--dry-run").run().output();
    assert_eq!(hub.ask(OBJECTS), before);
    assert_makes_the_hub(script, &servers, &hub);
}

/// Running what a dry run printed makes the hub.
#[track_caller]
pub fn assert_makes_the_hub(script: String, servers: &Servers, hub: &Db) {
    hub.psql_program([]).stdin(script).run().assert(0, "", "");
    assert_eq!(
        hub.ask("SELECT shard, \"a \"\"b\" FROM all_shards.\"it's\" ORDER BY 1 LIMIT 1"),
        "shard_0|x"
    );
    federate(servers, hub, "--check")
        .run()
        .assert(0, "", has("up to date · 4 servers"));
    let script = federate(servers, hub, "--dry-run").run().output();
    assert_eq!(script, "-- the hub is up to date\n");
}

#[test]
fn dropping_removes_what_was_made_and_nothing_else() {
    let servers = Servers::with_shards(2);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let hub = Db::empty();
    hub.sql("CREATE SCHEMA mine; CREATE TABLE mine.t AS SELECT 1 AS n");
    let before = hub.ask(OBJECTS);
    federate(&servers, &hub, "").run().assert(0, "", ANY);
    let made = hub.ask(OBJECTS);
    assert_ne!(made, before);
    hub.sql("CREATE VIEW mine.v AS SELECT * FROM all_shards.t");
    federate(&servers, &hub, "--drop").run().assert(
        1,
        "",
        has_all(["ERROR", "view mine.v depends on view all_shards.t"]),
    );
    hub.sql("DROP VIEW mine.v");
    assert_eq!(hub.ask(OBJECTS), made, "a failed removal removes nothing");
    // Servers that are down do not matter.
    federate(&servers, &hub, "--drop")
        .args(["--server", "host=/nowhere"])
        .run()
        .assert(0, "", has("removed · "));
    assert_eq!(hub.ask(OBJECTS), before);
    federate(&servers, &hub, "--drop").run().assert(
        1,
        "",
        has("is not a hub that shardq federate made"),
    );
}

#[test]
fn an_extension_that_others_use_stays() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let hub = Db::empty();
    federate(&servers, &hub, "").run().assert(0, "", ANY);
    hub.sql("CREATE SERVER mine FOREIGN DATA WRAPPER postgres_fdw");
    federate(&servers, &hub, "--drop").run().assert(0, "", ANY);
    assert_eq!(hub.ask("SELECT srvname FROM pg_foreign_server"), "mine");
}

#[test]
fn a_hub_is_made_once_and_not_over_what_is_there() {
    let (servers, hub) = with_hub();
    federate(&servers, &hub, "").run().assert(
        1,
        "",
        has_all(["is a hub already", "--refresh updates it"]),
    );
    let other = Db::empty();
    other.sql("CREATE SCHEMA shard_5");
    let before = other.ask(OBJECTS);
    federate(&servers, &other, "")
        .run()
        .assert(1, "", has("schema \"shard_5\" already exists"));
    assert_eq!(other.ask(OBJECTS), before, "one transaction");
}

#[test]
fn a_changed_column_makes_it_stale_until_it_is_refreshed() {
    let (servers, hub) = with_hub();
    servers.in_each_shard("ALTER TABLE t ALTER n TYPE text USING 'x' || n, ADD extra date");
    // A stale foreign table may answer wrong, without an error.
    federate(&servers, &hub, "--check").run().assert(
        1,
        has_all([
            "foreign table shard_0.t: column \"n\" is text, and integer on the hub, column \"extra\" \
             is new\n",
            "view all_shards.t: does not have its tables as they are\n",
        ]),
        has_all(["stale: 9 differences · 4 servers", "--refresh runs it"]),
    );
    federate(&servers, &hub, "--refresh")
        .run()
        .assert(0, "", has("refreshed: 9 changes · "));
    assert_eq!(
        hub.ask("SELECT max(n), count(extra) FROM all_shards.t"),
        "x7|0"
    );
    federate(&servers, &hub, "--check")
        .run()
        .assert(0, "", has("up to date"));
    federate(&servers, &hub, "--refresh")
        .run()
        .assert(0, "", has("up to date"));
}

#[test]
fn new_and_vanished_shards_and_tables_are_found() {
    let (servers, hub) = with_hub();
    servers.databases[3].create_shards([8]);
    servers.databases[3].in_shard(8, "CREATE TABLE t (n int, name varchar(20))");
    servers.databases[0].sql("DROP SCHEMA shard_0 CASCADE");
    servers.databases[1].in_shard(2, "CREATE TABLE u (n int)");
    federate(&servers, &hub, "--check").run().assert(
        1,
        has_all([
            "schema shard_8: missing\n",
            "foreign table shard_8.t: missing\n",
            "schema shard_0: this shard is gone\n",
            "foreign table shard_0.t: its table is gone, or cannot be read\n",
            "foreign table shard_2.u: missing\n",
            "view all_shards.u: missing\n",
        ]),
        has_all(["u: shard_1, shard_3-8 have no such table", "stale: "]),
    );
    federate(&servers, &hub, "--refresh")
        .run()
        .assert(0, "", ANY);
    assert_eq!(hub.ask("SELECT count(*), min(n) FROM all_shards.t"), "7|1");
    assert_eq!(hub.ask("SELECT count(*) FROM all_shards.u"), "0");
    federate(&servers, &hub, "--check").run().assert(0, "", ANY);
}

#[test]
fn a_shard_that_moved_is_read_where_it_is() {
    let (servers, hub) = with_hub();
    servers.databases[0].sql("DROP SCHEMA shard_0 CASCADE");
    servers.databases[2].create_shards([0]);
    servers.databases[2].in_shard(
        0,
        "CREATE TABLE t (n int, name varchar(20)); INSERT INTO t VALUES (100, 'moved')",
    );
    federate(&servers, &hub, "--check").run().assert(
        1,
        has("foreign table shard_0.t: its shard is on db3 now\n"),
        ANY,
    );
    federate(&servers, &hub, "--refresh")
        .run()
        .assert(0, "", ANY);
    assert_eq!(
        hub.ask("SELECT n FROM all_shards.t WHERE shard = 'shard_0'"),
        "100"
    );
}

#[test]
fn tables_that_differ_are_united_by_what_they_have_in_common() {
    let servers = Servers::with_shards(1);
    servers
        .in_each_shard("CREATE TABLE t (n int, at date); INSERT INTO t VALUES ({n}, '2026-01-01')");
    servers.databases[2].in_shard(
        2,
        "ALTER TABLE t ALTER at TYPE timestamp; ALTER TABLE t ADD more int",
    );
    let hub = Db::empty();
    federate(&servers, &hub, "").run().assert(
        0,
        "",
        has_all([
            "warning: t: column \"at\" is not in all_shards: other shards lack it, or have it of \
             another type (shard_0-3)",
            "warning: t: column \"more\" is not in all_shards: other shards lack it, or have it of \
             another type (shard_2)",
        ]),
    );
    let columns = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute \
                   WHERE attrelid = 'all_shards.t'::regclass";
    assert_eq!(hub.ask(columns), "shard n");
    assert_eq!(
        hub.ask("SELECT more IS NULL, at FROM shard_2.t"),
        "t|2026-01-01 00:00:00"
    );
}

#[test]
fn a_column_whose_type_the_hub_lacks_is_left_out() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard(
        "CREATE TYPE pair AS (a int, b int); CREATE DOMAIN email AS text COLLATE \"C\"; \
         CREATE TABLE t (n int, p pair, ps pair[], e email, g int GENERATED ALWAYS AS (n * 2) STORED); \
         INSERT INTO t VALUES ({n}, (1, 2), NULL, 'a@b')",
    );
    let hub = Db::empty();
    federate(&servers, &hub, "").run().assert(
        0,
        "",
        has_all([
            "warning: t: column \"p\" is left out: its type pair is the shard's own (shard_0-3)",
            "warning: t: column \"ps\" is left out: its type pair[] is the shard's own (shard_0-3)",
        ]),
    );
    assert_eq!(
        hub.ask("SELECT * FROM all_shards.t WHERE n = 3"),
        "shard_3|3|a@b|6"
    );
    let collation = "SELECT collation_name FROM information_schema.columns \
                     WHERE table_schema = 'shard_0' AND column_name = 'e'";
    assert_eq!(hub.ask(collation), "C");
    federate(&servers, &hub, "--check")
        .run()
        .assert(0, "", has("up to date"));
}

/// With labels in an order that is not that of their text.
fn with_enums() -> Servers {
    let servers = Servers::with_shards(1);
    servers.in_each_shard(
        "CREATE TYPE \"Mood\" AS ENUM ('sad', 'ok', 'it''s good'); \
         CREATE TABLE t (n int, m \"Mood\", ms \"Mood\"[]); \
         INSERT INTO t VALUES ({n}, 'ok', ARRAY['it''s good', NULL]::\"Mood\"[]), ({n}, 'sad', NULL)",
    );
    servers
}

#[track_caller]
fn assert_enums_are_ordered_by_label(servers: &Servers, hub: &Db) {
    let ask = |sql: &str| hub.ask(sql);
    assert_eq!(
        ask("SELECT min(m), max(m), count(*) FILTER (WHERE m < 'ok') FROM all_shards.t"),
        "sad|ok|4"
    );
    assert_eq!(
        ask("SELECT n, ms FROM all_shards.t WHERE m = 'ok' AND shard = 'shard_2'"),
        "2|{\"it's good\",NULL}"
    );
    assert_eq!(
        ask("SELECT m FROM all_shards.t ORDER BY m DESC LIMIT 1"),
        "ok"
    );
    let sql = "SELECT m, count(*), max(m) FROM t WHERE m <= 'ok' GROUP BY m ORDER BY m DESC";
    for strategy in ["auto", "one"] {
        servers
            .shardq(["query", "-g", "--csv", "-t", "--via", &hub.conninfo(), sql])
            .args(["--strategy", strategy])
            .run()
            .assert(0, "ok,4,ok\nsad,4,sad\n", has("4/4 shards"));
    }
    federate(servers, hub, "--check")
        .run()
        .assert(0, "", has("up to date"));
}

#[test]
fn enums_of_the_shards_are_types_of_the_hub() {
    let servers = with_enums();
    let hub = Db::empty();
    let before = hub.ask(OBJECTS);
    federate(&servers, &hub, "")
        .run()
        .assert(0, "", has("created · 4 servers"));
    assert_enums_are_ordered_by_label(&servers, &hub);
    // A label that the hub does not know.
    servers.in_each_shard("ALTER TYPE \"Mood\" ADD VALUE 'odd' BEFORE 'ok'");
    federate(&servers, &hub, "--check").run().assert(
        1,
        has_all([
            "type all_shards.mood_",
            "foreign table shard_0.t: column \"m\" is ",
        ]),
        has("stale: "),
    );
    federate(&servers, &hub, "--refresh")
        .run()
        .assert(0, "", ANY);
    assert_enums_are_ordered_by_label(&servers, &hub);
    let types = "SELECT count(*) FROM pg_type WHERE typname ~ '^mood_'";
    assert_eq!(hub.ask(types), "1");
    federate(&servers, &hub, "--drop").run().assert(0, "", ANY);
    assert_eq!(hub.ask(OBJECTS), before);
}

#[test]
fn enums_are_read_through_remote_views_as_text() {
    let servers = with_enums();
    let hub = Db::empty();
    federate(&servers, &hub, "--remote-views")
        .run()
        .assert(0, "", ANY);
    assert_enums_are_ordered_by_label(&servers, &hub);
    let script = federate(&servers, &Db::empty(), "--dry-run").run().output();
    assert!(
        script.contains("AS ENUM ('sad', 'ok', 'it''s good')"),
        "{script}"
    );
}

#[test]
fn enums_with_other_labels_are_not_united() {
    let servers = with_enums();
    servers.databases[2].sql("ALTER TYPE shard_2.\"Mood\" ADD VALUE 'odd'");
    let hub = Db::empty();
    federate(&servers, &hub, "").run().assert(
        0,
        "",
        has("t: column \"m\" is not in all_shards: other shards lack it, or have it of another type"),
    );
    assert_eq!(hub.ask("SELECT max(m) FROM shard_2.t"), "ok");
}

#[test]
fn a_table_that_the_user_does_not_see_whole_is_left_out() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n; CREATE TABLE secret (n int)");
    servers.in_each_shard("CREATE TABLE own (n int); ALTER TABLE own ENABLE ROW LEVEL SECURITY");
    for db in &servers.databases {
        db.sql(
            "DO $$ BEGIN CREATE ROLE federated LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
        );
    }
    servers.in_each_shard(
        "GRANT USAGE ON SCHEMA shard_{n} TO federated; GRANT SELECT ON t, own TO federated",
    );
    let hub = Db::empty();
    federate(&servers, &hub, "")
        .args(["-U", "federated"])
        .run()
        .assert(
            0,
            "",
            has_all([
                "secret: left out: the user has no privilege to read it (shard_0-3)",
                "own: left out: row-level security may hide rows of it from the user (shard_0-3)",
            ]),
        );
    assert_eq!(hub.ask("SELECT sum(n) FROM all_shards.t"), "6");
    let user = "SELECT DISTINCT option_value FROM pg_user_mappings, pg_options_to_table(umoptions) \
                WHERE option_name = 'user'";
    assert_eq!(hub.ask(user), "federated");
}

#[test]
fn a_hub_that_compares_text_differently_is_refused() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let hub = Db::latin1();
    let before = hub.ask(OBJECTS);
    federate(&servers, &hub, "").run().assert(
        1,
        "",
        has_all(["the hub and db1 differ in ", "CREATE DATABASE"]),
    );
    assert_eq!(hub.ask(OBJECTS), before);
}

#[test]
fn a_hub_without_all_servers_is_refused() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let hub = Db::empty();
    federate(&servers, &hub, "")
        .args(["--server", &servers.conninfo(0)])
        .args(["--server", "host=/nowhere dbname=app"])
        .run()
        .assert(
            1,
            "",
            has_all(["not all databases can be reached", "/nowhere"]),
        );
}

#[test]
fn a_role_that_is_not_a_superuser_is_told_what_it_needs() {
    let servers = Servers::with_shards(1);
    servers.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let hub = Db::empty();
    let role = format!("plain_{}", std::process::id());
    hub.sql(&format!(
        "CREATE ROLE {role} LOGIN; CREATE EXTENSION postgres_fdw; \
         GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {role}; \
         GRANT CREATE ON DATABASE \"{}\" TO {role}",
        hub.name()
    ));
    let before = hub.ask(OBJECTS);
    let conninfo = hub
        .conninfo()
        .replace("user=postgres", &format!("user={role}"));
    servers
        .shardq(["federate", "--hub", &conninfo])
        .run()
        .assert(
            1,
            "",
            has_all([
                "the hub cannot read the tables of db1, so nothing was changed: ",
                "password",
                "OPTIONS (ADD password_required 'false')",
            ]),
        );
    assert_eq!(hub.ask(OBJECTS), before);
}

#[test]
fn databases_that_are_shards_have_schemas_of_their_names() {
    let tenant = |name: &str| {
        let db = Db::empty();
        db.sql(&format!("CREATE TABLE public.t AS SELECT '{name}' AS name"));
        db
    };
    let (one, other, hub) = (tenant("one"), tenant("other"), Db::empty());
    let databases = ["--databases", one.name(), "--databases", other.name()];
    shardq(["federate", "-d", &one.conninfo(), "--hub", &hub.conninfo()])
        .args(databases)
        .run()
        .assert(
            0,
            "",
            has("2 servers · 2 shards · 2 foreign tables · 1 view"),
        );
    assert_eq!(
        hub.ask("SELECT name, shard = current_database() FROM all_shards.t ORDER BY 1"),
        "one|f\nother|f"
    );
    assert_eq!(
        hub.ask("SELECT string_agg(shard, ' ' ORDER BY name) FROM all_shards.t"),
        format!("{} {}", one.name(), other.name())
    );
}
