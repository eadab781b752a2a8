//! Progress of an export: on a terminal, in a log, and none with `--quiet`.

use std::path::Path;

use crate::support::{Db, Program, export, folder, has, has_all, on_a_terminal};

fn export_on_a_terminal(db: &Db, file: &Path, flags: &str) -> Option<Program> {
    let file = file.display();
    let program = on_a_terminal(&format!("export 'TABLE t' {flags} -o '{file}'"))?;
    Some(program.db(db))
}

#[test]
fn a_terminal_shows_shards_rows_bytes_pace_time_left_and_who_is_waited_for() {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) AS n; ANALYZE t");
    let folder = folder();
    let file = folder.path().join("t.csv");
    let mut other = db.session();
    other.run("BEGIN; LOCK TABLE shard_2.t");
    let Some(program) = export_on_a_terminal(&db, &file, "--lock-timeout 0 -j 1") else {
        return;
    };
    let export = program.spawn_interactive();
    let shown = export.wait_for_stdout(|text| text.contains("shard_2 for 1."));
    let line = shown
        .rsplit('\r')
        .find(|line| line.contains("shard_2 for 1."))
        .unwrap();
    // 2000 rows of "shard_0,1".
    for part in [
        "2/4 shards · 2,000 rows · 23.8 kB · ",
        " kB/s · about ",
        " left · shard_2 for 1.",
    ] {
        assert!(line.contains(part), "{part:?} in {line:?}");
    }
    other.run("ROLLBACK");
    let ran = export.finish();
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    // The line is erased before anything else is printed, and does not come back.
    let (_, after) = ran.stdout.rsplit_once("\r\x1b[K").unwrap();
    assert!(
        after.contains("t.csv: 47.") && after.contains("4,000 rows · 4/4 shards"),
        "{after:?}"
    );
    assert!(!after.contains("kB/s"), "{after:?}");
}

#[test]
fn the_time_left_is_that_of_the_shards_asked() {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT n FROM generate_series(1, 100 + {n} / 2 * 1000000) AS n; ANALYZE t",
    );
    let folder = folder();
    let file = folder.path().join("t.csv");
    let mut other = db.session();
    other.run("BEGIN; LOCK TABLE shard_1.t");
    let Some(program) = export_on_a_terminal(&db, &file, "--shards 0,1 --lock-timeout 0 -j 1")
    else {
        return;
    };
    let export = program.spawn_interactive();
    let shown = export.wait_for_stdout(|text| text.contains("shard_1 for 1."));
    let (_, left) = shown.rsplit_once(" · about ").unwrap();
    // As long again for the other half, not hours because of the shard that is not queried.
    let (left, _) = left.split_once(" left").unwrap();
    assert!(!left.contains("min"), "{left:?}");
    other.run("ROLLBACK");
    assert_eq!(export.finish().status, 0);
}

#[test]
fn nothing_is_shown_to_who_wants_it_quiet() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (n int)");
    let folder = folder();
    let file = folder.path().join("t.csv");
    let mut other = db.session();
    other.run("BEGIN; LOCK TABLE shard_1.t");
    // Longer than the delay of the progress line.
    let Some(program) = export_on_a_terminal(&db, &file, "--quiet --lock-timeout 1500ms") else {
        return;
    };
    let ran = program.run();
    assert_eq!(ran.status, 1, "{}", ran.stdout);
    assert!(ran.stdout.starts_with("shardq: error: "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("shards ·"), "{}", ran.stdout);
}

#[test]
fn a_long_run_says_where_it_is_in_a_log_too_and_is_not_timed_out() {
    let db = Db::with_shards(2);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let sql = "SELECT n, pg_sleep(0.011) FROM generate_series(1, 1000) AS n";
    let ran = export(&db, sql, &file).run();
    ran.assert(0, "", has_all(["/2 shards · ", " rows · ", "B/s"]));
    assert!(ran.stderr.lines().count() <= 4, "{}", ran.stderr);
    export(&db, sql, &file)
        .args(["--force", "--quiet", "--statement-timeout", "100ms"])
        .run()
        .assert(1, "", has("raise --timeout"));
}
