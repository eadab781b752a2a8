//! `shardq watch`: what changed between one round and the next.

use crate::support::{ANY, Db, Program, Running, folder, has, has_all, shardq};

fn watch<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    let program = shardq(["watch", "--every", "100ms"]).args(args).db(db);
    program.env("PGAPPNAME", "watches")
}

/// Begins, and has counted the rows of the first round.
fn begun(program: Program) -> Running {
    let running = program.spawn();
    running.wait_for_stderr(|text| text.contains("; again every 100ms"));
    running
}

/// Without the time, which is the first column.
fn untimed(csv: &str) -> Vec<&str> {
    let rows = csv.lines().map(|line| line.split_once(',').unwrap().1);
    rows.collect()
}

#[test]
fn rows_that_are_added_gone_or_changed_are_printed() {
    let db = Db::with_rows(3);
    let sql = "SELECT n, v FROM t";
    let running = begun(watch(&db, [sql, "--key", "n", "--csv"]));
    db.sql(
        "BEGIN; UPDATE shard_0.t SET v = 'new'; DELETE FROM shard_1.t;
         INSERT INTO shard_2.t VALUES (0, NULL); COMMIT",
    );
    running.wait_for_stderr(|text| text.contains("1 added, 1 gone, 1 changed; 3 rows"));
    db.in_shard(2, "DELETE FROM t WHERE v IS NULL");
    running.wait_for_stderr(|text| text.contains("1 gone; 2 rows"));
    running.signal("INT");
    let ran = running.finish();
    assert_eq!(
        untimed(&ran.stdout),
        [
            "change,shard,n,v",
            "gone,shard_1,1,v1",
            "before,shard_0,0,v0",
            "after,shard_0,0,new",
            "added,shard_2,0,",
            "gone,shard_2,0,",
        ]
    );
    ran.assert(130, ANY, has("3 rows; again every 100ms\n"));
    db.assert_nothing_runs();
}

#[test]
fn without_a_key_a_changed_row_is_another_one() {
    let db = Db::with_rows(1);
    let running = begun(watch(&db, ["SELECT v FROM t", "--jsonl", "--until-change"]));
    db.in_shard(0, "UPDATE t SET v = 'new'");
    let ran = running.finish();
    assert!(ran.stdout.starts_with("{\"time\":\"2"), "{}", ran.stdout);
    ran.assert(
        0,
        has_all([
            "Z\",\"change\":\"gone\",\"shard\":\"shard_0\",\"v\":\"v0\"}\n",
            "Z\",\"change\":\"added\",\"shard\":\"shard_0\",\"v\":\"new\"}\n",
        ]),
        has("1 added, 1 gone; 1 row\n"),
    );
}

#[test]
fn one_answer_over_all_shards_is_watched_too() {
    let db = Db::with_numbers(2);
    let sql = "SELECT count(*) AS c FROM t";
    let running = begun(watch(&db, ["-g", sql, "--csv", "--until-change"]));
    db.in_shard(1, "INSERT INTO t VALUES (7)");
    let ran = running.finish();
    assert_eq!(untimed(&ran.stdout), ["change,c", "gone,2", "added,3"]);
    ran.assert(0, ANY, has("1 added, 1 gone; 1 row\n"));
}

#[test]
fn it_ends_when_nothing_is_left_or_after_as_many_rounds() {
    let db = Db::with_rows(2);
    watch(&db, ["SELECT n FROM t", "--count", "2", "-q"])
        .run()
        .assert(0, "", "");
    let running = begun(watch(&db, ["SELECT n FROM t", "--until-empty", "--csv"]));
    db.in_each_shard("DELETE FROM t");
    running
        .finish()
        .assert(0, has(",gone,shard_1,1\n"), has("; 0 rows\n"));
    watch(&db, ["SELECT n FROM t", "--until-empty", "-q"])
        .run()
        .assert(0, "", "");
}

#[test]
fn a_program_gets_the_difference_as_json() {
    let db = Db::with_rows(2);
    let folder = folder();
    let file = folder.path().join("difference.json");
    let command = format!("cat > '{}'; echo done; exit 3", file.display());
    let sql = "SELECT n, v FROM t";
    let running = begun(
        watch(
            &db,
            [sql, "--key=n", "--csv", "--until-change", "--on-change"],
        )
        .args([&command]),
    );
    db.sql("BEGIN; UPDATE shard_0.t SET v = 'it''s \"new\"'; DELETE FROM shard_1.t; COMMIT");
    let ran = running.finish();
    assert!(!ran.stdout.contains("done"), "{}", ran.stdout);
    ran.assert(
        0,
        ANY,
        has_all([
            "done\n",
            "shardq: warning: --on-change failed: exit status: 3\n",
        ]),
    );
    let text = std::fs::read_to_string(file).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(json["time"].as_str().unwrap().ends_with('Z'), "{json}");
    assert_eq!(json["sql"], sql);
    assert_eq!(json["rows"], 1);
    assert_eq!(json["added"], serde_json::json!([]));
    assert_eq!(
        json["gone"],
        serde_json::json!([{"shard": "shard_1", "n": 1, "v": "v1"}])
    );
    assert_eq!(
        json["changed"],
        serde_json::json!([{
            "before": {"shard": "shard_0", "n": 0, "v": "v0"},
            "after": {"shard": "shard_0", "n": 0, "v": "it's \"new\""},
        }])
    );
}

