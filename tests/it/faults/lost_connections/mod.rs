//! Faults: a lost connection, a stopped server. The run completes, or reports what is missing; it
//! never hangs. `full_server` is about servers that accept no connection.

mod full_server;

use std::collections::BTreeSet;
use std::time::Duration;

use shardq::sandbox::{Listen, Options, Shutdown};

use crate::support::{
    ANY, Db, Postmaster, Program, Proxy, Session, eventually, has, has_all, private_server, shardq,
};

const SHARDS: u32 = 100;

/// Shards whose statements wait at a gate (an advisory lock), so that faults come in the middle.
struct Gated {
    db: Db,
    gate: Session,
}

impl Gated {
    /// Waits in every shard.
    const STATEMENT: &str = "SELECT n, pg_current_snapshot(), \
        CASE WHEN n >= 0 THEN pg_advisory_lock_shared(1) END IS NULL FROM t";

    fn on(db: Db) -> Self {
        db.create_shards(0..SHARDS);
        db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
        // After a crash the throwaway server has lost everything not yet on disk.
        db.sql("CHECKPOINT");
        let mut gate = db.session();
        gate.run("SELECT pg_advisory_lock(1)");
        Self { db, gate }
    }

    /// The statement, waiting from this shard on.
    fn waiting_from(&self, first: u32) -> Program {
        let sql = Self::STATEMENT.replace("n >= 0", &format!("n >= {first}"));
        shardq(["query", "--csv", "-t", "--lock-timeout", "0", &sql]).db(&self.db)
    }

    /// The backends that wait at the gate, as `pid shard`.
    fn waiting(&self) -> Vec<(String, String)> {
        let found = self.db.ask(
            "SELECT pid, substring(query FROM 'shard_\\d+') FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'shardq' \
             AND wait_event_type = 'Lock'",
        );
        let pair = |line: &str| {
            line.split_once('|')
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        };
        found.lines().filter_map(pair).collect()
    }

    #[track_caller]
    fn wait_for(&self, backends: usize) -> Vec<(String, String)> {
        eventually("backends stand at the gate", || {
            self.waiting().len() == backends
        });
        self.waiting()
    }

    /// Terminates a backend, after advancing the database so that a new snapshot would differ.
    fn terminate(&self, pid: &str) {
        self.db
            .sql("CREATE TABLE IF NOT EXISTS public.moved (); SELECT pg_current_xact_id()");
        assert_eq!(
            self.db
                .ask(&format!("SELECT pg_terminate_backend({pid}, 10000)")),
            "t"
        );
    }

    fn open(&mut self) {
        self.gate.run("SELECT pg_advisory_unlock(1)");
    }
}

/// Every shard's row occurs once, in order, at a single snapshot.
#[track_caller]
fn is_complete(stdout: &str) {
    let rows: Vec<Vec<&str>> = stdout
        .lines()
        .map(|line| line.split(',').collect())
        .collect();
    let shards: Vec<_> = rows.iter().map(|row| row[0].to_owned()).collect();
    let expected: Vec<_> = (0..SHARDS).map(|n| format!("shard_{n}")).collect();
    assert_eq!(shards, expected);
    let snapshots: BTreeSet<_> = stdout
        .lines()
        .map(|line| line.split_once(',').unwrap().1.split_once(',').unwrap().1)
        .collect();
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");
}

#[test]
fn a_lost_connection_is_replaced_at_the_same_snapshot() {
    for leader in [false, true] {
        let mut gated = Gated::on(Db::empty());
        let query = gated.waiting_from(0).args(["-j2"]).spawn();
        let waiting = gated.wait_for(2);
        let (pid, _) = waiting
            .iter()
            .find(|(_, shard)| (shard == "shard_0") == leader)
            .unwrap();
        gated.terminate(pid);
        query.wait_for_stderr(|text| text.contains(") and replaced"));
        gated.wait_for(2);
        gated.open();
        let ran = query.finish();
        ran.assert(
            0,
            ANY,
            has_all([
                "a connection was lost (FATAL 57P01: terminating connection due to administrator \
                 command) and replaced\n",
                "100/100 shards · one snapshot",
            ]),
        );
        is_complete(&ran.stdout);
    }
}

#[test]
fn when_all_connections_are_lost_the_run_is_had_again_at_a_new_snapshot() {
    let mut gated = Gated::on(Db::empty());
    let query = gated.waiting_from(0).args(["-j2"]).spawn();
    let waiting = gated.wait_for(2);
    // While it is stopped, both losses look simultaneous to it.
    query.signal("STOP");
    for (pid, _) in waiting {
        gated.terminate(&pid);
    }
    query.signal("CONT");
    query.wait_for_stderr(|text| text.contains("retrying at a new snapshot"));
    gated.wait_for(2);
    gated.open();
    let ran = query.finish();
    ran.assert(
        0,
        ANY,
        has_all([
            "the snapshot was lost with the connections (FATAL 57P01: ",
            "nothing printed yet: retrying at a new snapshot\n",
            "100/100 shards · one snapshot",
        ]),
    );
    is_complete(&ran.stdout);
}

#[test]
fn ctrl_c_is_heard_when_the_connections_have_just_been_lost() {
    let gated = Gated::on(Db::empty());
    for _ in 0..5 {
        let query = gated.waiting_from(0).spawn();
        let waiting = gated.wait_for(4);
        // While it is stopped, both losses look simultaneous to it.
        query.signal("STOP");
        for (pid, _) in waiting {
            gated.terminate(&pid);
        }
        query.signal("INT").signal("CONT");
        query.finish().assert(130, "", has("0/100 shards"));
    }
}

