//! `shardq find` where shards do not answer, or the run is interrupted.

use crate::support::{Db, Running, has, has_all, insert, on_a_terminal, shardq, with_origins};

#[test]
fn a_lock_is_not_waited_for_and_costs_no_other_shard() {
    let db = with_origins(4);
    insert(&db, 1, 5, "core");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_3.origins");
    shardq(["find", "--lock-timeout", "10ms", "core"])
        .db(&db)
        .run()
        .assert(
            3,
            has("MISPLACED: expected shard_2, found in shard_1\n"),
            has_all([
                "shardq: error: shard_3: ERROR 55P03: canceling statement due to lock timeout\n",
                "3/4 shards searched",
            ]),
        );
    // It cannot be said now that the key is nowhere.
    shardq(["find", "--lock-timeout", "10ms", "--json", "redis"])
        .db(&db)
        .run()
        .assert(3, has("{\"answered\":3,\"expected\":4}"), has("55P03"));
    migration.run("LOCK TABLE shard_2.origins");
    shardq(["find", "--lock-timeout", "10ms", "core"])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            has_all([
                "shardq: error: not verified: shard_2: ERROR 55P03",
                "--lock-timeout",
            ]),
        );
}

/// A role that owns nothing and can read what the test grants.
fn reader(db: &Db) -> String {
    let name = format!("reader_{}", db.name());
    let role = name[..name.len().min(60)].to_owned();
    db.sql(&format!("CREATE ROLE \"{role}\" LOGIN"));
    db.in_each_shard(&format!(
        "GRANT USAGE ON SCHEMA shard_{{n}} TO \"{role}\";
         GRANT SELECT ON ALL TABLES IN SCHEMA shard_{{n}} TO \"{role}\""
    ));
    role
}

#[test]
fn a_table_that_may_not_be_read_is_named() {
    let db = with_origins(1);
    insert(&db, 0, 721_096_797_631_602_688, "core");
    let role = reader(&db);
    db.in_shard(0, "CREATE TABLE secrets (id bigint PRIMARY KEY)");
    shardq(["find", "-U", &role, "721096797631602688"])
        .db(&db)
        .run()
        .assert(
            0,
            has("verified: in origins (core)\n"),
            "shardq: warning: not searched, because you may not read it: secrets\n",
        );
}

#[test]
fn a_shard_with_a_table_that_may_not_be_read_has_not_answered() {
    let db = with_origins(8);
    // The id encodes shard_2.
    insert(&db, 5, 721_096_797_631_602_690, "core");
    let role = reader(&db);
    db.in_shard(5, &format!("REVOKE SELECT ON origins FROM \"{role}\""));
    let find = || {
        shardq(["find", "721096797631602690"])
            .args(["-U", &role])
            .db(&db)
    };
    find().run().assert(
        3,
        "",
        has_all([
            "shardq: error: shard_5: not searched, because you may not read it: origins\n",
            "id 721096797631602690 not found in the searched shards; it belongs in shard_2",
            "\n7/8 shards searched, missing: shard_5 · ",
        ]),
    );
    find().args(["--json", "-q"]).run().assert(
        3,
        has("\"searched\":{\"answered\":7,\"expected\":8}"),
        has("shard_5: not searched"),
    );
    // A search of its other tables is incomplete.
    db.in_each_shard(&format!(
        "CREATE TABLE others (id bigint PRIMARY KEY); GRANT SELECT ON others TO \"{role}\""
    ));
    find()
        .run()
        .assert(3, "", has_all(["shard_5: not searched", "\n7/8 shards"]));
    // A shard that did not answer is reported once, even if the key belongs there.
    db.in_shard(2, &format!("REVOKE SELECT ON origins FROM \"{role}\""));
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_5.others");
    let ran = find().args(["--lock-timeout", "10ms"]).run();
    ran.assert(
        3,
        "",
        has_all([
            "shardq: error: shard_5: ERROR 55P03",
            "\nshardq: error: shard_2, shard_5 (2 shards): not searched, because you may not read it: origins\n",
            "\n6/8 shards searched, missing: shard_2, shard_5 · ",
        ]),
    );
    assert_eq!(ran.stderr.matches("not searched").count(), 1);
}

/// Makes a shard's origins slower to read than the delay of the progress line.
fn slow(db: &Db, shard: u32) {
    db.in_shard(
        shard,
        "DROP TABLE origins;
         CREATE VIEW origins AS
         SELECT id, name
         FROM (SELECT 1::bigint AS id, 'slow' AS name, pg_sleep(0.7) OFFSET 0) AS s",
    );
}

#[test]
fn on_a_terminal_the_progress_line_is_gone_before_the_result() {
    let db = with_origins(4);
    insert(&db, 1, 5, "core");
    slow(&db, 3);
    let Some(find) = on_a_terminal("find core") else {
        return;
    };
    let ran = find.db(&db).run();
    assert_eq!(ran.status, 3, "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("\r4/4 shards searched\x1b[K\r\x1b[KMISPLACED: expected shard_2"),
        "{:?}",
        ran.stdout
    );
}

#[test]
fn on_a_terminal_the_progress_line_is_gone_before_what_ended_the_run() {
    let db = with_origins(4);
    slow(&db, 0);
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_3.origins");
    let Some(find) = on_a_terminal("find --lock-timeout 0 core") else {
        return;
    };
    let mut run = find.db(&db).spawn_interactive();
    run.wait_for_stdout(|text| text.contains("3/4 shards searched"));
    run.feed("\x03");
    let ran = run.finish();
    assert_eq!(ran.status, 130, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("\r\x1b[Kshardq: error: interrupted; "),
        "{:?}",
        ran.stdout
    );
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let db = with_origins(4);
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_2.origins");
    let run = waiting_for_a_lock(&db);
    run.signal("INT");
    run.finish().assert(
        130,
        "",
        "shardq: error: interrupted; nothing is left running on the server\n",
    );
    assert_eq!(db.backends("shardq"), [""; 0]);
}

#[test]
fn a_lost_connection_is_had_again() {
    let db = with_origins(4);
    insert(&db, 2, 5, "core");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_2.origins");
    let run = waiting_for_a_lock(&db);
    db.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'shardq'",
    );
    run.wait_for_stderr(|text| text.contains("retrying at a new snapshot"));
    migration.run("COMMIT");
    run.finish()
        .assert(0, has("verified: origins.id 5\n"), has("57P01"));
}

fn waiting_for_a_lock(db: &Db) -> Running {
    let run = shardq(["find", "--lock-timeout", "0", "core"])
        .db(db)
        .spawn();
    db.until_waiting("Lock", 1);
    run
}
