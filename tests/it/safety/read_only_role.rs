//! docs/design/read-only.md: what READ ONLY leaves open to a superuser, and that the role described there
//! cannot do it.

use std::fs;

use shardq::sandbox::Options;

use crate::support::{Db, Ran, eventually, has, on_a_terminal, private_server, shardq};

/// These run as superuser, and a rollback does not undo them.
const OPEN: [&str; 18] = [
    "SELECT pg_create_physical_replication_slot('by_shardq')",
    "SELECT pg_drop_replication_slot('by_shardq')",
    "SELECT pg_create_logical_replication_slot('decoded', 'pgoutput')",
    "SELECT pg_reload_conf()",
    "SELECT pg_switch_wal()",
    "SELECT pg_create_restore_point('p')",
    "SELECT pg_backup_start('b', true)",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT pg_stat_reset()",
    "SELECT pg_stat_reset_shared('bgwriter')",
    "SELECT lo_export(4711, 'exported')",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_advisory_lock(7)",
    "WITH a AS MATERIALIZED (SELECT set_config('transaction_read_only', NULL, true)) \
     SELECT setval('public.counter', 100) FROM a",
    "WITH a AS MATERIALIZED (SELECT set_config('transaction_read_only', NULL, true)) \
     SELECT nextval('public.counter') FROM a",
    "SELECT pg_stat_file('PG_VERSION')",
    "SELECT pg_stat_reset_slru('Notify')",
];

/// The document's `sql` code blocks.
fn statements() -> String {
    let text = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/design/read-only.md"
    ))
    .unwrap();
    let blocks = text.split("```sql\n").skip(1);
    blocks
        .filter_map(|block| block.split("```").next())
        .collect()
}

fn asked(db: &Db, user: &str, sql: &str) -> Ran {
    shardq(["query", "--csv", "-U", user, sql]).db(db).run()
}

#[test]
fn the_role_of_the_manual_cannot_do_what_read_only_leaves_open() {
    let server = private_server(Options {
        settings: vec![("wal_level".into(), "logical".into())],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards(0..1);
    db.in_each_shard("CREATE TABLE t AS SELECT 7 AS n")
        .sql("CREATE SEQUENCE public.counter; SELECT lo_from_bytea(4711, 'x')")
        .sql(&statements());
    let superuser = db.ask("SELECT current_user");
    asked(&db, "shardq_reader", "SELECT n FROM t").assert(
        0,
        "shard,n\nshard_0,7\n",
        has("1/1 shards"),
    );
    let mut victim = db.session();
    let pid = victim.run("SELECT 'pid ' || pg_backend_pid()");
    let pid: String = pid.chars().filter(char::is_ascii_digit).collect();
    let end = format!("SELECT pg_terminate_backend({pid})");
    for sql in OPEN.into_iter().chain([end.as_str()]) {
        asked(&db, "shardq_reader", sql).assert(1, "", has("shard_0: ERROR 42501: "));
    }
    assert_eq!(db.ask("SELECT count(*) FROM pg_replication_slots"), "0");
    assert_eq!(db.ask("SELECT last_value FROM public.counter"), "1");
    // Proves that a superuser can do what is on the list.
    let before_16 = db.ask("SELECT current_setting('server_version_num')::int < 160000") == "t";
    for sql in OPEN {
        if sql.starts_with("WITH") && !before_16 {
            continue;
        }
        let ran = asked(&db, &superuser, sql);
        assert_eq!(ran.status, 0, "{sql}: {ran:?}");
        if sql.contains("pg_create_physical") {
            assert_eq!(db.ask("SELECT count(*) FROM pg_replication_slots"), "1");
        }
    }
    assert_eq!(db.ask("SELECT size FROM pg_stat_file('exported')"), "1");
    asked(&db, &superuser, &end).assert(0, "shard,pg_terminate_backend\nshard_0,t\n", has("1/1"));
    eventually("the other session is gone", || {
        db.ask(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
        )) == "0"
    });
    if before_16 {
        assert_eq!(db.ask("SELECT last_value FROM public.counter"), "101");
    }
}

/// These extensions are not installed everywhere.
#[test]
fn extensions_that_reach_out_are_closed_to_the_role_as_well() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..1).sql(&statements());
    let superuser = db.ask("SELECT current_user");
    let dblink = format!(
        "SELECT public.dblink_exec('host={} port={} dbname={} user={superuser}', 'CREATE TABLE public.made()')",
        server.socket_dir().display(),
        server.port(),
        db.name()
    );
    for (extension, sql, code, effect) in [
        (
            "dblink",
            dblink.as_str(),
            "2F003",
            "SELECT to_regclass('public.made') IS NOT NULL",
        ),
        (
            "adminpack",
            "SELECT pg_catalog.pg_file_write('written', 'x', false)",
            "42501",
            "SELECT size = 1 FROM pg_stat_file('written')",
        ),
    ] {
        let available =
            format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{extension}'");
        if db.ask(&available) == "0" {
            continue;
        }
        let schema = if extension == "dblink" {
            "SCHEMA public"
        } else {
            ""
        };
        db.sql(&format!("CREATE EXTENSION {extension} {schema}"));
        let told = format!("ERROR {code}: ");
        asked(&db, "shardq_reader", sql).assert(1, "", has(&told));
        asked(&db, &superuser, sql).assert(0, has("shard_0,"), has("1/1 shards"));
        assert_eq!(db.ask(effect), "t", "{extension}");
    }
}

