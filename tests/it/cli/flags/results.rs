//! What goes to stdout, to stderr and to a file: formats, what is left out, the summary, and nothing
//! that could drive a terminal.

use std::fs;

use super::{CSV, TABLE, query};
use crate::support::{ANY, Db, has, has_all};

#[test]
fn every_format_has_a_flag_and_a_name() {
    let db = Db::with_rows(2);
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
    let db = Db::with_rows(2);
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
    let db = Db::with_rows(2);
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
    let db = Db::with_rows(2);
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
fn the_shard_column_can_have_another_name_or_none() {
    let db = Db::with_rows(2);
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
    let db = Db::with_rows(2);
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