#[test]
fn rows_of_a_shard_that_does_not_answer_are_not_gone() {
    let db = Db::with_rows(3);
    let sql = "SELECT n FROM t";
    let running = begun(watch(&db, [sql, "--csv", "--lock-timeout", "20ms"]));
    let mut holder = db.session();
    holder.run("BEGIN; LOCK TABLE shard_1.t");
    running.wait_for_stderr(|text| {
        let warning = "the result is not complete, so it is not compared";
        text.contains("shard_1: ") && text.contains(warning)
    });
    holder.run("COMMIT");
    db.in_shard(2, "INSERT INTO t VALUES (9)");
    let printed = running.wait_for_stdout(|text| text.lines().count() == 2);
    assert_eq!(untimed(&printed), ["change,shard,n", "added,shard_2,9"]);
    running.signal("TERM");
    running.finish().assert(130, ANY, ANY);
}

#[test]
fn a_server_that_is_away_for_a_while_is_no_change() {
    use shardq::sandbox::{Options, Shutdown};
    let mut server = crate::support::private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..2);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let running = begun(watch(&db, ["SELECT n FROM t", "--csv"]));
    server.stop(Shutdown::Fast).unwrap();
    running.wait_for_stderr(|text| text.contains("is not compared"));
    running.signal("INT");
    running.finish().assert(130, "", has("shardq: error: "));
}

#[test]
fn the_first_round_says_what_is_wrong() {
    let db = Db::with_rows(2);
    watch(&db, ["SELECT nothing FROM t"]).run().assert(
        1,
        "",
        has("column \"nothing\" does not exist"),
    );
    watch(&db, ["SELECT n FROM t", "--key", "m"]).run().assert(
        2,
        "",
        has("--key: the result has no column \"m\"; its columns are n"),
    );
    for (args, message) in [
        (["-o", "x.csv"], "-o has no meaning"),
        (["-c", "SELECT 2"], "single statement"),
        (["--format", "json"], "use --jsonl"),
    ] {
        watch(&db, ["-c", "SELECT 1"])
            .args(args)
            .run()
            .assert(2, "", has(message));
    }
    let mut holder = db.session();
    holder.run("BEGIN; LOCK TABLE shard_1.t");
    watch(&db, ["SELECT n FROM t", "--lock-timeout", "20ms"])
        .run()
        .assert(3, "", has("shard_1: "));
}

#[test]
fn drift_is_watched_by_its_name() {
    let db = Db::with_rows(6);
    let program = watch(&db, ["drift", "--csv", "--count", "1000"]).args(["--on-change", "cat"]);
    let running = program.spawn();
    running.wait_for_stderr(|text| text.contains("Z: 0 differences; again every 100ms\n"));
    db.in_shard(1, "ALTER TABLE t ADD more int");
    running.wait_for_stderr(|text| text.contains("Z: 1 added; 1 difference\n"));
    // A table that cannot be read is no change, and says why.
    let mut holder = db.session();
    holder.run("BEGIN; LOCK TABLE shard_1.t");
    running.wait_for_stderr(|text| {
        text.contains("shardq: warning: shard_1.t is locked by process")
            && text.contains("the result is not complete, so it is not compared")
    });
    holder.run("COMMIT");
    // What another shard has, too, is the same difference.
    db.in_shard(2, "ALTER TABLE t ADD more int");
    db.in_shard(3, "CREATE TABLE u (n int)");
    running.wait_for_stdout(|text| text.contains("shard_1-2") && text.contains("shard_3,table,u"));
    running.signal("INT");
    let ran = running.finish();
    let rows = untimed(&ran.stdout);
    assert_eq!(
        rows[..2],
        [
            "change,shards,kind,object,has,expected",
            "added,shard_1,column,t.more,integer,"
        ]
    );
    assert!(rows.contains(&"before,shard_1,column,t.more,integer,"));
    assert!(rows.contains(&"after,shard_1-2,column,t.more,integer,"));
    assert!(!ran.stdout.contains("gone"), "{}", ran.stdout);
    ran.assert(
        130,
        ANY,
        has_all([
            "\"sql\": \"drift\"",
            "\"added\": [{\"shards\":\"shard_1\",\"kind\":\"column\",\"object\":\"t.more\"",
        ]),
    );
    db.assert_nothing_runs();
}

#[test]
fn drift_ends_like_a_query() {
    let db = Db::with_rows(3);
    let no_drift = ["drift", "--until-empty", "-q"];
    watch(&db, no_drift).run().assert(0, "", "");
    watch(&db, ["drift", "--count", "2"]).run().assert(
        0,
        "",
        has("Z: 0 differences; again every 100ms\n"),
    );
    let running = watch(&db, ["drift", "--until-change", "--jsonl"]).spawn();
    running.wait_for_stderr(|text| text.contains("again every"));
    db.in_shard(0, "DROP TABLE t");
    running.finish().assert(
        0,
        has("\"change\":\"added\",\"shards\":\"shard_0\",\"kind\":\"table\",\"object\":\"t\",\"has\":null"),
        has("1 added; 1 difference\n"),
    );
    watch(&db, ["drift", "-g"]).run().assert(
        2,
        "",
        has("--global is for queries; remove it to watch drift"),
    );
}
