//! Connections lost while shards compute their partials: the query is retried at a new snapshot,
//! whatever the strategy.

use shardq::sandbox::{Options, Shutdown};

use crate::support::{Db, has_all, private_server, shardq};

/// Two shards whose table is locked by a migration.
fn db() -> Db {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 10) AS i");
    db
}

#[test]
fn parts_whose_snapshot_is_lost_are_asked_for_again() {
    for strategy in ["partial", "auto"] {
        let db = db();
        let mut migration = db.session();
        migration.run("BEGIN; LOCK TABLE shard_1.t");
        let query = shardq(["query", "-g", "-j1", "--csv", "-t", "--lock-timeout", "0"])
            .args(["--strategy", strategy, "SELECT count(*) FROM t"])
            .db(&db)
            .spawn();
        db.terminate_waiting("Lock");
        query.wait_for_stderr(|text| text.contains("retrying at a new snapshot"));
        db.until_waiting("Lock", 1);
        migration.run("ROLLBACK");
        query.finish().assert(
            0,
            "20\n",
            has_all([
                ": the snapshot was lost with the connections (FATAL 57P01: ",
                "nothing printed yet: retrying at a new snapshot\n",
                "2/2 shards · one snapshot",
            ]),
        );
    }
}

#[test]
fn an_export_in_parts_is_asked_for_again_when_the_server_comes_back() {
    let mut server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..2);
    db.in_each_shard("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 10) AS i");
    // Recent commits would not survive the crash.
    db.sql("CHECKPOINT");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("n.csv");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_1.t");
    let export = shardq([
        "export",
        "-g",
        "--lock-timeout",
        "0",
        "--strategy",
        "partial",
    ])
    .args(["SELECT count(*) AS n FROM t", "-o", file.to_str().unwrap()])
    .db(&db)
    .spawn();
    db.until_waiting("Lock", 1);
    // The migration's session ends with the server.
    server.stop(Shutdown::Immediate).unwrap();
    server.start_again().unwrap();
    export.finish().assert(
        0,
        "",
        has_all([
            "nothing written yet: retrying at a new snapshot\n",
            "2/2 shards",
        ]),
    );
    assert_eq!(std::fs::read_to_string(file).unwrap(), "n\n20\n");
}
