//! The flags of `shardq query`: which are there, which contradict each other, and what limits they set.
//! `source` is where the statement is from, `scope` what is queried, `results` what is printed.

mod dry_run;
mod results;
mod scope;
mod source;

use crate::support::{Db, Program, Text, has, has_all, shardq};

const TABLE: &str =
    "  shard  | n | v  \n---------+---+----\n shard_0 | 0 | v0\n shard_1 | 1 | v1\n(2 rows)\n\n";

const CSV: &str = "shard,n,v\nshard_0,0,v0\nshard_1,1,v1\n";

fn query<const N: usize>(args: [&str; N]) -> Program {
    shardq(["query"]).args(args)
}

/// Fails before connecting: there is no server.
#[track_caller]
fn assert_usage<'a, const N: usize>(args: [&str; N], stderr: impl Into<Text<'a>>) {
    let program = query(args)
        .env("PGHOST", "/nonexistent")
        .env("PGUSER", "nobody");
    program.run().assert(2, "", stderr);
}

#[test]
fn what_the_system_refuses_is_told_in_words_alone() {
    let db = Db::with_rows(2);
    for args in [
        &["query", "-f", "/no/such.sql"][..],
        &["query", "SELECT 1", "-o", "/no/such.csv"],
        &["query", "SELECT 1", "-h", "/no/such"],
        &["query", "SELECT 1", "-o", "/dev/full"],
        &["query", "SELECT 1", "-d", "service=x sslrootcert=/no/such"],
        &[
            "query",
            "SELECT 1",
            "-h",
            "localhost",
            "-d",
            "sslmode=verify-ca sslrootcert=/no/such",
        ],
        &["export", "SELECT 1", "-o", "/no/such.csv"],
        &["export", "SELECT 1", "-o", "/dev/full"],
        &["export", "SELECT 1", "-o", "/dev/null/x", "--per-shard"],
        &["verify", "/no/such.csv"],
        &["verify", "/dev/null"],
    ] {
        let ran = shardq([]).args(args).db(&db).run();
        assert!([1, 2].contains(&ran.status), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("os error"), "{args:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("shardq: error: "),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_mistyped_database_is_answered_with_those_that_there_are() {
    let db = Db::with_rows(2);
    for command in [
        &["query", "SELECT 1"][..],
        &["query", "-g", "SELECT 1"],
        &["find", "core"],
    ] {
        let ran = shardq([])
            .args(command)
            .args(["-d", "postgers"])
            .db(&db)
            .run();
        ran.assert(
            1,
            "",
            has_all([
                "FATAL:  database \"postgers\" does not exist\n",
                "shardq: hint: databases on this server (select one with -d): postgres, ",
            ]),
        );
        assert!(!ran.stderr.contains("template1"), "{}", ran.stderr);
    }
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for (args, named) in [
        (["SELECT 1", "-f", "x.sql"], "--file <FILE>"),
        (["SELECT 1", "--csv", "--json"], "--csv"),
        (["SELECT 1", "-x", "--tsv"], "--expanded"),
        (["SELECT 1", "--jsonl", "--format=csv"], "--format <FORMAT>"),
        (
            ["SELECT 1", "--shards=1", "--origin=core"],
            "--origin <NAME>",
        ),
        (
            ["SELECT 1", "--shard-column=of", "--no-shard-column"],
            "--no-shard-column",
        ),
    ] {
        assert_usage(args, has_all(["cannot be used with", named]));
    }
    assert_usage(
        ["SELECT 1", "SELECT 2"],
        has("unexpected argument 'SELECT 2'"),
    );
}

#[test]
fn several_databases_are_no_database() {
    for args in [
        ["SELECT 1", "-d", "a", "-d", "b"],
        ["SELECT 1", "-g", "-q", "-d", "dbname=a dbname=b"],
        ["SELECT 1", "-x", "-q", "-d", "postgresql:///a?dbname=b"],
    ] {
        assert_usage(args, has_all(["given several times", "one database"]));
    }
}

#[test]
fn flags_that_are_about_shards_one_by_one_do_not_go_with_global() {
    for (flag, instead) in [
        ("--no-snapshot", "a global query reads one snapshot"),
        ("--no-shard-column", "a global query has no shard column"),
        (
            "--shard-column=of",
            "a global query has no shard column; select the column shard",
        ),
    ] {
        let name = flag.split('=').next().unwrap_or(flag);
        let refusal = format!("{name} cannot be used with --global: {instead}");
        assert_usage(["-g", "SELECT 1", flag], has(&refusal));
    }
    assert_usage(
        ["-g", "SELECT 1", "--on-error=continue"],
        has("'--global' cannot be used with '--on-error <ON_ERROR>'"),
    );
}

#[test]
fn wrong_values_are_refused_with_the_name_of_their_flag() {
    for (flag, value, reason) in [
        ("--shards", "", "empty item in shard list"),
        ("--shards", "1,,2", "empty item in shard list"),
        ("--shards", "+1", "invalid shard list \"+1\""),
        ("--shards", "1-2-3", "invalid shard list \"1-2-3\""),
        ("--shards", "9-3", "range \"9-3\" is reversed"),
        ("--shards", "-5", "invalid shard list \"-5\""),
        ("--shards", "4294967296", "invalid shard list"),
        ("--expect-shards", "many", "invalid digit"),
        ("--search-path", "public", "{shard} is missing"),
        ("--search-path", "{shard}; DROP", "invalid schema name"),
        (
            "--format",
            "xml",
            "possible values: table, expanded, csv, tsv, json, jsonl, markdown",
        ),
        ("--connections", "0", "expected at least one connection"),
        ("--connections", "abc", "not a number"),
        ("--connections", "-1", "not a number"),
        ("--timeout", "30", "expected a number with a unit"),
        ("--timeout", "soon", "expected a number with a unit"),
        ("--timeout", "-5s", "expected a number with a unit"),
        ("--timeout", "10us", "less than a millisecond"),
        ("--lock-timeout", "1000h", "longer than Postgres can wait"),
        ("--on-error", "ignore", "possible values: continue, stop"),
    ] {
        assert_usage(
            ["SELECT 1", &format!("{flag}={value}")],
            has_all([format!("'{flag} <").as_str(), reason]),
        );
    }
    assert_usage(
        ["SELECT 1", "--nonsense"],
        has("unexpected argument '--nonsense'"),
    );
    assert_usage(["SELECT 1", "-h"], has("'--host <HOSTNAME>'"));
    shardq(["nonsense"])
        .run()
        .assert(2, "", has("unrecognized subcommand 'nonsense'"));
}

#[test]
fn the_server_itself_bounds_each_statement() {
    let db = Db::with_shards(1);
    let shown = |args: [&str; 2], setting: &str| {
        let sql = format!("SHOW {setting}");
        query(["-q", "-t", "--csv", "--no-shard-column"])
            .args(args)
            .args([sql])
            .db(&db)
            .run()
            .output()
    };
    assert_eq!(shown(["-j", "1"], "statement_timeout"), "1min\n");
    assert_eq!(shown(["--timeout", "90s"], "statement_timeout"), "90s\n");
    assert_eq!(shown(["--timeout", "1m 30s"], "statement_timeout"), "90s\n");
    assert_eq!(shown(["--timeout", "0"], "statement_timeout"), "0\n");
    let other_spelling = shown(["--statement-timeout", "90s"], "statement_timeout");
    assert_eq!(other_spelling, "90s\n");
    assert_eq!(shown(["-j", "1"], "lock_timeout"), "1s\n");
    assert_eq!(
        shown(["--lock-timeout", "250ms"], "lock_timeout"),
        "250ms\n"
    );
    assert_eq!(shown(["--lock-timeout", "0"], "lock_timeout"), "0\n");

    let slow = query(["SELECT pg_sleep(60)", "-q", "--timeout", "250ms"])
        .db(&db)
        .run();
    let advice =
        "shardq: hint: raise --timeout (0 for no limit) if the statement needs more time\n";
    slow.assert(
        1,
        "",
        &format!(
            "shardq: error: shard_0: ERROR 57014: canceling statement due to statement timeout\n\
             {advice}"
        ),
    );
}

#[test]
fn no_more_connections_are_used_than_asked_for() {
    let db = Db::with_shards(12);
    for (args, most) in [
        (["-j", "1"], 1),
        (["-j", "3"], 3),
        (["--timeout", "9s"], 4),
        (["-j", "100"], 12),
    ] {
        let sql = "SELECT pg_backend_pid() AS pid, pg_sleep(0.01)";
        let pids = query([sql, "-q", "-t", "--csv", "--no-shard-column"])
            .args(args)
            .db(&db)
            .run()
            .output();
        let pids: std::collections::HashSet<_> = pids.lines().collect();
        assert!((1..=most).contains(&pids.len()), "{args:?}: {pids:?}");
    }
}

#[test]
fn help_lists_every_flag_and_h_is_the_host() {
    let help = shardq(["query", "--help"]).run().output();
    for flag in [
        "-f, --file <FILE>",
        "--shards <LIST>",
        "--origin <NAME>",
        "--expect-shards <N>",
        "--search-path <SCHEMAS>",
        "--format <FORMAT>",
        "-x, --expanded",
        "--csv",
        "--tsv",
        "--json",
        "--jsonl",
        "--markdown",
        "-t, --tuples-only",
        "--null <TEXT>",
        "--bigint-as-string",
        "--shard-column <NAME>",
        "--no-shard-column",
        "-o, --output <FILE>",
        "-j, --connections <N>",
        "--timeout <TIME>",
        "--lock-timeout <TIME>",
        "--on-error <ON_ERROR>",
        "--no-snapshot",
        "--dry-run",
        "--timing",
        "-q, --quiet",
        "-h, --host <HOSTNAME>",
        "-p, --port <PORT>",
        "-U, --username <USERNAME>",
        "-d, --dbname <DBNAME>",
        "-w, --no-password",
        "-W, --password",
        "--help",
        "Exit status: 0 complete, 1 failed, 2 usage error, 3",
    ] {
        assert!(help.contains(flag), "{flag} is missing:\n{help}");
    }
    assert!(
        help.lines().all(|line| line.chars().count() <= 100),
        "{help}"
    );
    let overview = shardq(["--help"]).run().output();
    assert!(
        overview.contains("query") && overview.contains("-h is the host"),
        "{overview}"
    );
    shardq([]).run().assert(2, "", has("Usage: shardq"));
    let version = format!("shardq {}\n", env!("CARGO_PKG_VERSION"));
    for flag in ["-V", "--version"] {
        shardq([flag]).run().assert(0, &version, "");
    }
}
