//! Leaves nothing behind: however a run ends, nothing of it keeps running or stays on the server.

use std::fs;
use std::time::{Duration, Instant};

use shardq::sandbox::{Options, Shutdown};

use crate::support::{
    ANY, Db, Postmaster, Program, eventually, has, has_all, private_server, shardq,
};

/// What a server logs about clients that disconnect without notice.
const COMPLAINTS: [&str; 5] = [
    "unexpected EOF",
    "connection to client lost",
    "could not send data",
    "could not receive data",
    "incomplete startup packet",
];

fn sleeping(db: &Db) -> Program {
    shardq(["query", "--csv", "SELECT pg_sleep(600)"]).db(db)
}

#[test]
fn ctrl_c_cancels_in_every_shard() {
    let db = Db::with_shards(20);
    for signal in ["INT", "TERM", "HUP"] {
        let query = sleeping(&db).spawn();
        db.until_waiting("PgSleep", 1);
        query.signal(signal);
        query.finish().assert(130, "", has("0 rows · 0/20 shards"));
        db.assert_nothing_runs();
    }
}

/// `nohup` ignores SIGHUP, and a shell without job control ignores SIGINT for background commands.
/// Where this cannot be detected (other systems than Linux), both signals end the run.
#[cfg(target_os = "linux")]
#[test]
fn signals_that_were_ignored_when_it_started_do_not_end_it() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    for ignored in ["HUP", "INT"] {
        let mut gate = db.session();
        gate.run("SELECT pg_advisory_lock(1)");
        let script = format!("trap '' {ignored}; exec \"$0\" \"$@\"");
        let sql = "SELECT n, pg_advisory_xact_lock_shared(1) FROM t";
        let query = Program::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_shardq")])
            .args(["query", "--csv", "-t", "--lock-timeout", "0", sql])
            .db(&db)
            .spawn();
        db.until_waiting("Lock", 1);
        query.signal(ignored);
        gate.run("SELECT pg_advisory_unlock(1)");
        query
            .finish()
            .assert(0, "shard_0,0,\"\"\nshard_1,1,\"\"\n", has("2/2 shards"));

        gate.run("SELECT pg_advisory_lock(1)");
        let query = Program::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_shardq")])
            .args(["query", "--csv", "-t", "--lock-timeout", "0", sql])
            .db(&db)
            .spawn();
        db.until_waiting("Lock", 1);
        query.signal("TERM");
        query.finish().assert(130, "", has("0/2 shards"));
    }
}

#[test]
fn ctrl_c_cancels_a_check_that_waits_for_a_lock() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t ()");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_0.t");
    let sql = "SELECT * FROM t";
    let query = shardq(["query", "--lock-timeout", "0", sql])
        .db(&db)
        .spawn();
    db.until_waiting("Lock", 1);
    query.signal("INT");
    query.finish().assert(
        130,
        "",
        "shardq: error: interrupted; nothing is left running on the server\n",
    );
    db.assert_nothing_runs();
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..4);
    let mut query = sleeping(&db).spawn();
    db.until_waiting("PgSleep", 1);
    // A server that answers no cancel request.
    let postmaster = Postmaster::of(&server);
    postmaster.signal("STOP");
    eventually("one Ctrl-C more is enough", || {
        query.signal("INT");
        query.has_ended()
    });
    let ended = query.finish();
    postmaster.signal("CONT");
    ended.assert(130, "", "");
    db.assert_nothing_runs();
}

#[test]
fn a_closed_pipe_ends_it_quietly_and_cancels() {
    let db = Db::with_shards(4);
    let sql = "SELECT generate_series(1, 5000000) AS n, \
               pg_sleep(CASE current_schema() WHEN 'shard_0' THEN 0 ELSE 600 END)";
    shardq(["query", "--csv", sql])
        .db(&db)
        .run_reading(1)
        .assert(0, "shard,n,pg_sleep\n", "");
    db.assert_nothing_runs();
}

#[test]
fn a_closed_pipe_does_not_hide_a_shard_that_failed() {
    let db = Db::with_shards(4);
    let sql = "SELECT 1 / (current_schema() <> 'shard_0')::int, generate_series(1, 100000)";
    shardq(["query", sql]).db(&db).run_reading(1).assert(
        3,
        ANY,
        has_all(["shard_0", "division by zero"]),
    );
    db.assert_nothing_runs();
}

#[test]
fn the_server_notices_when_it_is_killed() {
    let db = Db::with_shards(4);
    let query = sleeping(&db).spawn();
    db.until_waiting("PgSleep", 1);
    let killed = Instant::now();
    query.signal("KILL");
    db.assert_nothing_runs();
    assert!(
        killed.elapsed() < Duration::from_secs(15),
        "{:?}",
        killed.elapsed()
    );
}

#[test]
fn the_server_notices_when_it_is_killed_while_the_check_waits_for_a_lock() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t ()");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_0.t");
    let query = shardq(["query", "--lock-timeout", "0", "SELECT * FROM t"])
        .db(&db)
        .spawn();
    db.until_waiting("Lock", 1);
    query.signal("KILL");
    db.assert_nothing_runs();
}

