//! Statements from standard input.

use super::shell;
use crate::support::{ANY, Db, has, has_all, shardq};

#[test]
fn a_statement_ends_with_its_semicolon_and_runs_as_query_does() {
    let db = Db::with_numbers(2);
    shardq(["shell", "--csv"])
        .db(&db)
        .stdin("SELECT n,\n ';' AS s\n FROM t; SELECT n + 1 AS m FROM t;\n")
        .run()
        .assert(
            0,
            "shard,n,s\nshard_0,0,;\nshard_1,1,;\nshard,m\nshard_0,1\nshard_1,2\n",
            has_all(["2 rows · 2/2 shards · one snapshot"]),
        );
    db.assert_nothing_runs();
}

#[test]
fn the_first_error_ends_a_script() {
    let db = Db::with_shards(1);
    shell(&db, "SELECT 1 AS a;\nSELECT 1/0;\nSELECT 2;\n")
        .args(["--csv"])
        .run()
        .assert(
            3,
            "a\n1\n",
            has_all([
                "division by zero",
                "stopped at line 2 of standard input; the rest did not run",
            ]),
        );
}

#[test]
fn told_to_go_on_it_does() {
    let db = Db::with_shards(1);
    let script = "SELECT 1/0;\nSELECT 2 AS b;\n";
    shell(&db, script)
        .args(["--csv", "-v", "ON_ERROR_STOP=0"])
        .run()
        .assert(0, "b\n2\n", has("division by zero"));
}

#[test]
fn a_shard_that_fails_ends_it_too_and_is_asked_again() {
    let db = Db::with_numbers(3);
    db.in_shard(1, "DROP TABLE t");
    let script = "SELECT n FROM t;\n\\again\n";
    let csv = |arguments: [&str; 2]| {
        let shell = shardq(["shell", "--csv"]).db(&db).stdin(script);
        shell.args(arguments).run()
    };
    let rows = "shard,n\nshard_0,0\nshard_2,2\n";
    csv(["-j", "1"]).assert(3, rows, has_all(["shard_1", "stopped at line 1"]));
    csv(["-v", "ON_ERROR_STOP=off"]).assert(0, rows, has_all(["2/3 shards", "0/1 shards of 3"]));
}

#[test]
fn anything_but_a_read_is_refused_as_in_query() {
    let db = Db::with_numbers(1);
    shell(&db, "DELETE FROM t;\n")
        .run()
        .assert(3, "", has("not a query"));
    assert_eq!(db.ask("SELECT count(*) FROM shard_0.t"), "1");
}

#[test]
fn the_end_of_the_input_ends_the_last_statement() {
    let db = Db::with_shards(1);
    shell(&db, "SELECT 1 AS a")
        .args(["--csv"])
        .run()
        .assert(0, "a\n1\n", has("1/1 shards"));
    shell(&db, "").run().assert(0, "", "");
}

#[test]
fn all_shards_are_one_from_g_on_to_g_off_and_for_gg() {
    let db = Db::with_numbers(3);
    let script = "SELECT count(*) FROM t \\gg\n\\g on\nSELECT sum(n) FROM t;\n\\g off\n\
                  SELECT n FROM t;\n";
    shell(&db, script)
        .args(["--csv", "-q"])
        .run()
        .assert(0, "count\n3\nsum\n3\nn\n0\n1\n2\n", "");
}

#[test]
fn what_psql_has_and_the_shell_has_not_is_one_sentence() {
    let db = Db::with_shards(1);
    for (command, answer) in [
        (
            "\\copy t to 'x'",
            "the shell does not have psql's \\copy; use \\export FILE",
        ),
        (
            "\\dv",
            "the shell does not have psql's \\dv; use \\psql SHARD",
        ),
        (
            "\\exprt",
            "invalid command \\exprt; try \\? for help; did you mean \\export?",
        ),
        (
            "\\x maybe",
            "unrecognized value \"maybe\" for \"\\x\": expected on, off or auto",
        ),
        ("\\i", "\\i: missing required argument"),
        ("\\a b", "\\a: extra argument \"b\""),
        ("\\echo 'a", "unterminated quoted string"),
    ] {
        shell(&db, &format!("{command}\n"))
            .run()
            .assert(3, "", has(answer));
    }
}

#[test]
fn variables_are_those_of_the_command_line_and_of_set() {
    let db = Db::with_shards(1);
    let script = "\\set b 'it''s'\nSELECT :a + 1 AS n, :'b' AS s, ':a' AS literal;\n\\unset b\n\
                  \\echo :b\n\\set\n";
    shell(&db, script)
        .args(["--csv", "-q", "-v", "a=1"])
        .run()
        .assert(0, "n,s,literal\n2,it's,:a\n:b\na = '1'\n", "");
}

#[test]
fn a_dry_run_prints_what_would_be_sent() {
    let db = Db::with_shards(1);
    let script = "SELECT 'first';\nSELECT 'second';\n";
    let ran = shell(&db, script).args(["--dry-run"]).run();
    ran.assert(0, has_all(["SELECT 'first'", "SELECT 'second'"]), ANY);
}

#[test]
fn interrupted_a_script_ends() {
    let db = Db::with_shards(1);
    let script = "SELECT pg_sleep(600);\nSELECT 2;\n";
    let running = shell(&db, script).spawn();
    crate::support::eventually("it runs", || {
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' \
                        AND state = 'active' AND datname = current_database() \
                        AND pid <> pg_backend_pid()";
        db.ask(sleeping) == "1"
    });
    running.signal("INT");
    running
        .finish()
        .assert(130, "", has_all(["interrupted", "stopped at line 1"]));
    db.assert_nothing_runs();
}
