//! Connections stay open between statements, and nothing else stays.

use shardq::sandbox::Options;

use super::shell;
use crate::support::{
    ANY, Db, PgBouncer, Running, Terminal, eventually, has, has_all, private_server, shardq,
};

fn waiting(db: &Db, arguments: &[&str]) -> Running {
    let shell = shardq(["shell", "--csv", "--no-shard-column"]).args(arguments);
    shell.db(db).spawn_interactive()
}

/// Runs a statement, and waits for its result.
fn ask(shell: &mut Running, sql: &str, result: &str) {
    shell.feed(&format!("{sql}\n"));
    shell.wait_for_stdout(|shown| shown.ends_with(result));
}

#[test]
fn the_second_statement_runs_on_the_connection_of_the_first() {
    let db = Db::with_shards(1);
    let script = "SELECT pg_backend_pid() AS p;\nSELECT pg_backend_pid() AS p;\n\\g on\n\
                  SELECT pg_backend_pid() AS p;\n";
    let ran = shell(&db, script).args(["--csv", "-q", "-j", "1"]).run();
    ran.assert(0, ANY, "");
    let pids: Vec<_> = ran.stdout.lines().filter(|line| *line != "p").collect();
    assert_eq!(pids.len(), 3, "{pids:?}");
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
}

#[test]
fn between_statements_there_are_idle_connections_and_no_locks() {
    let db = Db::with_numbers(8);
    let mut shell = waiting(&db, &[]);
    let lock = "SELECT count(*) FROM (SELECT pg_try_advisory_lock(7) FROM t) AS l;";
    ask(&mut shell, lock, "1\n1\n1\n1\n1\n1\n1\n1\n");
    shell.wait_for_stderr(|said| said.contains("8/8 shards"));
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype <> 'virtualxid' \
                 AND pid <> pg_backend_pid() \
                 AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    eventually("only idle connections are left", || {
        let states = db.backends("shardq");
        !states.is_empty() && states.iter().all(|state| state == "idle")
    });
    assert_eq!(db.ask(locks), "0");
    assert!(db.backends("shardq").len() <= 4);
    shell.feed("\\q\n");
    shell.finish().assert(0, ANY, ANY);
    db.assert_nothing_runs();
}

#[test]
fn databases_that_are_only_listed_keep_no_connection() {
    let server = private_server(Options::default());
    let (db, other) = (Db::on(&server), Db::on(&server));
    db.create_shards(0..1);
    let mut shell = waiting(&db, &[]);
    ask(&mut shell, "SELECT 5 AS f;", "f\n5\n");
    shell.feed("\\l --csv\n");
    shell.wait_for_stdout(|shown| shown.contains(&format!("\n{},", other.name())));
    eventually("they are closed", || other.backends("shardq").is_empty());
    assert!(!db.backends("shardq").is_empty());
    shell.finish().assert(0, ANY, ANY);
}

#[test]
fn a_failed_statement_leaves_nothing_either() {
    let db = Db::with_numbers(2);
    let mut shell = waiting(&db, &["-v", "ON_ERROR_STOP=0"]);
    shell.feed("SELECT 1/n FROM t;\nSELECT FROM WHERE;\nSELECT * FROM nothing;\n");
    ask(&mut shell, "SELECT 5 AS f;", "f\n5\n5\n");
    eventually("only idle connections are left", || {
        let states = db.backends("shardq");
        !states.is_empty() && states.iter().all(|state| state == "idle")
    });
    shell.finish().assert(0, ANY, ANY);
}

#[test]
fn a_shard_that_came_or_went_is_noticed() {
    let db = Db::with_shards(2);
    let mut shell = waiting(&db, &[]);
    ask(&mut shell, "SELECT 1 AS a;", "a\n1\n1\n");
    db.create_shards([2]);
    ask(&mut shell, "SELECT 2 AS b;", "b\n2\n2\n2\n");
    db.sql("DROP SCHEMA shard_1");
    ask(&mut shell, "SELECT 3 AS c;", "c\n3\n3\n");
    let ran = shell.finish();
    ran.assert(
        0,
        ANY,
        has_all(["2/2 shards", "3/3 shards", "shard_1 missing (gap"]),
    );
}

