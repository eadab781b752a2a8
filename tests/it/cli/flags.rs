//! Every flag of `shardq query`, and what goes to stdout and stderr.

use std::fs;

use shardq::sandbox::Options;

use crate::support::{ANY, Db, Program, Text, has, has_all, private_server, shardq};

fn two_shards() -> Db {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (n int, v text); INSERT INTO t VALUES ({n}, 'v{n}')");
    db
}

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
fn the_statement_comes_from_the_argument_a_file_or_standard_input() {
    let db = two_shards();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a report.sql");
    fs::write(&file, "-- a report\nSELECT *\nFROM t;\n").unwrap();
    let with_mark = folder.path().join("windows.sql");
    fs::write(&with_mark, "\u{feff}SELECT *\r\nFROM t\r\n").unwrap();

    query(["SELECT * FROM t"])
        .db(&db)
        .run()
        .assert(0, TABLE, ANY);
    query(["-f"])
        .args([&file])
        .db(&db)
        .run()
        .assert(0, TABLE, ANY);
    query(["--file"])
        .args([&with_mark])
        .db(&db)
        .run()
        .assert(0, TABLE, ANY);
    query(["-f", "-"])
        .db(&db)
        .stdin("TABLE t")
        .run()
        .assert(0, TABLE, ANY);
}

#[test]
fn a_byte_order_mark_does_not_move_the_caret() {
    let db = two_shards();
    query(["-q", "-f", "-"]).db(&db).stdin("\u{feff}SELECT x").run().assert(
        1,
        "",
        "shardq: error: all 2 shards: ERROR 42703: column \"x\" does not exist\nLINE 1: SELECT x\n               ^\n",
    );
}

#[test]
fn sql_that_cannot_be_read_is_a_usage_error_that_names_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    assert_usage([""], "shardq: error: the SQL argument: no SQL found\n");
    assert_usage([" \n\t"], has("no SQL found"));
    let empty = file("empty.sql", b"\n");
    assert_usage(["-f", &empty], has_all([empty.as_str(), "no SQL found"]));
    assert_usage(["-f", "-"], "shardq: error: standard input: no SQL found\n");
    assert_usage(
        ["-f", "/no/such.sql"],
        "shardq: error: /no/such.sql: No such file or directory\n",
    );
    assert_usage(["-f", "/"], has("shardq: error: /: "));
    let latin = file("latin.sql", b"SELECT '\xe9'");
    assert_usage(
        ["-f", &latin],
        has_all([latin.as_str(), "invalid UTF-8 at byte 8"]),
    );
    let nul = file("nul.sql", b"SELECT '\0'");
    assert_usage(["-f", &nul], has_all([nul.as_str(), "NUL character"]));
}