#[test]
fn ctrl_c_is_heard_while_the_reader_pauses_in_the_middle() {
    let db = Db::with_shards(1);
    let fast = "SELECT repeat('x', 100) FROM generate_series(1, 1000000)";
    // Rows so slow that each is flushed by the timer until the pipe is full; then enough rows to
    // block the server.
    let slow = "SELECT repeat('x', 20000), CASE WHEN n < 15 THEN pg_sleep(0.15) END \
                FROM generate_series(1, 100000) AS n";
    for sql in [fast, slow] {
        let query = shardq(["query", "--csv", sql]).db(&db).spawn_unread();
        db.until_waiting("ClientWrite", 1);
        query.signal("INT");
        query.finish().assert(130, "", has("/1 shards"));
        db.assert_nothing_runs();
    }
}

#[test]
fn ctrl_c_is_heard_while_the_reader_pauses_before_the_end() {
    let db = Db::with_shards(2);
    // More than the pipe buffers, less than what may wait before it.
    let sql = "SELECT repeat('x', 1000) FROM generate_series(1, 80)";
    let query = shardq(["query", "--csv", sql]).db(&db).spawn_unread();
    eventually("the shards have answered", || {
        db.ask("SELECT sessions FROM pg_stat_database WHERE datname = current_database()") != "0"
            && db.backends("shardq").is_empty()
    });
    query.signal("INT");
    query.finish().assert(130, "", ANY);
}

#[test]
fn the_server_log_does_not_complain_of_us() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    let empty = Db::on(&server);
    db.create_shards(0..8);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    db.sql("DROP TABLE shard_3.t");
    let runs: [(&Db, &[&str], i32); 9] = [
        (&db, &["SELECT 1"], 0),
        (&db, &["SELECT n FROM t"], 3),
        (&db, &["--on-error", "stop", "SELECT n FROM t"], 1),
        (
            &db,
            &[
                "--json",
                "--shard-column",
                "n",
                "SELECT n FROM t WHERE n < 3",
            ],
            1,
        ),
        (&db, &["SELECT FROM WHERE"], 1),
        (&db, &["SELECT 1; SELECT 2"], 1),
        (&db, &["--shards", "99", "SELECT 1"], 1),
        (&db, &["--dry-run", "SELECT 1"], 0),
        (&empty, &["SELECT 1"], 1),
    ];
    for (db, args, status) in runs {
        for connections in ["-j1", "-j4"] {
            shardq(["query", "-q", connections])
                .args(args)
                .db(db)
                .run()
                .assert(status, ANY, ANY);
        }
    }
    let query = sleeping(&db).spawn();
    db.until_waiting("PgSleep", 1);
    query.signal("INT");
    query.finish().assert(130, ANY, ANY);
    shardq(["query", "--csv", "SELECT generate_series(1, 1000000)"])
        .db(&db)
        .run_reading(1);
    db.assert_nothing_runs();
    empty.assert_nothing_runs();
    let log = server.log();
    let complaints: Vec<_> = log
        .lines()
        .filter(|line| COMPLAINTS.iter().any(|complaint| line.contains(complaint)))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}\n{log}");
}

#[test]
fn a_run_needs_no_session_and_leaves_no_object() {
    let db = Db::with_shards(8);
    let before = db.ask("SELECT count(*), max(oid) FROM pg_class");
    shardq(["query", "-q", "SELECT relname FROM pg_class"])
        .db(&db)
        .run()
        .assert(0, ANY, "");
    assert_eq!(db.ask("SELECT count(*), max(oid) FROM pg_class"), before);
    assert_eq!(
        db.ask("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pg_temp%'"),
        "0"
    );
}

#[test]
fn settings_of_the_database_do_not_end_a_run_early() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..8);
    for setting in [
        "idle_in_transaction_session_timeout = '100ms'",
        "idle_session_timeout = '100ms'",
        "statement_timeout = '100ms'",
        "lock_timeout = '1ms'",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "default_transaction_deferrable = on",
    ] {
        db.sql(&format!(
            "SET default_transaction_read_only = off; ALTER DATABASE \"{}\" SET {setting}",
            db.name()
        ));
    }
    // One connection is done long before the other.
    let sql = "SELECT pg_sleep(CASE current_schema() WHEN 'shard_0' THEN 0.5 ELSE 0 END) IS NULL";
    shardq(["query", "--csv", "-t", "-j2", sql])
        .db(&db)
        .run()
        .assert(0, has("shard_0,f\n"), has("8/8 shards · one snapshot"));
    // Not even a connection that had finished its work was terminated.
    let log = server.log();
    assert!(!log.contains("terminating connection"), "{log}");
}

#[test]
fn a_hot_standby_answers() {
    // Cut off from its primary, but a standby all the same.
    let mut server = private_server(Options {
        settings: vec![("wal_level".into(), "replica".into())],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards(0..8);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    server.stop(Shutdown::Fast).unwrap();
    fs::write(server.data_dir().join("standby.signal"), "").unwrap();
    server.start_again().unwrap();
    assert_eq!(db.ask("SELECT pg_is_in_recovery()"), "t");
    shardq([
        "query",
        "--csv",
        "-t",
        "SELECT n, pg_is_in_recovery() FROM t",
    ])
    .db(&db)
    .run()
    .assert(
        0,
        has_all(["shard_0,0,t\n", "shard_7,7,t\n"]),
        has("8/8 shards · one snapshot"),
    );
}
