//! Money moves between shards while workers lose their backends. The total is right, or the run is
//! reported as incomplete.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::dice::Dice;
use crate::job::{Command, DEADLINE, Job, WHEN_NOTICED, finish, no_backends};
use crate::suite::{Outcome, Suite, Verdict, wrong};
use crate::support::{Db, Session};
use crate::world::{Question, SHARDS, Truth, server};

const SUITE: Suite = Suite {
    name: "money",
    runs: 400,
    short: 8,
    workers: 2,
};

const ACCOUNTS: u32 = 20;
const BALANCE: i64 = 1000;
const COUNT: i64 = SHARDS as i64 * ACCOUNTS as i64;

const COMMANDS: [Command; 7] = [
    Command::QueryCsv,
    Command::GlobalOne,
    Command::ExportCsv,
    Command::GlobalPartial,
    Command::PerShard,
    Command::ExportParquet,
    Command::QueryJsonl,
];

/// A bank whose money is always moving.
struct Bank {
    db: Db,
    killer: Session,
    closed: Arc<AtomicBool>,
    transfers: Option<JoinHandle<()>>,
}

impl Bank {
    fn open() -> Self {
        let db = Db::on(server());
        db.create_shards(0..SHARDS);
        db.in_each_shard(&format!(
            "CREATE TABLE accounts (id int PRIMARY KEY, balance bigint) WITH (fillfactor = 50); \
             INSERT INTO accounts SELECT id, {BALANCE} FROM generate_series(1, {ACCOUNTS}) AS id"
        ));
        let closed = Arc::new(AtomicBool::new(false));
        let (mut teller, seen) = (db.session(), Arc::clone(&closed));
        let transfers = thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                teller.run(TRANSFERS);
            }
        });
        Self {
            killer: db.session(),
            db,
            closed,
            transfers: Some(transfers),
        }
    }

    /// Terminates some of the workers' backends, chosen by the dice.
    fn kill(&mut self, dice: &mut Dice) {
        let salt = dice.next();
        let how_many = 1 + dice.below(3);
        self.killer.run(&format!(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'shardq' \
             ORDER BY md5(pid || '{salt}') LIMIT {how_many}) AS workers"
        ));
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        let _ = self.transfers.take().map(JoinHandle::join);
    }
}

/// Transfers between two shards, each in a transaction of its own.
const TRANSFERS: &str = "DO $$ BEGIN FOR i IN 1..20 LOOP \
    EXECUTE format('UPDATE shard_%s.accounts SET balance = balance - 7 WHERE id = %s', \
        (random() * 15)::int, 1 + (random() * 19)::int); \
    EXECUTE format('UPDATE shard_%s.accounts SET balance = balance + 7 WHERE id = %s', \
        (random() * 15)::int, 1 + (random() * 19)::int); \
    COMMIT; PERFORM pg_sleep(0.0005); END LOOP; END $$";

struct Total;

impl Truth for Total {
    fn check_whole(&self, command: Command, answer: &str) -> Result<(), String> {
        let found = match command {
            Command::GlobalOne | Command::GlobalPartial => answer.trim().to_owned(),
            _ => {
                let balances: Vec<_> = balances(answer).collect();
                let total: i64 = balances.iter().sum();
                format!("total,accounts\n{total},{}", balances.len())
            }
        };
        let expected = format!("total,accounts\n{},{COUNT}", COUNT * BALANCE);
        if found == expected {
            return Ok(());
        }
        Err(format!("{found:?}, and there are {expected:?}"))
    }

    fn check_part(&self, _: Command, answer: &str) -> Result<(), String> {
        let mut keys: Vec<_> = answer
            .lines()
            .skip(1)
            .filter_map(|line| line.rsplit_once(','))
            .map(|(key, _)| key)
            .collect();
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("{} is there twice", pair[0])),
            None => Ok(()),
        }
    }
}

fn balances(csv: &str) -> impl Iterator<Item = i64> {
    let last = |line: &str| line.rsplit_once(',').and_then(|(_, n)| n.parse().ok());
    csv.lines().skip(1).filter_map(last)
}

fn question() -> Question {
    Question {
        rows: "SELECT id, balance FROM accounts, (SELECT pg_sleep(0.004)) AS pause".to_owned(),
        columns: &["id", "balance"],
        global: "SELECT sum(balance) AS total, count(*) AS accounts FROM accounts".to_owned(),
        key: "none",
    }
}

#[test]
fn money() {
    SUITE.run(Bank::open, audited);
}

fn audited(bank: &mut Bank, dice: &mut Dice, run: u32) -> Verdict {
    let command = COMMANDS[run as usize % COMMANDS.len()];
    let job = Job::new(command, question());
    let running = job.program(&bank.db).spawn();
    let kills: Vec<_> = (0..dice.below(4))
        .map(|_| dice.up_to(Duration::from_millis(40)))
        .collect();
    for &pause in &kills {
        thread::sleep(pause);
        bank.kill(dice);
    }
    let server_info = format!("{command:?}, kills after {kills:?}");
    let judged = finish(running, DEADLINE).and_then(|ran| job.judge(&ran, &Total));
    let outcome = judged.map_err(|fault| fault.with(&server_info))?;
    no_backends(&bank.db, WHEN_NOTICED)?;
    if kills.is_empty() && outcome != Outcome::Complete {
        return wrong(format!("{server_info}: {outcome:?}, and nothing happened"));
    }
    Ok(outcome)
}