#[test]
fn idle_connections_are_closed_after_a_while() {
    let db = Db::with_shards(1);
    let mut shell = waiting(&db, &["--idle", "200ms"]);
    ask(&mut shell, "SELECT 1 AS a;", "a\n1\n");
    db.assert_nothing_runs();
    ask(&mut shell, "SELECT 2 AS b;", "b\n2\n");
    let ran = shell.finish();
    ran.assert(0, ANY, ANY);
    assert!(!ran.stderr.contains("lost"), "{}", ran.stderr);
}

#[test]
fn a_lost_connection_is_replaced_and_said() {
    let db = Db::with_shards(1);
    let mut shell = waiting(&db, &[]);
    ask(&mut shell, "SELECT 1 AS a;", "a\n1\n");
    db.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE application_name = 'shardq' AND datname = current_database()",
    );
    ask(&mut shell, "SELECT 2 AS b;", "b\n2\n");
    shell.finish().assert(
        0,
        ANY,
        has("the connection was lost since the last statement; reconnected"),
    );
}

#[test]
fn a_password_is_asked_for_once() {
    let server = private_server(Options {
        hba: Some("local all scram scram-sha-256\nlocal all all trust".to_owned()),
        ..Options::default()
    });
    let db = Db::on(&server);
    db.sql(
        "CREATE SCHEMA shard_0; CREATE ROLE scram LOGIN PASSWORD 'hunter2';
         GRANT USAGE ON SCHEMA shard_0 TO scram",
    );
    let program = shardq(["--color=never", "shell", "-U", "scram", "--idle", "100ms"]).db(&db);
    let asked = "Password for user scram: ";
    let mut terminal = Terminal::start(program, 120, 24);
    terminal.wait_for(|screen| screen.contains(asked));
    terminal.type_in("hunter2\r");
    // New connections each time, because the idle ones are closed meanwhile.
    for line in ["SELECT 'one' || 1;", "\\dn", "SELECT 'two' || 2 \\gg"] {
        terminal.wait_for(|screen| screen.ends_with("C\x1b[?2026l"));
        db.assert_nothing_runs();
        terminal.type_in(&format!("{line}\r"));
    }
    terminal.wait_for(|screen| screen.contains(" two2\r") && screen.ends_with("C\x1b[?2026l"));
    terminal.type_in("\x04");
    let ran = terminal.finish();
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    assert_eq!(ran.stdout.matches(asked).count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains(" | one1"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
}

#[test]
fn a_pooler_may_give_each_statement_another_connection() {
    let db = Db::with_numbers(6);
    for pool_size in [1, 2] {
        let Some(pooler) = PgBouncer::in_front_of(&db, pool_size) else {
            return;
        };
        let shell = shardq(["shell", "--csv", "--no-shard-column"]);
        let mut shell = pooler.lead(shell, &db).spawn_interactive();
        for number in 7..10 {
            let sql = format!("SELECT n + {number} AS a FROM t WHERE n > 3;");
            let rows = [4, 5].map(|n| (n + number).to_string() + "\n").concat();
            ask(&mut shell, &sql, &format!("a\n{rows}"));
        }
        ask(&mut shell, "SELECT count(*) AS c FROM t \\gg", "c\n6\n");
        // With one connection, a snapshot that is held leaves none for a statement.
        if pool_size > 1 {
            let frozen = "\\freeze\nSELECT n AS b FROM t WHERE n > 4;";
            ask(&mut shell, frozen, "b\n5\n");
            db.in_shard(5, "UPDATE t SET n = 50");
            ask(&mut shell, "SELECT n AS d FROM t WHERE n > 4;", "d\n5\n");
            ask(
                &mut shell,
                "\\thaw\nSELECT n AS e FROM t WHERE n > 5;",
                "e\n50\n",
            );
        }
        shell.finish().assert(0, ANY, has("6/6 shards"));
    }
}