#[test]
fn what_the_system_refuses_is_told_in_words_alone() {
    let db = two_shards();
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
fn one_shard_is_not_one_shards() {
    let db = two_shards();
    let query = query(["SELECT 1", "--expect-shards", "1"]).db(&db).run();
    query.assert(1, "", "shardq: error: expected 1 shard, found 2\n");
}

#[test]
fn a_mistyped_database_is_answered_with_those_that_there_are() {
    let db = two_shards();
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
fn every_format_has_a_flag_and_a_name() {
    let db = two_shards();
    let expanded = "-[ RECORD 1 ]--\nshard | shard_0\nn     | 0\nv     | v0\n-[ RECORD 2 ]--\nshard | shard_1\nn     | 1\nv     | v1\n\n";
    let json = "[\n{\"shard\":\"shard_0\",\"n\":0,\"v\":\"v0\"},\n{\"shard\":\"shard_1\",\"n\":1,\"v\":\"v1\"}\n]\n";
    for (flag, format, answer) in [
        ("-q", "table", TABLE),
        ("-x", "expanded", expanded),
        ("--expanded", "expanded", expanded),
        ("--csv", "csv", CSV),
        (
            "--tsv",
            "tsv",
            "shard\tn\tv\nshard_0\t0\tv0\nshard_1\t1\tv1\n",
        ),
        ("--json", "json", json),
        (
            "--jsonl",
            "jsonl",
            "{\"shard\":\"shard_0\",\"n\":0,\"v\":\"v0\"}\n{\"shard\":\"shard_1\",\"n\":1,\"v\":\"v1\"}\n",
        ),
        (
            "--markdown",
            "markdown",
            "| shard   | n | v  |\n|---------|--:|----|\n| shard_0 | 0 | v0 |\n| shard_1 | 1 | v1 |\n",
        ),
    ] {
        query(["TABLE t", flag])
            .db(&db)
            .run()
            .assert(0, answer, ANY);
        query(["TABLE t", "--format", format])
            .db(&db)
            .run()
            .assert(0, answer, ANY);
    }
}

#[test]
fn tuples_only_drops_header_and_footer() {
    let db = two_shards();
    for (format, answer) in [
        ("table", " shard_0 | 0 | v0\n shard_1 | 1 | v1\n\n"),
        ("csv", "shard_0,0,v0\nshard_1,1,v1\n"),
        ("tsv", "shard_0\t0\tv0\nshard_1\t1\tv1\n"),
        ("markdown", "| shard_0 | 0 | v0 |\n| shard_1 | 1 | v1 |\n"),
    ] {
        for flag in ["-t", "--tuples-only"] {
            query(["TABLE t", flag, "--format", format])
                .db(&db)
                .run()
                .assert(0, answer, has("2/2 shards"));
        }
    }
}

#[test]
fn null_is_shown_as_the_text_given_for_it() {
    let db = Db::with_shards(1);
    let sql = "SELECT NULL AS a, '' AS b, 'NULL' AS c";
    let ask = |format| {
        query([sql, "-q", "-t", "--null", "NULL", "--format", format])
            .db(&db)
            .run()
    };
    ask("table").assert(0, " shard_0 | NULL |   | NULL\n\n", "");
    ask("csv").assert(0, "shard_0,NULL,,\"NULL\"\n", "");
    ask("markdown").assert(0, "| shard_0 | NULL |  | NULL |\n", "");
    ask("jsonl").assert(
        0,
        "{\"shard\":\"shard_0\",\"a\":null,\"b\":\"\",\"c\":\"NULL\"}\n",
        "",
    );
    let refused = query([sql, "--csv", "--null", "a,b"]).db(&db).run();
    refused.assert(
        1,
        "",
        has_all(["the text for NULL must not contain the delimiter", "CSV"]),
    );
}

#[test]
fn quiet_silences_footer_and_hints_but_no_error() {
    let db = two_shards();
    query(["TABLE t", "-q"]).db(&db).run().assert(0, TABLE, "");
    query(["SELECT count(*) FROM t", "--quiet", "--csv"])
        .db(&db)
        .run()
        .assert(0, "shard,count\nshard_0,1\nshard_1,1\n", "");
    let failed = query(["SELECT 1 / n AS n FROM t", "-q", "--csv"])
        .db(&db)
        .run();
    failed.assert(
        3,
        "shard,n\nshard_1,1\n",
        "shardq: error: shard_0: ERROR 22012: division by zero\n",
    );
    db.create_shards([5]);
    let warned = query(["SELECT 1 AS n", "-q", "--csv", "--shards", "5"])
        .db(&db)
        .run();
    warned.assert(
        0,
        "shard,n\nshard_5,1\n",
        has("shardq: warning: shard_2-4 missing (gap in shard numbers)"),
    );
}

#[test]
fn the_footer_counts_rows_as_people_write_numbers() {
    let db = Db::with_shards(2);
    let sql = "SELECT n FROM generate_series(1, 10000) AS n";
    let ran = query([sql, "--csv"]).db(&db).run();
    ran.assert(0, ANY, has("20,000 rows · 2/2 shards · one snapshot · "));
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    let one = query([
        "SELECT 1 WHERE current_schema() = 'shard_1'",
        "--no-snapshot",
    ])
    .db(&db)
    .run();
    one.assert(
        0,
        ANY,
        has("1 row · 2/2 shards · no common snapshot: each shard read at its own moment · "),
    );
}

#[test]
fn timing_names_the_slowest_shards_and_the_spread() {
    let db = two_shards();
    let sql = "SELECT pg_sleep(CASE WHEN current_schema() = 'shard_1' THEN 0.3 ELSE 0 END)";
    let ran = query([sql, "--timing", "-j", "1"]).db(&db).run();
    ran.assert(
        0,
        ANY,
        has_all([" shard ", "per shard: median ", " ms, p95 ", " ms, max "]),
    );
    let first = ran
        .stderr
        .lines()
        .find(|line| line.contains("shard_"))
        .unwrap();
    assert!(
        first.contains("shard_1"),
        "the slowest first: {}",
        ran.stderr
    );
}

#[test]
fn a_dry_run_prints_what_would_be_sent_and_sends_none_of_it() {
    let server = private_server(Options {
        settings: vec![
            ("log_statement".into(), "all".into()),
            ("log_line_prefix".into(), "> ".into()),
        ],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards([0, 1, 30]);
    let sql = "SELECT 'the mark'\n -- of this test";
    let dry = query([sql, "--dry-run", "-q", "--shards", "0-1"])
        .db(&db)
        .run();
    dry.assert(
        0,
        has_all(["-- shard_0\n", "-- shard_1\n"]),
        "shardq: warning: shard_2-29 missing (gap in shard numbers)\n",
    );
    assert!(!dry.stdout.contains("shard_30"), "{}", dry.stdout);
    // The server's log indents continuation lines with a tab.
    let log = || server.log().replace("\n\t", "\n");
    assert!(!log().contains("the mark"), "{}", log());

    query([sql, "-q", "--shards", "0-1"])
        .db(&db)
        .run()
        .assert(0, ANY, ANY);
    for shard in ["shard_0", "shard_1"] {
        let (_, turn) = dry.stdout.split_once(&format!("-- {shard}\n")).unwrap();
        let (turn, _) = turn.split_once(";\n\n").unwrap();
        assert!(turn.contains(sql), "{turn}");
        assert!(
            log().contains(turn),
            "{turn}\nis not in the log:\n{}",
            log()
        );
    }
}

#[test]
fn what_a_dry_run_prints_psql_can_run() {
    let db = two_shards();
    let dry = query(["TABLE t", "--dry-run", "--no-snapshot"])
        .db(&db)
        .run()
        .output();
    let ran = db
        .psql_program(["-At", "-v", "ON_ERROR_STOP=1"])
        .stdin(dry)
        .run();
    ran.assert(0, has_all(["0|v0\n", "1|v1\n"]), "");
}

#[test]
fn a_table_of_public_does_not_answer_for_a_shard_unless_asked_for() {
    let db = two_shards();
    db.sql("CREATE TABLE public.shared AS SELECT 'public' AS v");
    db.in_shard(1, "CREATE TABLE shared AS SELECT 'own' AS v");
    let alone = query(["SELECT v FROM shared", "--csv"]).db(&db).run();
    alone.assert(
        3,
        "shard,v\nshard_1,own\n",
        has_all([
            "shardq: error: shard_0: ERROR 42P01: relation \"shared\" does not exist",
            "1/2 shards",
        ]),
    );
    let widened = query([
        "SELECT v FROM shared",
        "--csv",
        "-q",
        "--search-path",
        "{shard}, public",
    ])
    .db(&db)
    .run();
    widened.assert(0, "shard,v\nshard_0,public\nshard_1,own\n", "");
    let public_first = query([
        "SELECT v FROM shared",
        "--csv",
        "-q",
        "--search-path",
        "public,{shard}",
    ])
    .db(&db)
    .run();
    public_first.assert(0, "shard,v\nshard_0,public\nshard_1,public\n", "");
}

#[test]
fn what_may_live_in_public_is_hinted_at() {
    let db = two_shards();
    db.sql(
        "CREATE FUNCTION public.twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
         CREATE DOMAIN public.number AS int;
         CREATE OPERATOR public.+! (RIGHTARG = int, FUNCTION = public.twice)",
    );
    let hint = "to use it, add --search-path '{shard}, public'\n";
    for sql in [
        "SELECT twice(n) FROM t",
        "SELECT n::number FROM t",
        "SELECT +! n FROM t",
    ] {
        query([sql]).db(&db).run().assert(1, "", has(hint));
        query([sql, "--search-path", "{shard}, public"])
            .db(&db)
            .run()
            .assert(0, ANY, has("2/2 shards"));
    }
    for sql in ["SELECT nope FROM t", "SHOW nope"] {
        let ran = query([sql]).db(&db).run();
        ran.assert(1, "", has("all 2 shards: ERROR 42"));
        assert!(!ran.stderr.contains("hint:"), "{sql}: {}", ran.stderr);
    }
    let widened = query(["SELECT nope(1)", "--search-path", "{shard}, public"])
        .db(&db)
        .run();
    assert!(!widened.stderr.contains("hint:"), "{}", widened.stderr);
}

#[test]
fn shards_are_picked_by_number_and_answer_in_numeric_order() {
    let db = Db::empty();
    db.create_shards([10, 2, 1, 0, 30]);
    let picked = |list| {
        query(["SELECT 1 AS n", "--csv", "-t", "--shards", list])
            .db(&db)
            .run()
    };
    picked("30,0-2").assert(
        0,
        "shard_0,1\nshard_1,1\nshard_2,1\nshard_30,1\n",
        has("4/4 shards"),
    );
    picked("2-2,shard_10").assert(0, "shard_2,1\nshard_10,1\n", has("2/2 shards"));
    picked("5-").assert(0, "shard_10,1\nshard_30,1\n", has("2/2 shards"));
    picked("31-").assert(
        1,
        "",
        has(
            "shardq: error: no such shard: shard_31-; the shards are shard_0-2, shard_10, shard_30",
        ),
    );
}

#[test]
fn an_origin_is_asked_for_in_the_shard_that_its_name_routes_to() {
    let db = Db::with_sample(4);
    let origin = |name| {
        query([
            "SELECT name FROM origins WHERE name = 'core'",
            "--csv",
            "-t",
            "--origin",
            name,
        ])
        .db(&db)
        .run()
    };
    // 30 of 128 is 2 of 4.
    origin("core").assert(0, "shard_2,core\n", has("1 row · 1/1 shards"));
    let elsewhere = origin("it's \"another\" 日本");
    elsewhere.assert(0, ANY, has("1/1 shards"));
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

    let slow = query(["SELECT pg_sleep(60)", "-q", "--timeout", "50ms"])
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
fn the_shard_column_can_have_another_name_or_none() {
    let db = two_shards();
    let asked = |flags: [&str; 2]| query(["TABLE t", "-q", "--csv"]).args(flags).db(&db).run();
    asked(["--shard-column", "of \"it\""]).assert(
        0,
        "\"of \"\"it\"\"\",n,v\nshard_0,0,v0\nshard_1,1,v1\n",
        "",
    );
    asked(["--no-shard-column", "--format=csv"]).assert(2, "", has("cannot be used with"));
    asked(["--no-shard-column", "-j1"]).assert(0, "n,v\n0,v0\n1,v1\n", "");
}

#[test]
fn a_result_can_go_to_a_file() {
    let db = two_shards();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a report.csv");
    query(["TABLE t", "--csv", "-o"])
        .args([&file])
        .db(&db)
        .run()
        .assert(0, "", has("2 rows · 2/2 shards"));
    assert_eq!(fs::read_to_string(&file).unwrap(), CSV);
    let folder = folder.path().to_str().unwrap();
    query(["TABLE t", "-o", folder])
        .db(&db)
        .run()
        .assert(1, "", has_all([folder, "directory"]));
    query(["TABLE t", "-o", "/no/such/folder/x"])
        .db(&db)
        .run()
        .assert(1, "", has("/no/such/folder/x"));
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

#[test]
fn wide_characters_and_emoji_line_up() {
    let db = Db::with_shards(1);
    let sql = "SELECT * FROM (VALUES ('日本語', 1), ('😀', 22), (E'e\\u0301', 3), ('žluť', 4)) AS v(\"名前\", n)";
    let expected = concat!(
        "  shard  |  名前  | n  \n",
        "---------+--------+----\n",
        " shard_0 | 日本語 |  1\n",
        " shard_0 | 😀     | 22\n",
        " shard_0 | e\u{301}      |  3\n",
        " shard_0 | žluť   |  4\n",
        "(4 rows)\n\n",
    );
    query([sql, "-q"]).db(&db).run().assert(0, expected, "");
}

#[test]
fn nothing_that_a_server_says_can_drive_the_terminal() {
    const NASTY: &str = "\x1b[31m\x07\r\x08\u{9b}2J\u{85}\x7f";
    let db = Db::with_shards(1);
    let tame = |text: &str| !text.contains(|c: char| c.is_control() && c != '\n');
    db.in_shard(
        0,
        "CREATE FUNCTION raise(text) RETURNS int LANGUAGE plpgsql AS
         'BEGIN RAISE ''%'', $1 USING DETAIL = $1, HINT = $1; END'",
    );
    let shown = r"\x1B[31m\x07\r\x08\u009B2J\u0085\x7F";
    for format in ["table", "expanded"] {
        let ran = query(["--format", format])
            .args([format!("SELECT '{NASTY}' AS \"{NASTY}\"")])
            .db(&db)
            .run();
        ran.assert(0, has(shown), ANY);
        assert_eq!(ran.stdout.matches(shown).count(), 2, "{}", ran.stdout);
        assert!(tame(&ran.stdout) && tame(&ran.stderr), "{ran:?}");
    }
    let markdown = query(["--markdown"])
        .args([format!("SELECT '{NASTY}' AS \"{NASTY}\"")])
        .db(&db)
        .run();
    assert!(tame(&markdown.stdout), "{markdown:?}");
    for sql in [
        format!("SELECT raise('{NASTY}')"),
        format!("SELECT \"{NASTY}\""),
        format!("SELECT '{NASTY}'::int"),
        format!("SELECT 1 {NASTY}"),
    ] {
        let ran = query(["--"]).args([&sql]).db(&db).run();
        ran.assert(1, "", has("ERROR"));
        assert!(tame(&ran.stderr), "{ran:?}");
    }
    // Machine-readable formats keep the value as it is.
    let csv = query(["--csv", "-t", "-q"])
        .args([format!("SELECT '{NASTY}'")])
        .db(&db)
        .run();
    csv.assert(0, &format!("shard_0,\"{NASTY}\"\n"), "");
}
