//! Complete, or clearly incomplete: no shard vanishes, and each one that fails is named with
//! Postgres's own error. `expected` is about which shards there should be, `columns` about shards
//! whose columns disagree.

mod columns;
mod expected;

use std::time::Duration;

use crate::support::{ANY, Db, eventually, has, has_all, shardq};

/// Shards 0 to count-1, each with its number in a table.
fn numbered(count: u32) -> Db {
    let db = Db::with_shards(count);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    db
}

#[test]
fn a_run_ends_with_how_many_of_its_shards_answered() {
    shardq(["query", "--csv", "SELECT n FROM t"])
        .db(&numbered(3))
        .run()
        .assert(
            0,
            "shard,n\nshard_0,0\nshard_1,1\nshard_2,2\n",
            has("3 rows · 3/3 shards · one snapshot · "),
        );
}

#[test]
fn a_shard_without_the_table_is_named_and_not_answered_from_public() {
    let db = numbered(3);
    db.sql("CREATE TABLE public.t AS SELECT 99 AS n; DROP TABLE shard_1.t");
    shardq(["query", "-t", "SELECT n FROM t"])
        .db(&db)
        .run()
        .assert(
            3,
            " shard_0 | 0\n shard_2 | 2\n\n",
            has_all([
                "shardq: error: shard_1: ERROR 42P01: relation \"t\" does not exist\n\
                 LINE 1: SELECT n FROM t\n                      ^\n",
                "2 rows · 2/3 shards, missing: shard_1 · ",
            ]),
        );
}

#[test]
fn equal_errors_are_one_line_with_their_shards_as_ranges() {
    let db = numbered(12);
    for n in [3, 7, 8, 9] {
        db.in_shard(n, "DROP TABLE t");
    }
    let ran = shardq(["query", "-t", "SELECT n FROM t"]).db(&db).run();
    ran.assert(
        3,
        ANY,
        has_all([
            "shard_3, shard_7-9 (4 shards): ERROR 42P01: relation \"t\" does not exist\n",
            "8 rows · 8/12 shards, missing: shard_3, shard_7-9 · ",
        ]),
    );
    assert_eq!(ran.stderr.matches("ERROR").count(), 1, "{}", ran.stderr);
}

#[test]
fn a_locked_table_fails_its_shard_alone_and_soon() {
    let db = numbered(3);
    // The statement is also checked in the lowest shard.
    for (locked, rest) in [(0, ["1", "2"]), (2, ["0", "1"])] {
        let mut migration = db.session();
        migration.run(&format!("BEGIN; LOCK TABLE shard_{locked}.t"));
        let error =
            format!("shard_{locked}: ERROR 55P03: canceling statement due to lock timeout\n");
        let answered = rest.map(|n| format!("shard_{n},{n}\n")).concat();
        shardq(["query", "--csv", "-t", "--lock-timeout", "50ms"])
            .args(["SELECT n FROM t"])
            .db(&db)
            .run()
            .assert(3, &answered, has_all([error.as_str(), "2/3 shards"]));
        migration.run("ROLLBACK");
    }
}

#[test]
fn a_lock_timeout_names_who_holds_up_the_query() {
    let db = numbered(3);
    let mut holder = db.session();
    holder.run("SET application_name = 'night shift'; BEGIN; LOCK TABLE shard_1.t; SELECT 1");
    let mut reader = db.session();
    reader.run("SET application_name = 'reader'; BEGIN; SELECT FROM shard_2.t");
    // The reader holds up a migration, and everybody waits behind that.
    let migration = db
        .psql_program(["-c", "ALTER TABLE shard_2.t ADD added int"])
        .spawn();
    db.until_waiting("Lock", 1);
    let pid = db.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'reader'");
    shardq(["query", "--csv", "-t", "-j1", "--lock-timeout", "50ms"])
        .args(["SELECT n FROM t"])
        .db(&db)
        .run()
        .assert(
            3,
            "shard_0,0\n",
            has_all([
                "shardq: hint: shard_1.t is locked by process ",
                ", night shift, idle in transaction, for ",
                "last statement SELECT 1\n",
                &format!(" waits to lock shard_2.t, held up by process {pid}: ALTER TABLE"),
                "shardq: hint: retry, or wait longer with --lock-timeout\n",
            ]),
        );
    reader.run("COMMIT");
    migration.finish().assert(0, ANY, "");
}

