//! Color is for terminals, and never in what programs read.

use std::fs;

use crate::support::{Db, Program, Terminal, has, has_all, shardq};

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[1;36m";
const RESET: &str = "\x1b[0m";
const DIM_NULL: &str = "\x1b[2m(null)\x1b[0m";

const NULLS: &str = "SELECT NULL::int AS a, 'b' AS b, NULL::text AS c";
const TABLE: &str = " shard_0 | (null) | b | (null)\n";

/// A query of one shard whose row has NULLs.
fn nulls<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    shardq(["query", NULLS, "--null", "(null)", "-t"])
        .args(args)
        .db(db)
}

#[test]
fn null_is_dim_in_tables_on_a_terminal_and_the_columns_still_line_up() {
    let db = Db::with_shards(1);
    let table = TABLE.replace("(null)", DIM_NULL);
    let lines = format!("shard | shard_0\na     | {DIM_NULL}\nb     | b\nc     | {DIM_NULL}\n");
    for (program, shown) in [
        (nulls(&db, []), table.as_str()),
        (nulls(&db, ["-x"]), &lines),
        (nulls(&db, ["--color", "never"]), TABLE),
        (nulls(&db, []).env("NO_COLOR", "1"), TABLE),
        (nulls(&db, []).env("NO_COLOR", ""), &table),
        (
            nulls(&db, ["--color", "always"]).env("NO_COLOR", "1"),
            &table,
        ),
        (nulls(&db, []).env("TERM", "dumb"), TABLE),
        (nulls(&db, ["--csv"]), "shard_0,(null),b,(null)\n"),
        (nulls(&db, ["--tsv"]), "shard_0\t(null)\tb\t(null)\n"),
        (
            nulls(&db, ["--markdown"]),
            "| shard_0 | (null) | b | (null) |\n",
        ),
    ] {
        let ran = Terminal::start(program, 120, 24).finish();
        let is_shown = ran.status == 0 && ran.stdout.contains(shown);
        assert!(is_shown, "{shown}{ran:?}");
    }
}

#[test]
fn in_a_pipe_or_a_file_there_is_color_only_if_asked_for() {
    let db = Db::with_shards(1);
    let table = format!("{}\n", TABLE.replace("(null)", DIM_NULL));
    let plain = format!("{TABLE}\n");
    let summary = has("1 row · 1/1 shards · ");
    nulls(&db, []).run().assert(0, &plain, summary);
    let summary = has("1 row · 1/1 shards · ");
    nulls(&db, ["--color=always"])
        .run()
        .assert(0, &table, summary);
    for (format, row) in [
        ("csv", "shard_0,(null),b,(null)\n"),
        (
            "json",
            "[\n{\"shard\":\"shard_0\",\"a\":null,\"b\":\"b\",\"c\":null}\n]\n",
        ),
    ] {
        let args = ["--color=always", "--format", format];
        nulls(&db, args).run().assert(0, row, has("1 row"));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.txt");
    let args = [
        "--color=always",
        "--format=table",
        "-o",
        file.to_str().unwrap(),
    ];
    nulls(&db, args).run().assert(0, "", has("1 row"));
    assert_eq!(fs::read_to_string(file).unwrap(), plain);
}

#[test]
fn errors_warnings_and_hints_are_told_apart_by_color() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    db.in_shard(2, "DROP TABLE t");
    let failed = format!("shardq: {RED}error:{RESET} shard_2: ERROR 42P01: ");
    let hinted = format!("\nshardq: {CYAN}hint:{RESET} 2 of 3 shards have a table \"t\"\n");
    let missing = format!("2 rows · {RED}2/3 shards, missing: shard_2{RESET} · ");
    let query = || shardq(["query", "--csv", "-t", "SELECT n FROM t"]).db(&db);
    let rows = "shard_0,0\nshard_1,1\n";
    let ran = Terminal::start(query(), 200, 24).finish();
    for part in [&failed, &hinted, &missing] {
        assert!(ran.stdout.contains(part), "{part:?} {:?}", ran.stdout);
    }
    let all = [failed.as_str(), &hinted, &missing];
    let always = query().args(["--color=always"]).run();
    always.assert(3, rows, has_all(all));
    let ran = query().run();
    ran.assert(3, rows, has("2 rows · 2/3 shards, missing: shard_2 · "));
    assert!(!ran.stderr.contains('\x1b'), "{:?}", ran.stderr);
    db.sql("DROP SCHEMA shard_1 CASCADE; DROP SCHEMA shard_2");
    db.create_shards([2]);
    let warned = format!("shardq: {YELLOW}warning:{RESET} shard_1 missing");
    let ran = shardq(["query", "--color=always", "-t", "--csv", "SELECT 1"]).db(&db);
    ran.run().assert(0, "shard_0,1\nshard_2,1\n", has(&warned));
}

#[test]
fn usage_errors_and_help_follow_the_flag_wherever_it_stands() {
    let red = format!("shardq: {RED}error:{RESET} ");
    for args in [
        ["--color=always", "query", "--nonsense"],
        ["query", "--nonsense", "--color=always"],
    ] {
        shardq(args).run().assert(2, "", has(&red));
    }
    shardq(["query", "--nonsense"])
        .run()
        .assert(2, "", has("shardq: error: "));
    let bold = has("\x1b[1m");
    shardq(["find", "--help", "--color", "always"])
        .run()
        .assert(0, bold, "");
    let plain = shardq(["find", "--help"]).run().output();
    assert!(!plain.contains('\x1b'), "{plain}");
    let never = Terminal::start(shardq(["find", "--help", "--color=never"]), 80, 24).finish();
    assert!(!never.stdout.contains('\x1b'), "{}", never.stdout);
    let auto = Terminal::start(shardq(["find", "--help"]), 80, 24).finish();
    assert!(auto.stdout.contains('\x1b'), "{}", auto.stdout);
}
