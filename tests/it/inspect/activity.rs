//! `shardq activity`: who holds and waits for locks in which shard, and who blocks whom.

use std::time::Duration;

use shardq::sandbox::Options;

use crate::support::{Db, Program, Terminal, has, has_all, private_server, shardq};

fn with_tables() -> Db {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
    db
}

fn activity<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    shardq(["activity"]).args(args).db(db)
}

/// What it prints as CSV, by column and pid.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let records = reader.records().map(|record| record.unwrap());
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn without_locks_there_is_nothing() {
    let db = with_tables();
    activity(&db, ["--csv"]).run().assert(
        0,
        "pid,user,application,client,state,age,holds,waits_for,waiting,blocked_by,blocks,query\n",
        has("0 processes, 0 waiting, 0 blocking · 3/3 shards · "),
    );
}

#[test]
fn who_waits_for_whom_is_shown_with_the_shard_and_the_table() {
    let db = with_tables();
    let mut holder = db.session();
    holder.run("BEGIN; SELECT count(*) FROM shard_1.t; LOCK TABLE shard_2.t");
    let pid = holder.run("SELECT pg_backend_pid()");
    let pid = pid.trim();
    let waiter = db
        .psql_program(["-c", "SELECT * FROM shard_2.t -- waits\n"])
        .spawn();
    db.until_waiting("Lock", 1);
    let ran = activity(&db, ["--csv"]).run();
    assert_eq!(ran.status, 0);
    let rows = rows(&ran.stdout);
    let [first, second] = &rows[..] else {
        panic!("{ran:?}")
    };
    let of = |row: &[String], columns: &[usize]| {
        columns
            .iter()
            .map(|column| row[*column].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(first, &[0, 2, 4, 6, 7, 8, 9, 11]),
        [
            pid,
            "psql",
            "idle in transaction",
            "ACCESS EXCLUSIVE in shard_1-2",
            "",
            "",
            "",
            "SELECT pg_backend_pid();",
        ]
    );
    assert_eq!(first[10], second[0]);
    assert_eq!(
        of(second, &[4, 6, 7, 9, 10, 11]),
        [
            "active",
            "",
            "ACCESS SHARE on shard_2.t",
            pid,
            "",
            "SELECT * FROM shard_2.t -- waits\n",
        ]
    );
    let seconds: f64 = second[8].parse().unwrap();
    assert!((0.0..60.0).contains(&seconds), "{seconds}");
    assert!(
        ran.stderr.contains("2 processes, 1 waiting, 1 blocking · "),
        "{}",
        ran.stderr
    );

    // Only those in the way, and only these shards.
    activity(&db, ["--blocking"]).run().assert(
        0,
        has_all([pid, "| SELECT pg_backend_pid();\n(1 row)"]),
        has("2 processes, 1 waiting, 1 blocking"),
    );
    activity(&db, ["--shards", "1", "--json"]).run().assert(
        0,
        has("\"holds\":\"ACCESS SHARE in shard_1\""),
        has("1/1 shards of 3"),
    );
    holder.run("ROLLBACK");
    waiter.finish().assert(0, has("1"), "");
}

#[test]
fn a_row_lock_and_an_advisory_lock_have_a_blocker_too() {
    let db = with_tables();
    let mut holder = db.session();
    holder.run("BEGIN; UPDATE shard_0.t SET n = 2; SELECT pg_advisory_lock(7)");
    let row = db
        .psql_program(["-c", "UPDATE shard_0.t SET n = 3"])
        .spawn();
    let advisory = db
        .psql_program(["-c", "SELECT pg_advisory_xact_lock(7)"])
        .spawn();
    db.until_waiting("Lock", 2);
    activity(&db, ["--csv"]).run().assert(
        0,
        has_all([
            ",ROW EXCLUSIVE in shard_0,the end of a transaction,",
            ",ROW EXCLUSIVE in shard_0,,,,",
            ",EXCLUSIVE on advisory,",
        ]),
        has("3 processes, 2 waiting, 1 blocking"),
    );
    holder.run("ROLLBACK; SELECT pg_advisory_unlock_all()");
    row.finish().assert(0, "", "");
    advisory.finish().assert(0, has("1 row"), "");
}

#[test]
fn a_prepared_transaction_is_in_the_way_without_a_process() {
    let server = private_server(Options {
        settings: vec![("max_prepared_transactions".into(), "2".into())],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards(0..2);
    db.in_each_shard("CREATE TABLE t (n int)");
    db.sql("BEGIN; LOCK TABLE shard_1.t; PREPARE TRANSACTION 'left''over'");
    let waiter = db.psql_program(["-c", "SELECT * FROM shard_1.t"]).spawn();
    db.until_waiting("Lock", 1);
    let ran = activity(&db, ["--csv"]).run();
    ran.assert(
        0,
        has_all([
            "\n,postgres,,,prepared,",
            ",ACCESS EXCLUSIVE in shard_1,,,,",
            ",PREPARE TRANSACTION 'left''over'\n",
            ",ACCESS SHARE on shard_1.t,",
            ",prepared,,SELECT * FROM shard_1.t\n",
        ]),
        has("2 processes, 1 waiting, 1 blocking"),
    );
    db.sql("ROLLBACK PREPARED 'left''over'");
    waiter.finish().assert(0, has("(0 rows)"), "");
}

#[test]
fn statements_of_others_are_for_members_of_pg_monitor() {
    let db = with_tables();
    let role = format!("watches_{}", std::process::id());
    db.sql(&format!("CREATE ROLE {role} LOGIN"));
    let mut holder = db.session();
    holder.run("BEGIN; LOCK TABLE shard_2.t");
    let hint = "shardq: hint: statements of other users are hidden from this role; GRANT pg_monitor \
                TO it to see them\n";
    activity(&db, ["-U", &role, "--csv"]).run().assert(
        0,
        has(",ACCESS EXCLUSIVE in shard_2,,,,,<insufficient privilege>\n"),
        has(hint),
    );
    db.sql(&format!("GRANT pg_monitor TO {role}"));
    activity(&db, ["-U", &role, "--csv", "-q"]).run().assert(
        0,
        has(",LOCK TABLE shard_2.t;\n"),
        "",
    );
}

#[test]
fn it_is_shown_again_until_interrupted() {
    let db = with_tables();
    let terminal = Terminal::start(activity(&db, ["--watch", "100ms"]), 100, 30);
    terminal.wait_for(|shown| shown.matches("\x1b[H\x1b[2J").count() >= 3);
    terminal.signal("INT");
    let ran = terminal.finish();
    assert_eq!(ran.status, 130, "{ran:?}");
    assert!(ran.elapsed < Duration::from_secs(10), "{ran:?}");
    shardq(["activity", "--watch", "10ms"])
        .run()
        .assert(2, "", has("expected at least 100ms"));
}
