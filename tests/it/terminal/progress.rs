//! The progress line of a query, and what the summary counts as its time.

use crate::support::{Db, Program, Terminal, eventually, shardq};

fn on_terminal(program: Program, db: &Db, columns: u16) -> Terminal {
    Terminal::start(program.db(db), columns, 24)
}

fn four_shards() -> Db {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    db
}

/// The progress lines, as they were painted.
fn painted(screen: &str) -> Vec<&str> {
    let lines = screen.split('\r').filter_map(|line| {
        let (line, _) = line.split_once("\x1b[K")?;
        (!line.is_empty()).then_some(line)
    });
    lines.collect()
}

#[test]
fn the_line_is_cut_to_the_width_of_the_terminal_and_follows_its_size() {
    let db = four_shards();
    let mut other = db.session();
    other.run("BEGIN; LOCK TABLE shard_3.t");
    let query = shardq(["query", "-j4", "--lock-timeout", "0", "TABLE t"]);
    let query = on_terminal(query, &db, 20);
    let narrow = query.wait_for(|screen| painted(screen).len() > 2);
    for line in painted(&narrow) {
        assert_eq!(line.chars().count(), 19, "{line:?}");
    }
    query.resize(60, 24);
    query.wait_for(|screen| screen.contains(" · shard_3 for "));
    other.run("ROLLBACK");
    assert_eq!(query.finish().status, 0);
}

/// Waits in the shard with a lock, and not while it is prepared.
const WAITING: &str = "SELECT n FROM t, pg_advisory_xact_lock_shared(n)";

#[test]
fn a_shard_counts_when_it_has_answered_although_another_is_printed_first() {
    let db = four_shards();
    let mut other = db.session();
    other.run("SELECT pg_advisory_lock(0)");
    let query = shardq(["query", "-j4", "--lock-timeout", "0", WAITING]);
    let query = on_terminal(query, &db, 80);
    query.wait_for(|screen| screen.contains("\r3/4 shards · 0 rows · shard_0 for "));
    other.run("SELECT pg_advisory_unlock(0)");
    assert_eq!(query.finish().status, 0);
}

#[test]
fn it_is_gone_before_rows_and_does_not_come_back_among_them() {
    let db = four_shards();
    let (mut first, mut last) = (db.session(), db.session());
    first.run("SELECT pg_advisory_lock(0)");
    last.run("SELECT pg_advisory_lock(3)");
    let query = shardq(["query", "-j4", "--csv", "--lock-timeout", "0", WAITING]);
    let query = on_terminal(query, &db, 80);
    query.wait_for(|screen| screen.contains("2/4 shards"));
    first.run("SELECT pg_advisory_unlock(0)");
    query.wait_for(|screen| screen.contains("shard_2,2\r\n"));
    eventually("a wait of twice the delay of the progress line", || {
        let waits = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) \
                     WHERE datname = current_database() AND NOT granted AND objid = 3 \
                     AND waitstart < clock_timestamp() - interval '1 s'";
        db.ask(waits) == "1"
    });
    last.run("SELECT pg_advisory_unlock(3)");
    let ran = query.finish();
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    let (before, rows) = ran.stdout.split_once("shard,n\n").unwrap();
    assert!(before.ends_with("\r\x1b[K"), "{before:?}");
    assert!(
        rows.starts_with("shard_0,0\nshard_1,1\nshard_2,2\nshard_3,3\n4 rows · "),
        "{rows:?}"
    );
}

/// The seconds that the summary states.
fn stated(screen: &str) -> f64 {
    let summary = screen.lines().find(|line| line.contains("one snapshot"));
    let time = summary.unwrap().rsplit(" · ").next().unwrap();
    let (number, unit) = time.split_once(' ').unwrap();
    number.parse::<f64>().unwrap() / if unit == "ms" { 1000.0 } else { 1.0 }
}

#[test]
fn the_time_of_a_run_is_not_that_of_typing() {
    let db = Db::with_shards(2);
    for (query, prompt, typed) in [
        (shardq(["query", "-W", "SELECT 1"]), "Password", "secret\n"),
        (shardq(["query", "-f", "-"]), "", "SELECT 1\n\x04"),
    ] {
        let mut query = on_terminal(query, &db, 80);
        query.wait_for(|screen| screen.contains(prompt));
        // Somebody who types slowly.
        db.sql("SELECT pg_sleep(2)");
        query.type_in(typed);
        let ran = query.finish();
        assert_eq!(ran.status, 0, "{}", ran.stdout);
        let took = ran.elapsed.as_secs_f64();
        assert!(stated(&ran.stdout) <= took - 2.0, "{took}: {}", ran.stdout);
    }
}
