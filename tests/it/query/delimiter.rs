//! CSV with another delimiter, as COPY writes it.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ANY, Db, has, shardq};

fn db() -> Db {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t (n int, \"a;b\" text);
         INSERT INTO t VALUES ({n}, 'x;y'), (7, 'a,b'), (8, NULL), (9, ''), (10, E'q\"t\\tz')",
    );
    db
}

#[test]
fn fields_are_what_copy_writes_between_them() {
    let db = db();
    let sql = "SELECT n, \"a;b\" FROM t";
    for delimiter in [";", "|", "\t", ",", "'", "\\"] {
        let literal = delimiter.replace('\'', "''");
        let copy = |n: u32| {
            let columns = format!("'shard_{n}' AS shard, n, \"a;b\"");
            let header = if n == 0 { ", HEADER" } else { "" };
            db.psql([
                "-c",
                &format!(
                    "COPY (SELECT {columns} FROM shard_{n}.t) TO STDOUT \
                     (FORMAT csv, DELIMITER '{literal}'{header})"
                ),
            ])
        };
        let copied = [copy(0), copy(1)].concat();
        let query = ["query", "-q", "--csv", sql, "--delimiter", delimiter];
        shardq(query).db(&db).run().assert(0, copied.as_str(), "");
        let export = ["export", "-q", "-o-", sql, "--delimiter", delimiter];
        shardq(export).db(&db).run().assert(0, copied.as_str(), ANY);
    }
    let one = "n;a;b\n";
    shardq([
        "query",
        "-gq",
        "--csv",
        "--delimiter=;",
        "SELECT 1 AS n, 2 AS a, 3 AS b",
    ])
    .db(&db)
    .run()
    .assert(0, format!("{one}1;2;3\n").as_str(), "");
}

#[test]
fn a_file_says_its_delimiter_and_is_verified() {
    let db = db();
    let dir = TempDir::new().unwrap();
    for excel in [false, true] {
        let file = dir.path().join(format!("t{excel}.csv"));
        let export = shardq(["export", "SELECT n, \"a;b\" FROM t", "--delimiter=;", "-o"]);
        let export = export.args([&file]).args(excel.then_some("--excel"));
        export.db(&db).run().assert(0, "", ANY);
        let written = std::fs::read_to_string(&file).unwrap();
        let first = written.trim_start_matches('\u{feff}').lines().next();
        assert_eq!(first, Some("shard;n;\"a;b\""));
        let manifest = std::fs::read_to_string(format!("{}.manifest.json", file.display()));
        let manifest: Value = serde_json::from_str(&manifest.unwrap()).unwrap();
        assert_eq!(manifest["options"]["delimiter"], ";");
        let verify = shardq(["verify"]).args([&file]).run();
        verify.assert(0, "", has("10 rows · 2/2 shards"));
    }
}

#[test]
fn what_is_no_delimiter_or_no_csv_is_refused() {
    let db = db();
    for (value, told) in [
        ("a", "a letter, a digit or _ can be part of a value"),
        (";;", "expected one ASCII character"),
        ("€", "expected one ASCII character"),
        ("\"", "a quote or a line break has a special meaning in CSV"),
    ] {
        let flag = format!("--delimiter={value}");
        let query = shardq(["query", "--csv", "SELECT 1", &flag]);
        query.db(&db).run().assert(2, "", has(told));
    }
    shardq(["query", "SELECT 1", "--delimiter=;"])
        .db(&db)
        .run()
        .assert(
            2,
            "",
            "shardq: error: --delimiter is for CSV; remove it, or add --csv\n",
        );
    shardq(["export", "SELECT 1", "--delimiter=;", "-o", "x.tsv"])
        .db(&db)
        .run()
        .assert(
            2,
            "",
            "shardq: error: --delimiter is for CSV; remove it, or write to a .csv file\n",
        );
    let null = shardq([
        "query",
        "--csv",
        "SELECT 1 AS n",
        "--delimiter=;",
        "--null=a;b",
    ]);
    null.db(&db).run().assert(
        1,
        "",
        has("the text for NULL must not contain the delimiter"),
    );
}
