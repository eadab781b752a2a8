//! Memory does not grow with the size of the result, a slow reader, or the number of shards.

use std::fmt::Write as _;

use shardq::sandbox::Options;

use crate::support::{Db, Program, has, has_all, private_server, shardq};

/// About 20 MiB of this is the code of a debug build.
const MOST_KIB: u64 = 48 * 1024;
const SHARDS: u32 = 8;

/// A million rows in all, 45 MB as CSV: more than the limit.
fn a_million() -> Db {
    let db = Db::with_shards(SHARDS);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT n, repeat('x', 30) AS filling FROM generate_series(1, 125000) AS n",
    );
    db
}

fn all_of(db: &Db) -> Program {
    shardq(["query", "--csv", "SELECT n, filling FROM t"]).db(db)
}

#[track_caller]
fn was_little(peak_kib: u64) {
    assert!((1..MOST_KIB).contains(&peak_kib), "{peak_kib} KiB");
}

#[test]
fn a_million_rows_pass_through_little_memory() {
    let ran = all_of(&a_million()).run();
    ran.assert(
        0,
        has("shard_7,125000,xxx"),
        has("1,000,000 rows · 8/8 shards"),
    );
    assert_eq!(ran.stdout.lines().count(), 1_000_001);
    was_little(ran.peak_memory_kib);
}

#[test]
fn a_reader_that_pauses_holds_up_the_server_and_not_memory() {
    let db = a_million();
    let sql = "SELECT n, filling FROM t";
    let export = |format| shardq(["export", sql, "-o", "-", "--format", format]).db(&db);
    for run in [all_of(&db), export("csv"), export("jsonl")] {
        let mut run = run.args(["-j8"]).spawn_unread();
        // All but those with little left to send.
        db.until_waiting("ClientWrite", 4);
        was_little(run.peak_memory_kib());
        run.resume();
        let ran = run.finish();
        ran.assert(
            0,
            has_all(["shard_7", "125000"]),
            has("1,000,000 rows · 8/8 shards"),
        );
        was_little(ran.peak_memory_kib);
    }
}

#[test]
fn shards_that_wait_for_their_turn_to_be_printed_wait_at_the_server() {
    let db = a_million();
    let mut gate = db.session();
    gate.run("SELECT pg_advisory_lock(1)");
    // The first shard returns nothing for a long time.
    let sql = "SELECT n, filling FROM t WHERE current_schema() <> 'shard_0' \
               OR (n = 1 AND pg_advisory_lock_shared(1) IS NULL)";
    let mut query = shardq(["query", "--csv", "-j8", "--lock-timeout", "0", sql])
        .db(&db)
        .spawn();
    db.until_waiting("advisory", 1);
    db.until_waiting("ClientWrite", 2);
    was_little(query.peak_memory_kib());
    gate.run("SELECT pg_advisory_unlock(1)");
    let ran = query.finish();
    ran.assert(
        0,
        has("shard_7,125000,xxx"),
        has("875,000 rows · 8/8 shards"),
    );
    was_little(ran.peak_memory_kib);
}

#[test]
fn eight_thousand_shards_are_not_too_many() {
    let db = Db::empty();
    db.sql(
        "DO $$ BEGIN FOR n IN 0..8191 LOOP EXECUTE 'CREATE SCHEMA shard_' || n; END LOOP; END $$",
    );
    let ran = shardq(["query", "--csv", "SELECT current_schema()"])
        .db(&db)
        .run();
    ran.assert(
        0,
        has("\nshard_8191,shard_8191\n"),
        has("8,192 rows · 8192/8192 shards"),
    );
    assert!(
        ran.stdout
            .lines()
            .skip(1)
            .enumerate()
            .all(|(n, line)| line == format!("shard_{n},shard_{n}"))
    );
    was_little(ran.peak_memory_kib);
}

#[test]
fn more_tables_than_the_server_has_room_for_locks() {
    const MANY: usize = 600;
    // About 64 locks for each of few connections.
    let server = private_server(Options {
        settings: vec![
            ("max_connections".into(), "5".into()),
            ("max_worker_processes".into(), "0".into()),
            ("autovacuum_max_workers".into(), "1".into()),
            ("max_locks_per_transaction".into(), "10".into()),
        ],
        ..Options::default()
    });
    let db = Db::on(&server);
    let mut script = String::new();
    for n in 0..MANY {
        writeln!(
            script,
            "CREATE SCHEMA shard_{n}; CREATE TABLE shard_{n}.t AS SELECT {n} AS n;"
        )
        .unwrap();
    }
    db.sql(&script);
    let tables = (0..MANY)
        .map(|n| format!("TABLE shard_{n}.t"))
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    let too_many = db.psql_program(["-c", &tables]).run();
    too_many.assert(1, "", has("out of shared memory"));
    shardq(["query", "--csv", "-t", "-j1", "SELECT n FROM t"])
        .db(&db)
        .run()
        .assert(0, has("shard_599,599\n"), has("600/600 shards"));
}
