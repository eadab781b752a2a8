//! Never stuck: whatever the server or the network does, a run continues or ends.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::{
    ANY, Db, Fault, FaultyLink, Program, Running, eventually, has, has_all, shardq,
};

/// The time limit for Ctrl-C and termination: 1.5 s, on a machine that is also busy with other
/// things.
const AT_ONCE: Duration = Duration::from_secs(4);

/// The protocol message of one shard's row, `needle`.
const ROW: &[u8] = b"D\0\0\0\x10\0\x01\0\0\0\x06needle";
/// The same as a line of CSV.
const LINE: &[u8] = b"d\0\0\0\x0bneedle\n";
const NEEDLE: &str = "SELECT CASE current_schema() WHEN 'shard_1' THEN 'needle' ELSE 'hay' END AS v \
                      FROM pg_sleep(0.1)";

fn by_way_of(link: &FaultyLink, program: Program, db: &Db) -> Program {
    program
        .db(db)
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", link.port().to_string())
        .env("PGSSLMODE", "disable")
}

fn lines(shards: u32) -> String {
    let lines = (0..shards).map(|n| format!("shard_{n},{n}\n"));
    lines.collect::<Vec<_>>().concat()
}

#[test]
fn an_answer_may_come_in_any_pieces() {
    let db = Db::with_shards(16);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let expected = lines(16);
    for size in [1, 64] {
        let link = FaultyLink::to(&db, [Fault::Pieces(size)]);
        let run = |program: Program| by_way_of(&link, program, &db).run();
        let export = shardq(["export", "-t", "-o", "/dev/stdout", "SELECT n FROM t"]);
        run(export).assert(0, &expected, has("16/16 shards"));
        let query = shardq(["query", "--csv", "-t", "SELECT n FROM t"]);
        run(query).assert(0, &expected, has("16/16 shards"));
        let global = shardq(["query", "-g", "--csv", "-t", "SELECT sum(n) FROM t"]);
        run(global).assert(0, "120\n", has("16/16 shards"));
    }
}

#[test]
fn every_connection_gets_to_work_however_its_opening_is_answered() {
    let db = Db::with_shards(16);
    let sql = "SELECT pg_backend_pid(), pg_advisory_xact_lock_shared(1)";
    let export = || {
        shardq(["export", "-t", "--no-shard-column", "--lock-timeout", "0"]).args([
            "-o",
            "/dev/stdout",
            sql,
        ])
    };
    let pieces = FaultyLink::to(&db, [Fault::Pieces(64)]);
    // Notices also split a response into pieces.
    let notices = export()
        .db(&db)
        .env("PGOPTIONS", "-c client_min_messages=debug5");
    for export in [notices, by_way_of(&pieces, export(), &db)] {
        let mut gate = db.session();
        gate.run("SELECT pg_advisory_lock(1)");
        let export = export.spawn();
        db.until_waiting("Lock", 4);
        gate.run("SELECT pg_advisory_unlock(1)");
        let ran = export.finish();
        ran.assert(0, ANY, has("16/16 shards"));
        let backends: BTreeSet<_> = ran.stdout.lines().collect();
        assert_eq!(backends.len(), 4, "{backends:?}");
    }
}

/// Shards where nothing is answered soon.
fn slow_shards() -> Db {
    let db = Db::with_shards(8);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT {n} AS n; \
         CREATE VIEW origins AS SELECT 1::bigint AS id, 'core'::text AS name FROM pg_sleep(600)",
    );
    db
}

/// Commands that run for a long time there.
fn sleeping() -> [Vec<&'static str>; 5] {
    [
        vec!["find", "core"],
        vec!["query", "SELECT pg_sleep(600)"],
        vec!["export", "-o", "/dev/stdout", "SELECT pg_sleep(600)"],
        vec!["query", "-g", "SELECT count(pg_sleep(600)) FROM t"],
        vec!["query", "--no-snapshot", "SELECT pg_sleep(600)"],
    ]
}

#[track_caller]
fn ends_at_once(running: Running, stderr: &str) {
    let signalled = Instant::now();
    running.signal("TERM");
    running.finish().assert(130, ANY, has(stderr));
    let elapsed = signalled.elapsed();
    assert!(elapsed < AT_ONCE, "{elapsed:?}");
}

#[test]
fn a_signal_is_obeyed_at_once_whatever_the_connection_does() {
    let db = slow_shards();
    for args in sleeping() {
        // The data connections stall; cancel requests still get through.
        let link = FaultyLink::to(&db, []);
        let running = by_way_of(&link, shardq([]).args(&args), &db).spawn();
        db.until_waiting("PgSleep", 1);
        let connections = link.connections();
        link.stall();
        ends_at_once(running, "the server did not confirm the cancellation");
        let requests = link.connections() - connections;
        assert!(requests <= 4 * 7, "{requests} cancel requests");
        // The cancel requests have reached the server all the same.
        db.assert_nothing_runs();
    }
}

#[test]
fn a_signal_is_obeyed_at_once_where_the_link_is_dead() {
    let db = slow_shards();
    for args in sleeping() {
        let link = FaultyLink::to(&db, []);
        let running = by_way_of(&link, shardq([]).args(&args), &db).spawn();
        db.until_waiting("PgSleep", 1);
        link.stall();
        link.stall_new();
        ends_at_once(
            running,
            "shardq: error: interrupted; the server did not confirm the cancellation, so a \
             statement may keep running until the server notices that the client is gone\n\
             shardq: hint: SELECT pid, query FROM pg_stat_activity WHERE application_name = \
             'shardq' finds it",
        );
        db.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'shardq'",
        );
    }
}

