//! A query that ends early leaves nothing running, and a large one fits in little.

use crate::support::{ANY, Db, eventually, has, shardq};

const APPLICATION: &str = "shardq";

#[test]
fn a_closed_pipe_ends_the_query_quietly() {
    let db = Db::with_shards(4);
    shardq([
        "query",
        "--csv",
        "SELECT n FROM generate_series(1, 5000000) AS n",
    ])
    .db(&db)
    .run_reading(1)
    .assert(0, "shard,n\n", "");
    eventually("no backend is left", || db.backends(APPLICATION).is_empty());
}

#[test]
fn ctrl_c_cancels_on_the_server() {
    let db = Db::with_shards(4);
    let query = shardq(["query", "SELECT pg_sleep(600)"]).db(&db).spawn();
    eventually("it runs", || {
        db.backends(APPLICATION).contains(&"active".to_owned())
    });
    query.signal("INT");
    query.finish().assert(130, ANY, ANY);
    eventually("no backend is left", || db.backends(APPLICATION).is_empty());
}

#[test]
fn a_million_rows_pass_through_little_memory() {
    let db = Db::with_shards(8);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT {n} AS shard_no, n FROM generate_series(1, 125000) AS n",
    );
    let ran = shardq([
        "query",
        "--csv",
        "--no-shard-column",
        "SELECT shard_no, n FROM t",
    ])
    .db(&db)
    .run();
    ran.assert(0, has("shard_no,n\n0,1\n0,2\n"), has("8/8 shards"));
    assert_eq!(ran.stdout.lines().count(), 1_000_001);
    assert!(
        ran.peak_memory_kib < 32 * 1024,
        "{} KiB",
        ran.peak_memory_kib
    );
}
