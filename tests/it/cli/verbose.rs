//! `--verbose` prints what is sent, in the order in which it is sent.

use crate::support::{ANY, Db, has_all, shardq};

/// The server answers the log, replayed in psql, as it answered shardq.
#[test]
fn the_log_can_be_replayed_in_psql() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (n int); INSERT INTO t VALUES (70 + {n})");
    for (args, rows) in [
        (
            &["query", "--csv"][..],
            "shard_0,70\nshard_1,71\nshard_2,72\n",
        ),
        (&["query", "--csv", "-g", "--strategy=one"], "70\n71\n72\n"),
    ] {
        let sql = "SELECT n FROM t ORDER BY n";
        let run = shardq([]).args(args).args(["-tq", "-j1", "-E", sql]);
        let run = run.db(&db).run();
        run.assert(0, rows, has_all(["-- ", "server process ", sql]));
        let replayed = db
            .psql_program(["-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"])
            .stdin(run.stderr.clone())
            .run();
        replayed.assert(0, ANY, ANY);
        for n in ["70", "71", "72"] {
            let found = replayed
                .stdout
                .lines()
                .any(|line| line == n || line.ends_with(&format!(",{n}")));
            assert!(found, "{args:?}: no {n} in\n{}", replayed.stdout);
        }
    }
}

#[test]
fn every_connection_and_every_shard_is_in_the_log() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE origins (id bigint, name text)");
    let run = shardq(["query", "--verbose", "-tq", "SELECT name FROM origins"]);
    let paths = [
        "SET LOCAL search_path TO \"shard_0\"",
        "SET LOCAL search_path TO \"shard_1\"",
    ];
    run.db(&db).run().assert(0, "\n", has_all(paths));
    let run = shardq(["find", "--echo-hidden", "core", "--shard-count=2"]);
    run.db(&db).run().assert(1, ANY, has_all(["origins", "$1"]));
}

#[test]
fn a_copy_is_in_the_log_once_per_shard() {
    let db = Db::with_shards(2);
    let run = shardq(["export", "-E", "-j1", "-qo-", "--format=csv", "SELECT 7"]);
    let run = run.db(&db).run();
    run.assert(
        0,
        ANY,
        has_all(["parse
COPY (
SELECT 7
)"]),
    );
    assert_eq!(
        run.stderr
            .matches(
                "execute
COPY (
SELECT 7
)"
            )
            .count(),
        2
    );
}
