//! The snapshots of several servers: how far apart they are at most.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{ANY, Proxy, Ran, Servers, folder, has, has_all, manifest, shardq};

const ROUND_TRIP: Duration = Duration::from_millis(120);

/// How far apart the snapshots may be, as the summary says, in microseconds.
fn bound(ran: &Ran) -> f64 {
    let (_, behind) = ran.stderr.split_once(" snapshots within ").unwrap();
    let (milliseconds, _) = behind.split_once(" ms").unwrap();
    milliseconds.parse::<f64>().unwrap() * 1e3
}

#[test]
fn the_bound_is_in_the_summary_and_in_the_manifest() {
    let servers = Servers::with_shards(1);
    let folder = folder();
    let file = folder.path().join("one.csv");
    let args = ["export", "SELECT 1 AS one", "-o", file.to_str().unwrap()];
    let ran = servers.shardq(args).run();
    ran.assert(
        0,
        "",
        has("4/4 shards · all 4 servers · 4 snapshots within "),
    );
    let within = manifest(&file)["runs"][0]["snapshots_within_microseconds"].as_u64();
    #[allow(clippy::cast_precision_loss, reason = "far from 2^53")]
    let within = within.unwrap() as f64;
    assert!(
        within > 0.0 && within <= bound(&ran),
        "{within}: {}",
        ran.stderr
    );
    shardq(["verify", file.to_str().unwrap()])
        .run()
        .assert(0, ANY, has("4 snapshots within "));
}

/// Money moves from db1 to db2, one coin after the other, while db2 is far away, so that its
/// snapshot is taken later.
#[test]
fn a_torn_total_lies_within_the_bound() {
    let servers = Servers::with_shards(1);
    let [one, other] = [&servers.databases[0], &servers.databases[1]];
    for db in [one, other] {
        db.in_each_shard("CREATE TABLE moves (id int, at timestamptz)");
    }
    let proxy = Proxy::to_socket(
        other.variable("PGHOST").as_ref(),
        other.variable("PGPORT").parse().unwrap(),
        ROUND_TRIP,
    );
    let far = format!(
        "host=127.0.0.1 port={} user={} dbname='{}'",
        proxy.port(),
        other.variable("PGUSER"),
        other.name()
    );
    let is_done = AtomicBool::new(false);
    let rans: Vec<Ran> = thread::scope(|scope| {
        scope.spawn(|| {
            let mut sessions = [one.session(), other.session()];
            for id in 1.. {
                if is_done.load(Ordering::Relaxed) {
                    break;
                }
                for (session, shard) in sessions.iter_mut().zip(0..) {
                    session.run(&format!(
                        "INSERT INTO shard_{shard}.moves VALUES ({id}, clock_timestamp())"
                    ));
                }
            }
        });
        let sql = "SELECT coalesce(max(id), 0) AS last FROM moves";
        let rans = (0..8).map(|_| {
            shardq(["query", "--csv", "-t", "--no-shard-column", sql])
                .args(["--server", &servers.conninfo(0), "--server", &far])
                .run()
        });
        let rans = rans.collect();
        is_done.store(true, Ordering::Relaxed);
        rans
    });
    let times = |server: usize| -> BTreeMap<i64, f64> {
        let sql = format!("SELECT id, extract(epoch FROM at) * 1e6 FROM shard_{server}.moves");
        let answer = servers.databases[server].ask(&sql);
        let pairs = answer.lines().map(|line| line.split_once('|').unwrap());
        pairs
            .map(|(id, at)| (id.parse().unwrap(), at.parse().unwrap()))
            .collect()
    };
    let (left, arrived) = (times(0), times(1));
    let mut torn = 0;
    for ran in rans {
        ran.assert(0, ANY, has("2/2 shards"));
        let seen: Vec<i64> = ran.stdout.lines().map(|it| it.parse().unwrap()).collect();
        // A coin arrives between its time on db2 and the next one's on db1. So those that db2 shows
        // and db1 does not, or the other way round, took at most as long as the snapshots are apart.
        let apart = match (seen[0], seen[1]) {
            (a, b) if b > a => arrived[&b] - arrived[&(a + 1)],
            (a, b) if a > b + 1 => left[&a] - left[&(b + 2)],
            _ => continue,
        };
        torn += 1;
        assert!(apart <= bound(&ran), "{apart} µs: {}", ran.stderr);
    }
    assert!(torn > 0, "no total was torn");
}

#[test]
fn snapshots_that_are_further_apart_than_allowed_fail_the_run() {
    let servers = Servers::with_shards(1);
    let [near, other] = [servers.conninfo(0), servers.conninfo(1)];
    let db = &servers.databases[1];
    let port = db.variable("PGPORT").parse().unwrap();
    let proxy = Proxy::to_socket(db.variable("PGHOST").as_ref(), port, ROUND_TRIP);
    let far = format!(
        "host=127.0.0.1 port={} user={} dbname='{}'",
        proxy.port(),
        db.variable("PGUSER"),
        db.name()
    );
    for sql in [["SELECT 1 AS one", "-q"], ["-g", "SELECT count(*) FROM t"]] {
        servers.in_each_shard("CREATE TABLE IF NOT EXISTS t (n int)");
        shardq(["query", "--max-skew", "10ms"])
            .args(sql)
            .args(["--server", &near, "--server", &far])
            .run()
            .assert(
                1,
                "",
                has_all([
                    "the snapshots of the servers are up to 1",
                    " ms apart, and --max-skew allows 10.0 ms; gave up after 10 attempts",
                ]),
            );
    }
    shardq(["query", "SELECT 1 AS one", "--max-skew", "30s"])
        .args(["--server", &near, "--server", &other])
        .run()
        .assert(0, ANY, has("2 snapshots within "));
    shardq([
        "query",
        "SELECT 1 AS one",
        "--max-skew",
        "30s",
        "--no-snapshot",
    ])
    .args(["--server", &near, "--server", &other])
    .run()
    .assert(2, "", has("cannot be used with"));
}