#[test]
fn a_slow_shard_is_cancelled_by_the_server_when_its_time_is_up() {
    let db = numbered(3);
    shardq(["query", "--csv", "-t", "--timeout", "700ms"])
        .args(["SELECT n FROM t WHERE pg_sleep(CASE n WHEN 1 THEN 60 ELSE 0 END)::text = ''"])
        .db(&db)
        .run()
        .assert(
            3,
            "shard_0,0\nshard_2,2\n",
            has_all([
                "shard_1: ERROR 57014: canceling statement due to statement timeout\n",
                "2/3 shards",
            ]),
        );
}

#[test]
fn an_error_in_the_data_of_one_shard_is_that_shards() {
    shardq(["query", "--csv", "-t", "SELECT 1 / (n - 1) FROM t"])
        .db(&numbered(3))
        .run()
        .assert(
            3,
            "shard_0,-1\nshard_2,1\n",
            has_all([
                "shardq: error: shard_1: ERROR 22012: division by zero\n",
                "2/3 shards",
            ]),
        );
}

#[test]
fn rows_in_front_of_an_error_do_not_make_a_shard_answered() {
    let db = numbered(2);
    db.in_shard(
        0,
        "INSERT INTO t SELECT generate_series(1, 20000); INSERT INTO t VALUES (-1)",
    );
    shardq(["query", "--csv", "-t", "SELECT 1 / (n + 1) FROM t"])
        .db(&db)
        .run()
        .assert(
            3,
            has("shard_1,0\n"),
            has_all(["shard_0: ERROR 22012: division by zero\n", "1/2 shards"]),
        );
}

#[test]
fn when_no_shard_answers_the_run_has_failed() {
    let db = Db::with_shards(3);
    shardq(["query", "SELECT n FROM t"]).db(&db).run().assert(
        1,
        "",
        has_all([
            "all 3 shards: ERROR 42P01: relation \"t\" does not exist\n",
            "0 rows · 0/3 shards, missing: shard_0-2 · ",
        ]),
    );
}

#[test]
fn stop_at_the_first_error_stops_the_others_on_the_server() {
    let db = numbered(200);
    // One worker is held up in the first shard, and the other hits the error.
    let sql = "SELECT 1 / n, pg_sleep(CASE n WHEN 1 THEN 1000 ELSE 0 END) FROM \
               (SELECT CASE current_schema() WHEN 'shard_0' THEN 1 WHEN 'shard_199' THEN 0 \
               ELSE 2 END AS n) AS s";
    let ran = shardq(["query", "--csv", "--on-error", "stop", sql])
        .db(&db)
        .run();
    ran.assert(
        1,
        "",
        has_all([
            "shardq: error: shard_199: ERROR 22012: division by zero\n",
            "/200 shards",
        ]),
    );
    assert!(ran.elapsed < Duration::from_secs(30), "{:?}", ran.elapsed);
    eventually("no backend is left", || db.backends("shardq").is_empty());
}

#[test]
fn shards_stand_in_numeric_order_whatever_finished_first() {
    let db = Db::empty();
    db.create_shards([100, 10, 9, 2, 1, 0]);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let sql = "SELECT n FROM t, pg_sleep(CASE WHEN n = 0 THEN 0.2 ELSE 0 END)";
    shardq(["query", "-qt", "--csv", sql]).db(&db).run().assert(
        0,
        "shard_0,0\nshard_1,1\nshard_2,2\nshard_9,9\nshard_10,10\nshard_100,100\n",
        has("gap in shard numbers"),
    );
}

#[test]
fn rows_of_a_shard_keep_the_servers_order() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t AS SELECT x FROM unnest(ARRAY[3, 1, 2]) AS x");
    shardq(["query", "-qt", "--csv", "SELECT x FROM t ORDER BY -x"])
        .db(&db)
        .run()
        .assert(
            0,
            "shard_0,3\nshard_0,2\nshard_0,1\nshard_1,3\nshard_1,2\nshard_1,1\n",
            "",
        );
}
