//! A file name's extension selects the format, for both `export` and `query -o`. An extension that
//! neither can write is rejected.

use std::fs;
use std::path::Path;

use crate::support::{ANY, Db, Program, export, folder, has, has_all, shardq, verify};

fn query(db: &Db, file: &Path) -> Program {
    shardq(["query", "SELECT 7 AS a", "-o"]).args([file]).db(db)
}

#[test]
fn a_query_writes_what_the_name_says() {
    let db = Db::with_shards(1);
    let folder = folder();
    for (name, content) in [
        ("q.csv", "shard,a\nshard_0,7\n"),
        ("q.TSV", "shard\ta\nshard_0\t7\n"),
        ("q.json", "[\n{\"shard\":\"shard_0\",\"a\":7}\n]\n"),
        ("q.jsonl", "{\"shard\":\"shard_0\",\"a\":7}\n"),
        ("q.ndjson", "{\"shard\":\"shard_0\",\"a\":7}\n"),
        (
            "q.md",
            "| shard   | a |\n|---------|--:|\n| shard_0 | 7 |\n",
        ),
        (
            "q.txt",
            "  shard  | a \n---------+---\n shard_0 | 7\n(1 row)\n\n",
        ),
        (
            "q",
            "  shard  | a \n---------+---\n shard_0 | 7\n(1 row)\n\n",
        ),
        (
            "q.2026-11-27",
            "  shard  | a \n---------+---\n shard_0 | 7\n(1 row)\n\n",
        ),
    ] {
        let file = folder.path().join(name);
        query(&db, &file).run().assert(0, "", has("1 row"));
        assert_eq!(fs::read_to_string(&file).unwrap(), content, "{name}");
    }
    // An explicit flag takes precedence.
    let file = folder.path().join("q.json");
    query(&db, &file).args(["--csv"]).run().assert(0, "", ANY);
    assert_eq!(fs::read_to_string(&file).unwrap(), "shard,a\nshard_0,7\n");
    let file = folder.path().join("one.csv");
    query(&db, &file).args(["-g"]).run().assert(0, "", ANY);
    assert_eq!(fs::read_to_string(&file).unwrap(), "a\n7\n");
}

/// Extensions that neither `query` nor `export` can write.
const OTHERS: [&str; 9] = [
    "x.csv.bz2",
    "x.csv.xz",
    "x.parquet.gz",
    "x.xls",
    "x.gz",
    "x.txt.gz",
    "x.zip",
    "x.feather",
    "x.csv.tmp",
];

#[test]
fn a_name_that_says_something_else_is_refused_with_what_there_is() {
    let db = Db::with_shards(1);
    let folder = folder();
    for name in OTHERS
        .into_iter()
        .chain(["x.csv.gz", "x.parquet", "x.xlsx", "x.jsonl.zst"])
    {
        let file = folder.path().join(name);
        for flags in [&[][..], &["-g"], &["--dry-run"]] {
            query(&db, &file).args(flags).run().assert(
                2,
                "",
                has_all([
                    name,
                    "query does not write such files; it writes csv, tsv, json, jsonl, ndjson, md, \
                     markdown",
                    "--format",
                    "shardq export writes .csv.gz, .parquet, .xlsx",
                ]),
            );
        }
        assert!(!file.exists());
    }
    for name in OTHERS.into_iter().chain(["x.json", "x.md"]) {
        let file = folder.path().join(name);
        let refused = || export(&db, "SELECT 7 AS a", &file);
        for flags in [&[][..], &["-g"]] {
            refused().args(flags).run().assert(
                2,
                "",
                has_all([
                    name,
                    "export does not write such files; it writes csv, csv.gz, csv.zst, tsv",
                    "parquet",
                    "--format",
                ]),
            );
        }
        assert!(!file.exists());
    }
    let tmp = folder.path().join("x.csv.tmp");
    export(&db, "SELECT 7 AS a", &tmp)
        .args(["--format", "csv"])
        .run()
        .assert(0, "", ANY);
}

#[test]
fn ndjson_is_jsonl() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.ndjson");
    export(&db, "SELECT 7 AS a", &file).run().assert(0, "", ANY);
    let line = "{\"shard\":\"shard_0\",\"a\":7}\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), line);
    verify(&file).run().assert(0, "", has("1 row"));
    let packed = folder.path().join("t.ndjson.gz");
    export(&db, "SELECT 7 AS a", &packed)
        .run()
        .assert(0, "", ANY);
    verify(&packed).run().assert(0, "", has("1 row"));
    assert_eq!(fs::read(&packed).unwrap()[..2], [0x1f, 0x8b]);
}
