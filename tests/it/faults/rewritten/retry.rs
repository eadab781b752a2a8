//! What a retry keeps and locks, and when there is none: rows that were printed, files that have
//! their names, rewrites that leave the rows visible.

use std::fs;

use super::{EACH, RELOAD, RETRIED, REWRITES, meet, rewriting, two_shards};
use crate::support::{ANY, Db, export, folder, has, has_all, shardq, verify};

#[test]
fn a_file_per_shard_gets_its_name_only_if_the_snapshot_covers_it() {
    for (name, rewrite, sql) in REWRITES {
        let db = two_shards();
        let folder = folder();
        let target = folder.path().join("t");
        let per_shard = export(&db, sql, &target).args(["--per-shard"]);
        let run = meet(&db, rewrite, rewriting(&db, rewrite), per_shard).finish();
        // shard_0's file may be published already: the export then continues without shard_1.
        assert!([0, 3].contains(&run.status), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(RETRIED[0]), "{name}: {}", run.stderr);
        if run.status == 3 {
            assert!(run.stderr.contains("1/2 shards"), "{name}: {}", run.stderr);
            export(&db, sql, &target)
                .args(["--per-shard", "--resume"])
                .run()
                .assert(0, "", has("2 rows · 2/2 shards"));
        }
        verify(&target)
            .run()
            .assert(0, ANY, has_all(["2 rows · 2/2 shards"]));
        for shard in 0..2 {
            let part = target.join(format!("shard=shard_{shard}/part.csv"));
            assert_eq!(fs::read_to_string(part).unwrap(), "sum\n100\n", "{name}");
        }
    }
}

#[test]
fn a_result_that_was_printed_in_part_names_the_shard() {
    let db = two_shards();
    // Until the other worker has its connection and takes shard_1: one that reads both shards
    // checks them together.
    let sql = "SELECT id, v, repeat('x', 2000), CASE WHEN id = 1 AND current_schema() = 'shard_0' \
               THEN pg_sleep(1) END FROM t";
    let mut rewriter = rewriting(&db, RELOAD);
    let run = shardq(["query", "--csv", sql]).db(&db);
    let run = run.args(["--lock-timeout", "1min"]).spawn();
    run.wait_for_stdout(|text| text.contains("shard_0,100,"));
    rewriter.run("COMMIT");
    let run = run.finish();
    assert!(run.stdout.contains("shard_0,100,1,"), "{}", run.stdout);
    run.assert(
        3,
        ANY,
        has_all([
            "shard_1: rows may be missing: shard_1.t was rewritten",
            "1/2 shards",
        ]),
    );
}

#[test]
fn what_keeps_its_rows_visible_is_answered() {
    let db = two_shards();
    db.sql("CREATE INDEX ON shard_1.t (id)");
    for rewrite in [
        "CLUSTER shard_1.t USING t_id_idx",
        "REINDEX TABLE shard_1.t",
        "LOCK TABLE shard_1.t; CREATE INDEX ON shard_1.t (v); ANALYZE shard_1.t",
        "LOCK TABLE shard_1.t; DELETE FROM shard_1.t WHERE id > 100",
    ] {
        let query = shardq(["query", "-t", "SELECT sum(v) FROM t"]).db(&db);
        meet(&db, rewrite, rewriting(&db, rewrite), query)
            .finish()
            .assert(0, EACH, has("2/2 shards"));
    }
}

#[test]
fn a_rolling_reload_is_never_answered_wrong() {
    const SHARDS: u32 = 64;
    const RUNS: usize = 67;
    let db = Db::with_shards(SHARDS);
    db.in_each_shard("CREATE TABLE t AS SELECT g AS id, 1 AS v FROM generate_series(1, 10) AS g");
    db.sql(&format!(
        "CREATE PROCEDURE public.reload() LANGUAGE plpgsql AS $$
         BEGIN
             LOOP
                 FOR n IN 0..{} LOOP
                     EXECUTE format('CREATE TEMP TABLE k ON COMMIT DROP AS TABLE shard_%1$s.t;
                         TRUNCATE shard_%1$s.t; INSERT INTO shard_%1$s.t TABLE k', n);
                     COMMIT;
                     PERFORM pg_sleep(0.05);
                 END LOOP;
             END LOOP;
         END $$",
        SHARDS - 1
    ));
    let _reloading = db
        .psql_program(["-c", "CALL public.reload()"])
        .env(
            "PGOPTIONS",
            "-c client_min_messages=error -c client_connection_check_interval=100ms",
        )
        .spawn();
    for strategy in ["each", "one", "partial"] {
        let (mut answered, mut failures) = (0, String::new());
        for _ in 0..RUNS {
            let run = match strategy {
                // Aligned, so nothing is printed before all rows are known.
                "each" => shardq(["query", "-t", "SELECT v FROM t"]),
                _ => shardq(["query", "-g", "-t", "--csv", "SELECT sum(v) FROM t"])
                    .args(["--strategy", strategy]),
            }
            .db(&db)
            .run();
            if run.status != 0 {
                failures += &run.stderr;
                continue;
            }
            answered += 1;
            let total = match strategy {
                "each" => run.stdout.lines().filter(|line| !line.is_empty()).count(),
                _ => run.stdout.trim().parse().unwrap(),
            };
            assert_eq!(total, 10 * SHARDS as usize, "{strategy}: {}", run.stderr);
        }
        assert!(
            answered * 4 >= RUNS * 3,
            "{strategy}: {answered} of {RUNS}\n{failures}"
        );
    }
}

#[test]
fn the_tables_that_were_rewritten_are_locked_in_front_of_the_next_snapshot() {
    let db = two_shards();
    let folder = folder();
    let file = folder.path().join("t.csv");
    let query = shardq(["query", "-t", "-o"])
        .args([&file])
        .args([
            "SELECT sum(v), (SELECT string_agg(DISTINCT relation::regclass::text, ',') \
                FROM pg_locks WHERE granted AND mode = 'AccessShareLock' AND locktype = 'relation' \
                AND relation::regclass::text ~ '^(shard_..)?t$') FROM t",
        ])
        .args(["-j", "1"])
        .db(&db);
    let run = meet(&db, RELOAD, rewriting(&db, RELOAD), query).finish();
    run.assert(0, "", has("2/2 shards"));
    let locked = fs::read_to_string(&file).unwrap();
    // Each shard's statement sees the other shard's table locked as well.
    assert_eq!(
        locked,
        "shard_0,100,\"shard_1.t,t\"\nshard_1,100,\"shard_0.t,t\"\n"
    );
}

#[test]
fn a_retry_keeps_the_results_of_the_statements_before() {
    let db = two_shards();
    let folder = folder();
    let file = folder.path().join("t.csv");
    // Long enough to be in the temporary file before the retry.
    let sql = "SELECT sum(v), repeat('x', 100000) AS x FROM t";
    let query = shardq([
        "query",
        "-j1",
        "--csv",
        "-c",
        "SELECT 1 AS a",
        "-c",
        sql,
        "-o",
    ])
    .args([&file])
    .db(&db);
    let run = meet(&db, RELOAD, rewriting(&db, RELOAD), query).finish();
    run.assert(0, "", has("retrying at a new snapshot"));
    let long = "x".repeat(100_000);
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        format!(
            "shard,a\nshard_0,1\nshard_1,1\nshard,sum,x\nshard_0,100,{long}\nshard_1,100,{long}\n"
        )
    );
}
