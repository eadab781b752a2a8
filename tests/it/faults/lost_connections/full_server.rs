//! A server that is full, is starting up, or refuses: waited for while that helps, and not without
//! end.

use std::fs;
use std::time::Duration;

use shardq::sandbox::{Options, Sandbox, Shutdown};

use crate::support::{ANY, Db, Postmaster, Program, Session, has, has_all, private_server, shardq};

/// A server with room for five connections, `taken` of which are in use.
fn crowded(taken: usize) -> (Sandbox, Db, Vec<Session>) {
    let server = private_server(Options {
        settings: vec![
            ("max_connections".into(), "5".into()),
            ("superuser_reserved_connections".into(), "0".into()),
        ],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards(0..40);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let guests = (0..taken).map(|_| {
        let mut guest = db.session();
        guest.run("SELECT 1");
        guest
    });
    let guests = guests.collect();
    (server, db, guests)
}

#[test]
fn where_connections_are_few_it_goes_on_with_those_it_gets() {
    for taken in [3, 4] {
        let (_server, db, mut guests) = crowded(taken);
        // Nothing is done before all four were asked for.
        guests[0].run("SELECT pg_advisory_lock(1)");
        let sql = "SELECT n FROM t, pg_advisory_xact_lock_shared(1)";
        let query = shardq(["query", "--csv", "-t", "-j4", "--lock-timeout", "0", sql]);
        let query = query.db(&db).spawn();
        query.wait_for_stderr(|told| told.contains("sorry, too many clients already"));
        guests[0].run("SELECT pg_advisory_unlock(1)");
        let ran = query.finish();
        ran.assert(0, has("shard_39,39\n"), has("40/40 shards"));
        assert_eq!(ran.stdout.lines().count(), 40);
    }
}

#[test]
fn a_full_server_is_waited_for() {
    let (_server, db, guests) = crowded(5);
    let query = shardq(["query", "--csv", "-t", "SELECT n FROM t"])
        .db(&db)
        .spawn();
    query.wait_for_stderr(|text| text.contains("retrying in 100 ms"));
    drop(guests);
    query
        .finish()
        .assert(0, has("shard_39,39\n"), has("40/40 shards"));
}

#[test]
fn a_full_server_is_not_waited_for_without_end() {
    let (_server, db, _guests) = crowded(5);
    shardq(["query", "SELECT n FROM t"]).db(&db).run().assert(
        1,
        "",
        has_all([
            "retrying in 3200 ms",
            "\nshardq: error: connection to server on socket ",
            "sorry, too many clients already\n",
        ]),
    );
}

#[test]
fn ctrl_c_is_heard_while_it_waits_for_a_full_server() {
    let (_server, db, _guests) = crowded(5);
    let query = shardq(["query", "SELECT n FROM t"]).db(&db).spawn();
    query.wait_for_stderr(|text| text.contains("retrying in "));
    query.signal("INT");
    query.finish().assert(130, "", ANY);
}

#[test]
fn a_server_that_is_starting_up_is_waited_for() {
    let mut server = private_server(Options {
        settings: vec![("wal_level".into(), "replica".into())],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards(0..4);
    server.stop(Shutdown::Fast).unwrap();
    // It recovers forever and accepts no connections.
    fs::write(server.data_dir().join("standby.signal"), "").unwrap();
    let conf = server.data_dir().join("postgresql.auto.conf");
    let settings = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, settings + "hot_standby = off\n").unwrap();
    server.start_again().unwrap();
    let query = shardq(["query", "--csv", "-t", "SELECT 1"]).db(&db).spawn();
    query.wait_for_stderr(|text| text.contains("retrying in 100 ms"));
    fs::write(server.data_dir().join("promote"), "").unwrap();
    Postmaster::of(&server).signal("USR1");
    query.finish().assert(
        0,
        has("shard_3,1\n"),
        has_all(["FATAL:  the database system is", "4/4 shards"]),
    );
}

#[test]
fn a_refused_connection_is_told_at_once_in_libpqs_words() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    let nowhere = tempfile::tempdir().unwrap();
    let at = |program: Program| program.db(&db).env("PGHOST", nowhere.path()).run();
    let psql = at(db.psql_program(["-c", "SELECT 1"]));
    let ours = at(shardq(["query", "SELECT 1"]));
    let headline = psql
        .stderr
        .lines()
        .next()
        .unwrap()
        .replace("psql: error: ", "shardq: error: ");
    ours.assert(1, "", has(&headline));
    assert!(ours.elapsed < Duration::from_secs(5), "{:?}", ours.elapsed);
}
