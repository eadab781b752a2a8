//! Hints that help a person, and would be noise in a log.

use crate::support::{ANY, Db, Terminal, shardq};

const ONE_PER_SHARD: &str = "hint: one result per shard; add --global for a single total\n";
const COUNT: &str = "SELECT count(*) FROM t";

#[test]
fn an_aggregate_per_shard_is_hinted_at_once_per_run() {
    let db = Db::with_numbers(2);
    for (args, times) in [
        ([COUNT, "-t"], 1),
        (["-cSELECT count(*) FROM t", "-cSELECT max(n) FROM t"], 1),
        (["SELECT n, count(*) FROM t GROUP BY n", "-t"], 0),
        ([COUNT, "-q"], 0),
        ([COUNT, "--shards=1"], 0),
        ([COUNT, "--global"], 0),
        (["SELECT n FROM t", "-t"], 0),
    ] {
        let query = shardq(["--color=never", "query"]).args(args).db(&db);
        let ran = Terminal::start(query, 200, 24).finish();
        assert_eq!(ran.status, 0, "{args:?}: {}", ran.stdout);
        let hints = ran.stdout.matches(ONE_PER_SHARD).count();
        assert_eq!(hints, times, "{args:?}: {}", ran.stdout);
    }
}

#[test]
fn an_aggregate_per_shard_is_not_hinted_at_in_a_log() {
    let db = Db::with_numbers(2);
    let ran = shardq(["query", COUNT]).db(&db).run();
    ran.assert(0, ANY, ANY);
    assert!(!ran.stderr.contains("hint:"), "{}", ran.stderr);
}