#[test]
fn a_signal_is_obeyed_at_once_while_it_begins() {
    let db = slow_shards();
    // While connecting, during the preflight, and after it.
    for bytes in [0, 9, 300, 400, 700] {
        for args in sleeping() {
            let link = FaultyLink::to(&db, [Fault::StallAfter(bytes)]);
            let running = by_way_of(&link, shardq([]).args(&args), &db).spawn();
            eventually("it connects", || link.connections() > 0);
            std::thread::sleep(Duration::from_millis(50));
            ends_at_once(running, "shardq: error: interrupted");
            db.assert_nothing_runs();
        }
    }
}

#[test]
fn the_limit_of_connecting_covers_all_of_it() {
    let db = Db::with_shards(2);
    // After authentication succeeded, before the server is ready.
    let link = FaultyLink::to(&db, [Fault::StallAfter(9)]);
    let query = by_way_of(&link, shardq(["query", "SELECT 1"]), &db);
    let ran = query.env("PGCONNECT_TIMEOUT", "1").run();
    ran.assert(1, "", has("failed: timeout expired after 1 s"));
    assert!(ran.elapsed < Duration::from_secs(5), "{:?}", ran.elapsed);
}

#[test]
fn a_server_that_goes_silent_is_given_up_a_little_behind_its_own_limit() {
    let db = Db::with_shards(4);
    let silent = "the server sent nothing for 6 s, so the connection was closed";
    // Garbled: the length announces more than a gigabyte to come.
    let garbled = b"D\x4f\xff\xff\xff\0\x01\0\0\0\x06needle";
    let garbled_line = b"d\x4f\xff\xff\xffneedle\n";
    let faults = [
        Fault::Replace(ROW.into(), garbled.into()),
        Fault::Replace(LINE.into(), garbled_line.into()),
    ];
    let link = FaultyLink::to(&db, faults);
    let query = shardq(["query", "--csv", "-t", "-j2", "--timeout", "1s", NEEDLE]);
    let ran = by_way_of(&link, query, &db).run();
    ran.assert(
        3,
        "shard_0,hay\nshard_2,hay\nshard_3,hay\n",
        has_all(["shard_1", silent, "3/4 shards"]),
    );
    assert!(ran.elapsed < Duration::from_secs(20), "{:?}", ran.elapsed);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.csv");
    let export = shardq(["export", "--statement-timeout", "1s", NEEDLE, "-o"]).args([&file]);
    let ran = by_way_of(&link, export, &db).run();
    ran.assert(1, "", has_all(["shard_1", silent, "was not written"]));
    assert!(!file.exists());
}

#[test]
fn a_link_that_goes_dead_in_the_middle_is_given_up() {
    // Five seconds of work, none of it near its limit: the link is dead long before the end.
    let db = Db::with_shards(40);
    let link = FaultyLink::to(&db, []);
    let query = shardq(["query", "--timeout", "1s", "SELECT pg_sleep(0.5)"]);
    let running = by_way_of(&link, query, &db)
        .env("PGCONNECT_TIMEOUT", "1")
        .spawn();
    db.until_waiting("PgSleep", 1);
    link.stall();
    link.stall_new();
    let ran = running.finish();
    ran.assert(1, ANY, has("the server sent nothing for 6 s"));
    assert!(ran.elapsed < Duration::from_secs(20), "{:?}", ran.elapsed);
}

#[test]
fn a_server_that_asks_for_data_is_not_waited_for() {
    let db = Db::with_shards(4);
    // CopyInResponse (text, no columns): the server waits for data from us and sends nothing more.
    let copy_in = b"G\0\0\0\x07\0\0\0";
    let link = FaultyLink::to(&db, [Fault::EndWith(ROW.into(), copy_in.into())]);
    let query = shardq(["query", "--csv", "-t", "-j2", NEEDLE]);
    let ran = by_way_of(&link, query, &db).run();
    ran.assert(
        3,
        "shard_0,hay\nshard_2,hay\nshard_3,hay\n",
        // The tables of shard_0's rows may not have been checked yet.
        has_all([
            "1",
            "unexpected message from server",
            "/4 shards, missing: shard_",
        ]),
    );
    assert!(ran.elapsed < Duration::from_secs(10), "{:?}", ran.elapsed);
    db.assert_nothing_runs();
}

#[test]
fn a_connection_that_is_cut_anywhere_is_replaced_or_told_of() {
    let db = Db::with_shards(8);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let expected = lines(8);
    for fault in [Fault::ResetAfter, Fault::HalfCloseAfter] {
        for bytes in [0, 300, 600, 800, 1200] {
            let link = FaultyLink::to(&db, [fault(bytes)]);
            let query = shardq(["query", "--csv", "-t", "SELECT n FROM t"]);
            let ran = by_way_of(&link, query, &db).run();
            match ran.status {
                0 => ran.assert(0, &expected, has("8/8 shards")),
                1 => ran.assert(1, "", has("shardq: error: ")),
                _ => ran.assert(3, ANY, has("/8 shards")),
            };
        }
    }
    db.assert_nothing_runs();
}

#[test]
fn a_forgotten_session_does_not_hold_its_snapshot_for_ever() {
    let db = Db::with_shards(2);
    let sql = "SHOW idle_in_transaction_session_timeout";
    let query = shardq(["query", "--csv", "-t", sql]).db(&db);
    let mine = "-c idle_in_transaction_session_timeout=1s";
    query
        .env("PGOPTIONS", mine)
        .run()
        .assert(0, "shard_0,1d\nshard_1,1d\n", has("2/2 shards"));
}
