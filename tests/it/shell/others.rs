//! The commands that shardq has outside of the shell too, and which shards they ask.

use super::shell;
use crate::support::{ANY, Db, Profile, Program, Servers, has, has_all, shardq};

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
        ("\\di --csv", &["indexes", "--csv"]),
        ("\\df --csv", &["functions", "--csv"]),
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

#[test]
fn one_server_is_chosen_for_all_that_follows() {
    let servers = Servers::with_shards(2);
    let script = "\\server\n\\server db3\nSELECT 7 AS n;\n\\dn --csv\n\\server all\n\
                  SELECT count(*) AS c FROM (SELECT 1) AS s \\g\n\\server db9\n";
    let ran = servers.shardq(["shell", "--csv", "-q"]).stdin(script).run();
    ran.assert(
        3,
        has_all([
            "db1\ndb2\ndb3\ndb4\nshard,n\n",
            "shard_4,7\n",
            "shard_5,7\n",
            "\nshard_4,0,",
            "db4,shard_7,1\n",
        ]),
        has("there is no server db9; there are db1, db2, db3, db4"),
    );
    assert_eq!(ran.stdout.matches("shard_7").count(), 1, "{}", ran.stdout);
}

#[test]
fn queries_have_names_in_the_profile() {
    let db = Db::with_numbers(2);
    let profile = Profile::new(
        "[live.queries]\nlarge = \"\"\"\nSELECT n FROM t\n  WHERE n >= :least;\"\"\"\nall = \"SELECT 7 AS a\"",
    );
    let run = |script: &str| {
        let shell = profile.of(shardq(["shell", "--csv", "-q"]).db(&db));
        shell.stdin(script).run()
    };
    run("\\named\n\\named large least=1\n\\g\n\\named all\n").assert(
        0,
        "all    SELECT 7 AS a\nlarge  SELECT n FROM t WHERE n >= :least;\n\
         shard,n\nshard_1,1\nshard,n\nshard_1,1\nshard,a\nshard_0,7\nshard_1,7\n",
        "",
    );
    run("\\named larg\n").assert(3, "", has("has no query larg; did you mean large?"));
    shell(&db, "\\named\n")
        .run()
        .assert(3, "", has("the profile has no named queries"));
}
