//! Files of a shell: what is read from them, and what is written to them.

use std::fs;

use super::shell;
use crate::support::{ANY, Db, has, shardq};

#[test]
fn files_are_read_where_they_are_included() {
    let db = Db::with_shards(1);
    let folder = tempfile::tempdir().unwrap();
    let (outer, inner) = (
        folder.path().join("outer.sql"),
        folder.path().join("inner.sql"),
    );
    fs::write(&inner, "SELECT 2 AS b;\n\\echo in\nSELECT 3 AS c").unwrap();
    fs::write(
        &outer,
        format!("SELECT 1 AS a;\n\\i '{}'\n\\echo out\n", inner.display()),
    )
    .unwrap();
    let script = format!("\\i {}\n\\echo end\n", outer.display());
    shell(&db, &script).args(["--csv", "-q"]).run().assert(
        0,
        "a\n1\nb\n2\nin\nc\n3\nout\nend\n",
        "",
    );
}

#[test]
fn an_error_in_a_file_names_its_line() {
    let db = Db::with_shards(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sql");
    fs::write(&file, "\\echo one\nSELECT 1/0;\n").unwrap();
    let script = format!("\\i {}\n\\echo end\n", file.display());
    let place = format!(
        "stopped at line 2 of {}; the rest did not run",
        file.display()
    );
    shell(&db, &script).run().assert(3, "one\n", has(&place));
    shell(&db, "\\i /nonexistent/a.sql\n")
        .run()
        .assert(3, "", has("/nonexistent/a.sql: "));
}

#[test]
fn a_file_that_includes_itself_ends() {
    let db = Db::with_shards(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sql");
    fs::write(&file, format!("\\i {}\n", file.display())).unwrap();
    let script = format!("\\i {}\n", file.display());
    shell(&db, &script)
        .run()
        .assert(3, "", has("files include each other too deeply"));
}

#[test]
fn results_go_to_a_file_until_they_do_not() {
    let db = Db::with_shards(1);
    let folder = tempfile::tempdir().unwrap();
    let (all, one) = (folder.path().join("all"), folder.path().join("one"));
    let script = format!(
        "\\o {}\nSELECT 1 AS a;\n\\qecho text\nSELECT 1/0;\nSELECT 2 AS b;\n\\o\nSELECT 3 AS c;\n\
         SELECT 4 AS d \\g {}\n",
        all.display(),
        one.display()
    );
    shell(&db, &script)
        .args(["--csv", "-v", "ON_ERROR_STOP=0"])
        .run()
        .assert(0, "c\n3\n", has("division by zero"));
    assert_eq!(fs::read_to_string(&all).unwrap(), "a\n1\ntext\nb\n2\n");
    assert_eq!(fs::read_to_string(&one).unwrap(), "d\n4\n");
}

#[test]
fn the_last_statement_is_exported_and_verified() {
    let db = Db::with_numbers(2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.csv");
    let script = format!(
        "SELECT n FROM t WHERE n = :one;\n\\export {}\n",
        file.display()
    );
    shell(&db, &script)
        .args(["-q", "-v", "one=1"])
        .run()
        .assert(0, ANY, ANY);
    assert_eq!(fs::read_to_string(&file).unwrap(), "shard,n\nshard_1,1\n");
    let file = file.to_str().unwrap();
    shardq(["verify", file]).run().assert(0, ANY, ANY);
}

#[test]
fn the_start_file_is_read_first() {
    let db = Db::with_shards(1);
    let home = tempfile::tempdir().unwrap();
    fs::write(
        home.path().join(".shardqrc"),
        "\\set greeting hello\n\\pset format csv\n",
    )
    .unwrap();
    let ask = |arguments: &[&str]| {
        let shell = shell(&db, "SELECT :'greeting' AS g;\n").args(["-q"]);
        shell.env("HOME", home.path()).args(arguments).run()
    };
    ask(&[]).assert(0, "g\nhello\n", "");
    ask(&["-X"]).assert(3, "", has("syntax error"));
}
