//! `\freeze`: several questions of one instant.

use super::shell;
use super::typist::Typist;
use crate::support::{ANY, Db, Running, Servers, eventually, has, shardq};

fn waiting(db: &Db, arguments: &[&str]) -> Running {
    let shell = shardq(["shell", "--csv", "-q"]).args(arguments);
    shell.db(db).spawn_interactive()
}

fn ask(shell: &mut Running, sql: &str, result: &str) {
    shell.feed(&format!("{sql}\n"));
    shell.wait_for_stdout(|shown| shown.ends_with(result));
}

#[track_caller]
fn assert_thawed(db: &Db) {
    eventually("no transaction is open", || {
        db.backends("shardq").iter().all(|state| state == "idle")
    });
}

#[test]
fn all_statements_read_one_snapshot_until_thaw() {
    let db = Db::with_numbers(2);
    for connections in ["1", "4"] {
        let mut shell = waiting(&db, &["-j", connections]);
        ask(
            &mut shell,
            "\\freeze\nSELECT count(*) AS a FROM t \\gg",
            "a\n2\n",
        );
        db.in_each_shard("INSERT INTO t VALUES (7)");
        ask(&mut shell, "SELECT count(*) AS b FROM t \\gg", "b\n2\n");
        ask(&mut shell, "SELECT n FROM t;", "n\nshard_0,0\nshard_1,1\n");
        ask(
            &mut shell,
            "\\thaw\nSELECT count(*) AS c FROM t \\gg",
            "c\n4\n",
        );
        assert_thawed(&db);
        shell.finish().assert(0, ANY, "");
        db.in_each_shard("DELETE FROM t WHERE n = 7");
    }
    db.assert_nothing_runs();
}

#[test]
fn it_ends_by_itself() {
    let db = Db::with_numbers(1);
    let mut shell = waiting(&db, &["--freeze-limit", "300ms", "-v", "ON_ERROR_STOP=0"]);
    ask(&mut shell, "\\freeze\n\\echo frozen", "frozen\n");
    assert_thawed(&db);
    shell.feed("\\thaw\n");
    shell.wait_for_stderr(|said| said.contains("there is no snapshot to end"));
    shell.finish().assert(0, ANY, ANY);
}

#[test]
fn lost_it_is_not_replaced_unnoticed() {
    let db = Db::with_numbers(1);
    let mut shell = waiting(&db, &["-v", "ON_ERROR_STOP=0"]);
    ask(
        &mut shell,
        "\\freeze\nSELECT n AS a FROM t;",
        "a\nshard_0,0\n",
    );
    db.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE application_name = 'shardq' AND datname = current_database()",
    );
    shell.feed("SELECT 1 AS b;\n");
    shell.wait_for_stderr(|said| said.contains("the snapshot was lost"));
    ask(&mut shell, "SELECT 2 AS c;", "c\nshard_0,2\n");
    let ran = shell.finish();
    ran.assert(0, "shard,a\nshard_0,0\nshard,c\nshard_0,2\n", ANY);
}

#[test]
fn without_a_common_snapshot_there_is_none_to_keep() {
    let db = Db::with_numbers(1);
    shell(&db, "\\freeze\n")
        .args(["--no-snapshot"])
        .run()
        .assert(3, "", has("there is nothing to freeze"));
    shell(&db, "\\thaw\n")
        .run()
        .assert(3, "", has("\\freeze takes one"));
}

#[test]
fn the_prompt_shows_its_age_and_what_it_costs() {
    let db = Db::with_numbers(1);
    let name = db.name();
    let program = shardq(["--color=never", "shell"]).db(&db);
    let mut typist = Typist::start(program, &format!("{name} 1/1=> "));
    typist.terminal.type_in("\\freeze\r");
    let frozen = format!("{name} 1/1 [frozen 0 s, ");
    typist
        .terminal
        .wait_for(|screen| screen.contains(&frozen) && screen.contains(" xids]=> "));
    typist.enter("\\thaw", &format!("{name} 1/1=> "));
    typist.leave();
}

#[test]
fn exports_and_inspections_read_it_too() {
    let db = Db::with_numbers(2);
    let folder = tempfile::tempdir().unwrap();
    let mut shell = waiting(&db, &[]);
    ask(
        &mut shell,
        "\\freeze\nSELECT n FROM t;",
        "n\nshard_0,0\nshard_1,1\n",
    );
    db.in_each_shard("INSERT INTO t VALUES (7)");
    ask(
        &mut shell,
        &format!(
            "\\export {}/a.csv\n\\echo exported",
            folder.path().display()
        ),
        "exported\n",
    );
    let exported = std::fs::read_to_string(folder.path().join("a.csv")).unwrap();
    assert_eq!(exported, "shard,n\nshard_0,0\nshard_1,1\n");
    shell.feed("\\dt --exact --no-drift --json\n\\thaw\n\\dt --exact --no-drift --json\n");
    shell.wait_for_stdout(|shown| {
        let before = shown.find("\"rows\":2,");
        before.is_some() && before < shown.find("\"rows\":4,")
    });
    shell.finish().assert(0, ANY, ANY);
    db.assert_nothing_runs();
}

#[test]
fn every_server_has_one() {
    let servers = Servers::with_shards(1);
    for (n, db) in (0..).zip(&servers.databases) {
        db.in_shard(n, "CREATE TABLE t AS SELECT 1 AS n");
    }
    let shell = servers.shardq(["shell", "--csv", "-q", "--no-shard-column"]);
    let mut shell = shell.spawn_interactive();
    let all = |name: &str| format!("{name}\n1\n1\n1\n1\n");
    ask(&mut shell, "\\freeze\nSELECT n AS a FROM t;", &all("a"));
    for (n, db) in (0..).zip(&servers.databases) {
        db.in_shard(n, "DELETE FROM t");
    }
    ask(&mut shell, "SELECT n AS b FROM t;", &all("b"));
    ask(
        &mut shell,
        "\\thaw\nSELECT count(*) AS c FROM t \\gg",
        "c\n0\n",
    );
    shell.finish().assert(0, ANY, "");
}
