//! Where the statement is from: the argument, a file, standard input.

use std::fs;

use super::{TABLE, assert_usage, query};
use crate::support::{ANY, Db, has, has_all};

#[test]
fn the_statement_comes_from_the_argument_a_file_or_standard_input() {
    let db = Db::with_rows(2);
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
    let db = Db::with_rows(2);
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
