//! Behind a pooler in transaction mode: never another session's tables, and never stuck when the
//! pool has fewer connections than requested.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{Db, PgBouncer, Program, Running, eventually, has, has_all, shardq};

const SHARDS: u32 = 16;

/// More than may be read ahead of the shard being printed, so that the order matters.
const LARGE: &str = "SELECT n, repeat('x', 2000) AS filler FROM items, generate_series(1, 100)";

fn items() -> Db {
    let db = Db::with_shards(SHARDS);
    db.in_each_shard("CREATE TABLE items AS SELECT {n} AS n FROM generate_series(1, 3)");
    db
}

/// Every shard's rows occur once, whatever their length.
#[track_caller]
fn assert_all_shards(csv: &str, rows_each: usize) {
    let expected = (0..SHARDS).flat_map(|n| {
        let line = move |_| format!("shard_{n},{n}");
        (0..rows_each).map(line)
    });
    let found = csv.lines().map(|line| {
        let end = line.match_indices(',').nth(1).map_or(line.len(), |it| it.0);
        line[..end].to_owned()
    });
    assert!(found.eq(expected), "{} lines", csv.lines().count());
}

#[test]
fn another_clients_temporary_tables_answer_for_nobody() {
    let db = items();
    db.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text)");
    db.sql("INSERT INTO shard_14.origins VALUES (14, 'core')");
    let Some(pooler) = PgBouncer::in_front_of(&db, 1) else {
        return;
    };
    let plant = "CREATE TEMP TABLE items AS SELECT -1 AS n; \
                 CREATE TEMP TABLE origins AS SELECT -1::bigint AS id, 'core' AS name; \
                 CREATE TEMP TABLE other AS SELECT -1 AS n";
    pooler
        .lead(db.psql_program(["-c", plant]), &db)
        .run()
        .output();
    let planted = pooler.lead(db.psql_program(["-Atc", "SELECT n FROM items"]), &db);
    planted.run().assert(0, "-1\n", "");
    db.sql("CREATE TABLE public.other AS SELECT 7 AS n");

    let run = |program: Program| pooler.lead(program, &db).run();
    let ran = run(shardq(["query", "--csv", "-t", "SELECT n FROM items"]));
    ran.assert(0, has("shard_15,15\n"), has("16/16 shards"));
    assert_all_shards(&ran.stdout, 3);
    let path = [
        "query",
        "--csv",
        "-t",
        "--shards",
        "0",
        "--search-path",
        "{shard}, public",
    ];
    run(shardq(path).args(["SELECT n FROM other"])).assert(0, "shard_0,7\n", has("1/1 shards"));
    let ran = run(shardq([
        "export",
        "SELECT n FROM items",
        "-o",
        "/dev/stdout",
        "-t",
    ]));
    ran.assert(0, has("shard_15,15\n"), has("16/16 shards"));
    assert_all_shards(&ran.stdout, 3);
    for strategy in ["one", "partial"] {
        let global = ["query", "-g", "--csv", "-t", "--strategy", strategy];
        let sql = "SELECT count(*), min(n) FROM items";
        run(shardq(global).args([sql])).assert(0, "48,0\n", has("16/16 shards"));
    }
    run(shardq([
        "query",
        "-g",
        "--csv",
        "-t",
        "SELECT n FROM other",
    ]))
    .assert(0, "7\n", has("16/16 shards"));
    run(shardq(["find", "core"])).assert(0, has("shard_14"), "");
}

fn ways(file: &str) -> [(Vec<String>, bool); 6] {
    let large = LARGE;
    [
        (vec!["query", "--csv", "-t", large], true),
        (vec!["query", "--csv", "-t", "--no-snapshot", large], true),
        (vec!["export", "-t", "-o", file, large], true),
        (
            vec!["export", "-t", "--order", "arrival", "-o", file, large],
            false,
        ),
        (
            vec![
                "query",
                "-g",
                "--strategy",
                "partial",
                "SELECT count(*) FROM items",
            ],
            false,
        ),
        (
            vec![
                "query",
                "-g",
                "--strategy",
                "one",
                "SELECT count(*) FROM items",
            ],
            false,
        ),
    ]
    .map(|(args, ordered)| (args.into_iter().map(str::to_owned).collect(), ordered))
}

