//! All shards are read at the same snapshot, whatever the number of connections and concurrent
//! writes.

use std::collections::HashSet;

use crate::support::{Db, Running, has, shardq};

/// At one snapshot the sum is right, however often it is read.
const LOOKS: usize = 30;
/// Without one it soon is not: within 3 reads so far, more on a busy machine.
const LOOKS_AT_MOST: usize = 500;

const SHARDS: u32 = 16;

/// One account per shard. Money moves between them for as long as this lives; the total is always
/// 0.
struct Bank {
    db: Db,
    _movers: Vec<Running>,
}

impl Bank {
    fn open() -> Self {
        let db = Db::with_shards(SHARDS);
        db.in_each_shard("CREATE TABLE account AS SELECT 0 AS balance");
        db.sql(&format!(
            "CREATE PROCEDURE public.move_money() LANGUAGE plpgsql AS $$
             DECLARE payer int; payee int;
             BEGIN
                 LOOP
                     payer := random() * {last}; payee := random() * {last};
                     -- The lower one first, or two movers would wait for each other.
                     EXECUTE format('UPDATE shard_%s.account SET balance = balance - %s',
                         least(payer, payee), sign(payee - payer) * 100);
                     EXECUTE format('UPDATE shard_%s.account SET balance = balance + %s',
                         greatest(payer, payee), sign(payee - payer) * 100);
                     COMMIT;
                 END LOOP;
             END $$",
            last = SHARDS - 1
        ));
        let moved = |n: i32| {
            db.psql_program(["-c", "CALL public.move_money()"])
                .env("PGAPPNAME", format!("mover {n}"))
                // Makes it end with the test, which it would not notice otherwise.
                .env("PGOPTIONS", "-c client_connection_check_interval=100ms")
                .spawn()
        };
        let movers = (0..3).map(moved).collect();
        crate::support::eventually("money moves", || {
            db.ask(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND application_name LIKE 'mover%' AND xact_start IS NOT NULL",
            ) == "3"
                && (0..SHARDS)
                    .all(|n| db.ask(&format!("SELECT balance FROM shard_{n}.account")) != "0")
        });
        Self {
            db,
            _movers: movers,
        }
    }

    /// The total of all accounts as a run sees it.
    fn total<const N: usize>(&self, options: [&str; N]) -> i64 {
        let ran = shardq(["query", "--csv", "-t", "--no-shard-column"])
            .args(options)
            .args(["SELECT balance FROM account"])
            .db(&self.db)
            .run();
        let expected = format!("{SHARDS}/{SHARDS} shards");
        ran.assert(0, crate::support::ANY, has(&expected));
        let balances = ran.stdout.lines().map(|line| line.parse::<i64>().unwrap());
        balances.sum()
    }
}

#[test]
fn money_that_moves_between_shards_is_never_lost_or_doubled() {
    let bank = Bank::open();
    for look in 0..LOOKS {
        assert_eq!(bank.total([]), 0, "at look {look}");
        assert_eq!(
            bank.total(["-j", "1"]),
            0,
            "with one connection, at look {look}"
        );
    }
    // Proves that the test can fail: without the snapshot the sum is wrong.
    let seen = (0..LOOKS_AT_MOST).any(|_| bank.total(["--no-snapshot"]) != 0);
    assert!(
        seen,
        "the sum was right without a snapshot, {LOOKS_AT_MOST} times"
    );
}

#[test]
fn every_shard_sees_the_same_snapshot() {
    let bank = Bank::open();
    let snapshots = |option: &str| {
        let sql = "SELECT pg_current_snapshot()";
        let answer = shardq(["query", "--csv", "-t", "--no-shard-column", option, sql])
            .db(&bank.db)
            .run()
            .output();
        assert_eq!(answer.lines().count(), SHARDS as usize);
        answer
            .lines()
            .map(str::to_owned)
            .collect::<HashSet<_>>()
            .len()
    };
    for connections in ["-j1", "-j4", "-j16"] {
        assert_eq!(snapshots(connections), 1, "{connections}");
    }
    let many = (0..LOOKS_AT_MOST).any(|_| snapshots("--no-snapshot") > 1);
    assert!(many, "shards share a snapshot that nobody asked for");
}

#[test]
fn the_footer_says_when_there_is_no_common_instant() {
    let db = Db::with_shards(2);
    shardq(["query", "--csv", "-t", "--no-snapshot", "SELECT 1"])
        .db(&db)
        .run()
        .assert(
            0,
            "shard_0,1\nshard_1,1\n",
            has("2/2 shards · no common snapshot: each shard read at its own moment · "),
        );
}