#[test]
fn ctrl_c_is_heard_while_a_server_that_hangs_is_asked_for_another_connection() {
    let server = private_server(Options::default());
    let mut gated = Gated::on(Db::on(&server));
    let proxy = Proxy::to_socket(server.socket_dir(), server.port(), Duration::ZERO);
    let query = gated
        .waiting_from(0)
        .args(["-j1", "--no-snapshot", "-h", "127.0.0.1"])
        .args(["-p", &proxy.port().to_string()])
        .env("PGCONNECT_TIMEOUT", "0")
        .spawn();
    let (pid, _) = gated.wait_for(1).remove(0);
    let postmaster = Postmaster::of(&server);
    postmaster.signal("STOP");
    gated
        .gate
        .run(&format!("SELECT pg_terminate_backend({pid})"));
    eventually("it asks for another", || proxy.connections() == 2);
    query.signal("INT");
    let ended = query.finish();
    postmaster.signal("CONT");
    ended.assert(130, "", has("0/100 shards"));
}

#[test]
fn a_connection_that_is_lost_before_the_first_turn_is_had_again() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_0.t");
    let sql = "SELECT n FROM t";
    let query = shardq(["query", "--csv", "-t", "--lock-timeout", "0", sql])
        .db(&db)
        .spawn();
    db.terminate_waiting("Lock");
    query.wait_for_stderr(|text| text.contains("retrying at a new snapshot"));
    migration.run("ROLLBACK");
    query.finish().assert(
        0,
        "shard_0,0\nshard_1,1\n",
        has_all([
            "57P01: terminating connection due to administrator command\nretrying at a new snapshot\n",
            "2/2 shards",
        ]),
    );
}

#[test]
fn a_server_that_crashes_and_comes_back_is_asked_again() {
    let mut server = private_server(Options::default());
    let gated = Gated::on(Db::on(&server));
    let query = gated.waiting_from(0).spawn();
    eventually("it waits", || !gated.waiting().is_empty());
    // The gate's session ends with the server.
    server.stop(Shutdown::Immediate).unwrap();
    server.start_again().unwrap();
    let ran = query.finish();
    ran.assert(
        0,
        ANY,
        has_all([
            "the snapshot was lost with the connections (",
            "nothing printed yet: retrying at a new snapshot\n",
            "100/100 shards · one snapshot",
        ]),
    );
    is_complete(&ran.stdout);
}

#[test]
fn a_crash_after_rows_were_printed_names_the_shards_that_are_missing() {
    let mut server = private_server(Options::default());
    let gated = Gated::on(Db::on(&server));
    let query = gated.waiting_from(3).spawn();
    query.wait_for_stdout(|text| text.contains("shard_2,"));
    server.stop(Shutdown::Immediate).unwrap();
    server.start_again().unwrap();
    let ran = query.finish();
    ran.assert(
        3,
        has_all(["shard_0,", "shard_2,"]),
        has_all([
            "-99 (",
            "the snapshot was lost with the connections (",
            "/100 shards, missing: ",
        ]),
    );
    assert_eq!(ran.stdout.lines().count(), 3);
    // Rows of these shards were printed, but their tables may not have been checked.
    for shard in ["shard_0-99", "shard_1-99", "shard_2-99", "shard_3-99"] {
        if ran.stderr.contains(&format!("missing: {shard}")) {
            return;
        }
    }
    panic!("{}", ran.stderr);
}

#[test]
fn a_server_that_is_gone_for_good_ends_the_run_with_a_clear_error() {
    let mut server = private_server(Options::default());
    let gated = Gated::on(Db::on(&server));
    let query = gated.waiting_from(0).spawn();
    eventually("it waits", || !gated.waiting().is_empty());
    server.stop(Shutdown::Fast).unwrap();
    let socket = format!(
        "connection to server on socket \"{}/.s.PGSQL.5432\" failed: ",
        server.socket_dir().display()
    );
    query.finish().assert(
        1,
        "",
        has_all(["retrying in 100 ms", "shardq: error: ", &socket]),
    );
}

#[test]
fn a_statement_that_kills_its_own_backend_is_not_run_for_ever() {
    let db = Db::with_shards(40);
    // Connections are lost in random order; one order in six once kept it busy forever.
    for _ in 0..12 {
        let sql = "SELECT pg_terminate_backend(pg_backend_pid())";
        shardq(["query", "--csv", sql]).db(&db).run().assert(
            1,
            ANY,
            has("the snapshot was lost with the connections ("),
        );
    }
}

#[test]
fn a_slow_link_costs_few_round_trips_and_no_rows() {
    // Four are needed. So long that the work of a busy machine does not count as trips.
    const ROUND_TRIP: Duration = Duration::from_millis(250);
    let server = private_server(Options {
        listen: Listen::Socket,
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards(0..SHARDS);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let proxy = Proxy::to_socket(server.socket_dir(), server.port(), ROUND_TRIP);
    let ran = shardq(["query", "--csv", "-t", "SELECT n FROM t", "-h", "127.0.0.1"])
        .args(["-p", &proxy.port().to_string()])
        .db(&db)
        .run();
    ran.assert(0, has("shard_99,99\n"), has("100/100 shards"));
    assert_eq!(ran.stdout.lines().count(), SHARDS as usize);
    assert!(ran.elapsed < ROUND_TRIP * 20, "{:?}", ran.elapsed);
    assert!(proxy.connections() <= 4);
    let sleep = shardq(["query", "SELECT pg_sleep(600)", "-h", "127.0.0.1"])
        .args(["-p", &proxy.port().to_string()])
        .db(&db)
        .spawn();
    db.until_waiting("PgSleep", 1);
    sleep.signal("INT");
    sleep.finish().assert(130, "", has("0/100 shards"));
    db.assert_nothing_runs();
}