#[test]
fn a_pool_that_is_smaller_than_what_was_asked_for_is_enough() {
    let db = items();
    let folder = tempfile::tempdir().unwrap();
    for pool_size in [1, 2] {
        let Some(pooler) = PgBouncer::in_front_of(&db, pool_size) else {
            return;
        };
        for (i, (args, is_ordered)) in ways(&format!("{}/{pool_size}.csv", folder.path().display()))
            .into_iter()
            .enumerate()
        {
            let file = folder.path().join(format!("{pool_size}.csv"));
            let _ = fs::remove_file(&file);
            let _ = fs::remove_file(format!("{}.manifest.json", file.display()));
            let ran = pooler.lead(shardq([]).args(&args), &db).run();
            ran.assert(0, has(""), has("16/16 shards"));
            assert!(
                ran.elapsed < Duration::from_secs(30),
                "{args:?}: {:?}",
                ran.elapsed
            );
            let written = fs::read_to_string(&file);
            let text = written.as_deref().unwrap_or(&ran.stdout);
            if is_ordered {
                assert_all_shards(text, 300);
            } else if i == 3 {
                assert_eq!(text.lines().count(), SHARDS as usize * 300);
            } else {
                assert!(text.contains("48"), "{text}");
            }
        }
        let parts = folder.path().join(format!("parts {pool_size}"));
        let export = shardq(["export", "--per-shard", LARGE, "-o"]).args([&parts]);
        pooler
            .lead(export, &db)
            .run()
            .assert(0, "", has("16/16 shards"));
    }
}

#[test]
fn several_runs_beside_each_other_on_a_small_pool_all_end() {
    let db = items();
    for pool_size in [1, 2] {
        let Some(pooler) = PgBouncer::in_front_of(&db, pool_size) else {
            return;
        };
        let start = |_| {
            let sql = "SELECT n, pg_sleep(0.01) FROM items";
            let query = pooler.lead(shardq(["query", "--csv", "-t", sql]), &db);
            let global = "SELECT count(*) FROM items";
            let global = pooler.lead(shardq(["query", "-g", "--csv", "-t", global]), &db);
            [query.spawn(), global.spawn()]
        };
        let runs: Vec<[Running; 2]> = (0..4).map(start).collect();
        for [query, global] in runs {
            let ran = query.finish();
            ran.assert(0, has("shard_15,15,"), has("16/16 shards"));
            assert_all_shards(&ran.stdout, 3);
            global.finish().assert(0, "48\n", has("16/16 shards"));
        }
    }
}

#[test]
fn a_connection_that_is_lost_on_a_small_pool_is_replaced() {
    let db = items();
    let Some(pooler) = PgBouncer::in_front_of(&db, 2) else {
        return;
    };
    let mut gate = db.session();
    gate.run("SELECT pg_advisory_lock(1)");
    let sql = format!("{LARGE}, pg_advisory_xact_lock_shared(1)");
    let query = shardq(["query", "--csv", "-t", "--lock-timeout", "0", &sql]);
    let query = pooler.lead(query, &db).spawn();
    db.until_waiting("Lock", 2);
    db.terminate_waiting("Lock");
    query.wait_for_stderr(|text| text.contains("a connection was lost"));
    gate.run("SELECT pg_advisory_unlock(1)");
    let ran = query.finish();
    ran.assert(0, has("shard_15,15,"), has("16/16 shards"));
    assert_all_shards(&ran.stdout, 300);
}

#[test]
fn ctrl_c_is_heard_while_connections_wait_for_the_pool() {
    let db = items();
    let Some(pooler) = PgBouncer::in_front_of(&db, 1) else {
        return;
    };
    let query = pooler
        .lead(shardq(["query", "SELECT pg_sleep(600)"]), &db)
        .spawn();
    db.until_waiting("PgSleep", 1);
    eventually("its other connections wait", || pooler.waiting(&db) == 3);
    // This one does not even get a first connection.
    let behind = pooler.lead(shardq(["query", "SELECT 1"]), &db).spawn();
    eventually("it waits", || pooler.waiting(&db) == 4);
    for run in [behind, query] {
        let signalled = Instant::now();
        run.signal("TERM");
        run.finish()
            .assert(130, "", has_all(["shardq: error: interrupted"]));
        let elapsed = signalled.elapsed();
        assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    }
    assert_eq!(db.waiting("PgSleep"), [""; 0]);
}