#[test]
fn what_a_rollback_undoes_and_what_is_refused_leaves_nothing() {
    let db = Db::with_shards(1);
    db.sql("CREATE SEQUENCE public.counter");
    let user = db.ask("SELECT current_user");
    for sql in [
        "SELECT lo_create(4711)",
        "SELECT lo_from_bytea(4712, 'x')",
        "SELECT pg_notify('a', 'b')",
        "SELECT set_config('work_mem', '1GB', false)",
        "SELECT pg_advisory_xact_lock(7)",
    ] {
        asked(&db, &user, sql).assert(0, has("shard_0,"), has("1/1 shards"));
    }
    for sql in [
        "SELECT nextval('public.counter')",
        "SELECT setval('public.counter', 9)",
    ] {
        asked(&db, &user, sql).assert(1, "", has("ERROR 25006: cannot execute"));
    }
    assert_eq!(
        db.ask("SELECT count(*) FROM pg_largeobject_metadata WHERE oid IN (4711, 4712)"),
        "0"
    );
    assert_eq!(db.ask("SELECT last_value FROM public.counter"), "1");
}

#[test]
fn a_superuser_is_told_on_a_terminal_once_and_nobody_else_is() {
    let db = Db::with_shards(2);
    let role = format!("reader_{}", db.name());
    db.sql(&format!("CREATE ROLE \"{role}\" LOGIN"));
    let told = "connected as superuser \"";
    for (args, times) in [
        ("query 'SELECT 1'".to_owned(), 1),
        ("query -g 'SELECT 1'".to_owned(), 1),
        ("find core".to_owned(), 1),
        ("query --quiet 'SELECT 1'".to_owned(), 0),
        (format!("query 'SELECT 1' -U '{role}'"), 0),
    ] {
        let Some(program) = on_a_terminal(&args) else {
            return;
        };
        let ran = program.db(&db).run();
        assert_eq!(ran.stdout.matches(told).count(), times, "{args}: {ran:?}");
        assert_eq!(
            ran.stdout.matches("see docs/design/read-only.md").count(),
            times
        );
    }
    // Logs are not for the user who chooses the role.
    let ran = shardq(["query", "SELECT 1"]).db(&db).run();
    assert!(!ran.stderr.contains(told), "{}", ran.stderr);
}
