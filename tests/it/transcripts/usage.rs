//! Command lines that are refused before anything is connected.

use std::fs;

use crate::support::{Program, Transcript, folder, shardq};

/// There is no server here.
fn offline<const N: usize>(args: [&str; N]) -> Program {
    shardq(args)
        .env("PGHOST", "/nonexistent")
        .env("PGUSER", "nobody")
}

#[test]
fn the_command_line() {
    Transcript::new()
        .run(offline([]))
        .run(offline(["--version"]))
        .run(offline(["qeury", "SELECT 1"]))
        .run(offline(["query"]))
        .run(offline(["query", "SELECT 1", "--shrads", "1"]))
        .run(offline(["query", "SELECT 1", "SELECT 2"]))
        .run(offline(["query", "SELECT 1", "--csv", "--json"]))
        .run(offline(["query", "SELECT 1", "--format", "xml"]))
        .run(offline(["query", "SELECT 1", "--explain"]))
        .run(offline(["query", "SELECT 1", "-h"]))
        .run(offline(["query", "-Atc", "SELECT 1"]))
        .run(offline(["query", "SELECT 1", "--limit", "5"]))
        .run(offline(["query", "SELECT 1", "postgresql://u:secret@h/d"]))
        .run(offline(["export", "SELECT 1"]))
        .run(offline(["find"]))
        .run(offline(["verify"]))
        .run(offline(["completions", "tcsh"]))
        .assert("usage_command_line");
}

#[test]
fn values_of_flags() {
    Transcript::new()
        .run(offline(["query", "SELECT 1", "--shards", "3..5"]))
        .run(offline(["query", "SELECT 1", "--shards", "5-3"]))
        .run(offline(["query", "SELECT 1", "--shards", "1,,2"]))
        .run(offline(["query", "SELECT 1", "-j", "0"]))
        .run(offline(["query", "SELECT 1", "-j", "many"]))
        .run(offline(["query", "SELECT 1", "--timeout", "30"]))
        .run(offline(["query", "SELECT 1", "--timeout", "10us"]))
        .run(offline(["query", "SELECT 1", "--timeout", "99999h"]))
        .run(offline(["query", "SELECT 1", "--search-path", "public"]))
        .run(offline([
            "query",
            "SELECT 1",
            "--search-path",
            "{shard}, my schema",
        ]))
        .run(offline(["query", "SELECT 1", "--delimiter", ";"]))
        .run(offline(["query", "SELECT 1", "--csv", "--delimiter", ";;"]))
        .run(offline(["query", "SELECT 1", "--csv", "--delimiter", "\""]))
        .run(offline(["query", "SELECT 1", "--origin", ""]))
        .run(offline(["query", "SELECT 1", "-o", "out.xlsx"]))
        .run(offline(["find", "core", "--shard-count", "0"]))
        .run(offline(["verify", "t.csv", "--create-table", "1 2"]))
        .assert("usage_values");
}

#[test]
fn statements() {
    let folder = folder();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let latin = file("latin.sql", b"SELECT '\xe9'");
    let nul = file("nul.sql", b"SELECT '\0'");
    let empty = file("empty.sql", b"\n");
    Transcript::new()
        .in_folder(folder.path())
        .run(offline(["query", ""]))
        .run(offline(["query", "-f", &empty]))
        .run(offline(["query", "-f", &latin]))
        .run(offline(["query", "-f", &nul]))
        .run(offline(["query", "-f", "/no/such.sql"]))
        .run(offline([
            "export", "-o", "t.csv", "-c", "SELECT 1", "-c", "SELECT 2",
        ]))
        .run(offline(["query", r"\d origins"]))
        .run(offline(["query", r"\copy t TO 't.csv'"]))
        .run(offline(["query", r"\conninfo"]))
        .assert("usage_statements");
}

#[test]
fn exports() {
    let to = |args: &[&str]| offline(["export", "SELECT 1"]).args(args);
    Transcript::new()
        .run(to(&["-o", "t.xlsx"]))
        .run(to(&["-o", "t.csv", "--format", "xlsx"]))
        .run(to(&["-o", "t.parquet", "--excel"]))
        .run(to(&["-o", "t.parquet", "--delimiter", ";"]))
        .run(to(&["-o", "t.jsonl", "--null", "-"]))
        .run(to(&["-o", "t.jsonl", "-t"]))
        .run(to(&["-o", "t.csv", "--bigint-as-string"]))
        .run(to(&["-o", "-", "--per-shard"]))
        .run(to(&["-o", "t/", "--per-shard", "--shard-column", "_s"]))
        .run(to(&["-o", "t/", "--per-shard", "--no-shard-column"]))
        .run(to(&["-o", "t.parquet", "--allow-partial"]))
        .run(to(&["-o", "-", "--allow-partial"]))
        .run(to(&["-o", "t.csv", "--resume"]))
        .run(to(&["-o", "t.csv", "--null", r"\."]))
        .run(to(&["-o", "t.tsv", "--null", "-"]))
        .run(to(&["-g", "-o", "t/", "--per-shard"]))
        .run(to(&["-g", "-o", "t.csv", "--allow-partial"]))
        .assert("usage_exports");
}

#[test]
fn keys() {
    Transcript::new()
        .run(offline(["find", "core", "--no-verify"]))
        .run(offline(["find", "core", "--kind", "id"]))
        .run(offline(["find", "99999999999999999999", "--no-verify"]))
        .run(offline(["find", "9223372036854775807", "--no-verify"]))
        .run(offline(["find", ""]))
        .run(offline(["find", "core", "--short", "--json"]))
        .assert("usage_keys");
}
