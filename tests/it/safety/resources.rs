//! System limits (memory, file size) end a run with a message and an exit status, not by a signal.

use std::fs;

use crate::support::{Db, Program, has, has_all};

/// The command under a shell `ulimit`.
fn limited(limit: &str, args: &[&str]) -> Program {
    let script = format!("ulimit {limit}; exec \"$0\" \"$@\"");
    Program::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_shardq")])
        .args(args)
}

#[test]
fn a_table_that_outgrows_memory_is_an_error_and_a_stream_does_not() {
    let db = Db::with_shards(2);
    let sql = "SELECT repeat('x', 10000) AS x FROM generate_series(1, 8000)";
    for format in [
        &["query", sql][..],
        &["query", sql, "-x"],
        &["query", sql, "--markdown"],
        &["query", "-g", sql],
    ] {
        limited("-v 160000", format).db(&db).run().assert(
            1,
            "",
            has_all([
                "shardq: error: out of memory: this format holds all rows",
                "--csv",
            ]),
        );
    }
    let ran = limited("-v 160000", &["query", sql, "--csv"]).db(&db).run();
    ran.assert(0, has("xxxx"), has("16,000 rows · 2/2 shards"));
}

#[test]
fn a_file_that_outgrows_its_limit_is_an_error() {
    let db = Db::with_shards(2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.csv");
    let name = file.to_str().unwrap();
    let sql = "SELECT repeat('x', 1000) AS x FROM generate_series(1, 2000)";
    fs::write(&file, "older").unwrap();
    for args in [
        &["query", sql, "--csv", "-o", name][..],
        &["query", sql, "-o", name],
        &["query", "-g", sql, "--csv", "-o", name],
        &["export", sql, "--force", "-o", name],
    ] {
        limited("-f 100", args).db(&db).run().assert(
            1,
            "",
            has_all(["a.csv: File too large", "ulimit -f"]),
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "older", "{args:?}");
    }
    // The same with standard output as the file.
    let script = "ulimit -f 1; exec \"$0\" man > \"$1\"";
    Program::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_shardq"), name])
        .run()
        .assert(
            1,
            "",
            has_all(["standard output: File too large", "ulimit -f"]),
        );
}
