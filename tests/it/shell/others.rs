//! The commands that shardq has outside of the shell too, and which shards they ask.

use super::shell;
use crate::support::{ANY, Db, Program, has, has_all, shardq};

#[test]
fn they_print_what_they_print_outside() {
    let db = Db::with_sample(4);
    for (command, outside) in [
        (
            "\\dt --csv --no-drift",
            &["tables", "--csv", "--no-drift"][..],
        ),
        ("\\dn --csv", &["shards", "--csv"]),
        ("\\d --csv origins", &["describe", "--csv", "origins"]),
        ("\\find core", &["find", "core"]),
        ("\\drift --csv", &["drift", "--csv"]),
    ] {
        let expected = shardq([]).args(outside).db(&db).run();
        let ran = shell(&db, &format!("{command}\n")).run();
        assert_eq!(ran.stdout, expected.stdout, "{command}: {}", ran.stderr);
        assert!(!ran.stdout.is_empty(), "{command}");
    }
}

#[test]
fn a_usage_error_is_that_of_the_command() {
    let db = Db::with_shards(1);
    shell(&db, "\\dt --nonsense\n")
        .run()
        .assert(3, "", has("unexpected argument '--nonsense'"));
    shell(&db, "\\find --help\n")
        .run()
        .assert(0, has("shardq find [OPTIONS] <KEY>"), "");
}

#[test]
fn shards_are_chosen_for_all_that_follows() {
    let db = Db::with_numbers(4);
    let script = "\\shards 1-2\nSELECT n FROM t;\n\\dn --csv --top 9\n\\shards\n\\shards all\n\
                  SELECT count(*) AS c FROM t \\gg\n\\shards 77\n";
    shell(&db, script).args(["--csv", "-q"]).run().assert(
        3,
        has_all([
            "n\n1\n2\n",
            "\nshard_1,",
            "Statements run in these shards: 1-2.",
            "c\n4\n",
        ]),
        has("77"),
    );
}

#[test]
fn a_statement_is_repeated_as_often_as_asked() {
    let db = Db::with_shards(1);
    let ran = shell(&db, "SELECT 7 AS n \\watch 0.01 3\n")
        .args(["--csv", "-q"])
        .run();
    ran.assert(0, has("(every 0.01s)"), "");
    assert_eq!(ran.stdout.matches("n\n7\n").count(), 3, "{}", ran.stdout);
}

#[test]
fn another_database_is_connected_to_or_the_first_kept() {
    let (one, other) = (Db::with_numbers(1), Db::with_shards(2));
    let script = format!(
        "\\c \"{}\"\nSELECT 1 AS a;\n\\c nowhere\nSELECT 2 AS b;\n",
        other.name()
    );
    let ran = shell(&one, &script)
        .args(["--csv", "-v", "ON_ERROR_STOP=0"])
        .run();
    let connected = format!("You are now connected to database \"{}\"", other.name());
    ran.assert(
        0,
        has_all([connected.as_str(), "a\n1\n1\n", "b\n2\n2\n"]),
        has("nowhere"),
    );
    let user = one.variable("PGUSER");
    shell(&one, "\\conninfo\n").run().assert(
        0,
        has_all(["You are connected to database", user]),
        ANY,
    );
}

#[test]
fn psql_in_a_shard_and_back() {
    let db = Db::with_numbers(3);
    let path = format!(
        "{}:{}",
        db.programs().display(),
        std::env::var("PATH").unwrap()
    );
    let script = "\\psql 2 -- -XAtc 'SELECT n FROM t'\n\\echo back\n";
    shell(&db, script)
        .env("PATH", path)
        .run()
        .assert(0, "2\nback\n", has("shard_2, read-only"));
}

/// `\watch` ends by itself once nobody reads.
#[test]
fn a_closed_pipe_ends_the_shell() {
    let db = Db::with_shards(1);
    let script = "\"$0\" shell --csv -q | head -n 4";
    let ran = Program::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_shardq")])
        .db(&db)
        .stdin("SELECT 7 AS n \\watch 0.01\n")
        .run();
    ran.assert(0, has("shard_0,7\n"), "");
    db.assert_nothing_runs();
}
