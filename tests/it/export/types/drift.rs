//! Shards, or runs of one export, that declare different types: the table holds the values of all of
//! them, and the manifest says which shard declared what.

use std::fs;

use serde_json::{Value, json};

use super::{columns, gdesc, loaded};
use crate::support::{Db, export, folder, folder_manifest, has, has_all, read_parquet};

/// A column: its type in each of the two shards, a value of the second, and the type that holds
/// both.
const DRIFT: [(&str, &str, &str, &str, &str); 8] = [
    ("n", "numeric(10,2)", "numeric(12,4)", "1.2345", "numeric"),
    (
        "v",
        "varchar(3)",
        "varchar(20)",
        "longer  ",
        "character varying",
    ),
    ("c", "char(3)", "char(5)", "abcd", "bpchar"),
    (
        "t",
        "timestamp(0)",
        "timestamp(6)",
        "2017-05-19 21:00:27.943001",
        "timestamp without time zone",
    ),
    ("b", "bit(4)", "bit(8)", "10101010", "\"bit\""),
    (
        "i",
        "interval year",
        "interval",
        "1 day 00:00:01.5",
        "interval",
    ),
    (
        "ns",
        "numeric(4,1)[]",
        "numeric[]",
        "{1.25,NULL}",
        "numeric[]",
    ),
    ("x", "bit varying(2)", "bit varying", "10101", "bit varying"),
];

fn drifting() -> Db {
    let db = Db::with_shards(4);
    let table = |of: fn(&(&str, &'static str, &'static str, &str, &str)) -> &'static str| {
        let columns = DRIFT
            .iter()
            .map(|column| format!("{} {}", column.0, of(column)));
        format!(
            "CREATE TABLE t ({})",
            columns.collect::<Vec<_>>().join(", ")
        )
    };
    let values: Vec<_> = DRIFT
        .iter()
        .map(|column| format!("'{}'", column.3))
        .collect();
    for shard in [0, 1, 3] {
        db.in_shard(shard, &table(|column| column.1));
    }
    db.in_shard(2, &table(|column| column.2));
    db.in_shard(2, &format!("INSERT INTO t VALUES ({})", values.join(", ")));
    db
}

#[test]
fn a_length_that_differs_is_given_up_and_said() {
    let db = drifting();
    let folder = folder();
    let file = folder.path().join("t.csv.gz");
    let expected: Vec<_> = DRIFT
        .iter()
        .map(|(name, _, _, _, both)| {
            let of = |table| {
                gdesc(&db, &format!("SELECT {name} FROM {table}"))
                    .remove(0)
                    .1
            };
            json!({"name": name, "type": both, "declared": [
                {"type": of("shard_0.t"), "shards": "shard_0-1, shard_3"},
                {"type": of("shard_2.t"), "shards": "shard_2"},
            ]})
        })
        .collect();
    let note = "column \"n\" differs between shards: numeric(10,2) in shard_0-1, shard_3, \
         numeric(12,4) in shard_2; the manifest says numeric, which holds them all";
    for flags in [&[][..], &["--order", "arrival"]] {
        let export = export(&db, "SELECT * FROM t", &file).args(flags);
        export.args(["--force"]).run().assert(0, "", has(note));
        assert_eq!(columns(&file), Value::from(expected.clone()));
    }
    let here = db.ask("SELECT 'shard_2', * FROM shard_2.t");
    assert_eq!(loaded(&db, &file, "TABLE packages"), format!("{here}\n"));

    let out = folder.path().join("out");
    let parts = export(&db, "SELECT * FROM t", &out).args(["--per-shard"]);
    parts.run().assert(0, "", has(note));
    assert_eq!(folder_manifest(&out)["columns"], Value::from(expected));
}

#[test]
fn what_all_declare_alike_is_no_drift() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (price numeric(10,2))");
    let folder = folder();
    let file = folder.path().join("t.csv");
    let ran = export(&db, "SELECT * FROM t", &file).run();
    ran.assert(0, "", has("3/3 shards"));
    assert!(!ran.stderr.contains("differ"), "{}", ran.stderr);
    assert_eq!(
        columns(&file),
        json!([{"name": "price", "type": "numeric(10,2)"}])
    );
}

#[test]
fn a_shard_without_an_answer_declares_nothing() {
    let db = drifting();
    let folder = folder();
    let file = folder.path().join("t.csv");
    db.in_shard(2, "UPDATE t SET n = 0");
    let sql = "SELECT n FROM t WHERE 1 / n <> 0 OR n = 1";
    let partial = export(&db, sql, &file).args(["--allow-partial"]);
    partial.run().assert(3, "", has("division by zero"));
    assert_eq!(
        columns(&folder.path().join("t.partial.csv")),
        json!([{"name": "n", "type": "numeric(10,2)"}])
    );
}

#[test]
fn drift_between_two_runs_of_an_export_is_seen_as_within_one() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TYPE mood AS ENUM ('fine'); CREATE TABLE t (n numeric(10,2), m mood)");
    db.in_shard(2, "ALTER TABLE t RENAME TO later");
    let folder = folder();
    let out = folder.path().join("out");
    let new = || export(&db, "SELECT * FROM t", &out).args(["--per-shard"]);
    new().run().assert(3, "", has("2/3 shards"));
    assert_eq!(
        folder_manifest(&out)["columns"][0],
        json!({"name": "n", "type": "numeric(10,2)"})
    );

    db.in_shard(
        2,
        "ALTER TABLE later RENAME TO t; ALTER TABLE t ALTER n TYPE numeric(12,4)",
    );
    let resume = || new().args(["--resume"]);
    resume().run().assert(
        0,
        "",
        has_all(["column \"n\" differs between shards", "3/3 shards"]),
    );
    let expected = json!([
        {"name": "n", "type": "numeric", "declared": [
            {"type": "numeric(10,2)", "shards": "shard_0-1"},
            {"type": "numeric(12,4)", "shards": "shard_2"},
        ]},
        {"name": "m", "type": "text", "declared": [
            {"type": "{shard}.mood", "shards": "shard_0-2"},
        ]},
    ]);
    assert_eq!(folder_manifest(&out)["columns"], expected);
    // Even a run that reads nothing knows it.
    resume().run().assert(0, "", has("3/3 shards"));
    assert_eq!(folder_manifest(&out)["columns"], expected);

    // A column of another type is a different column.
    fs::remove_file(out.join("shard=shard_1/part.csv")).unwrap();
    db.in_shard(1, "ALTER TABLE t ALTER n TYPE bigint");
    resume().run().assert(
        1,
        "",
        has("the columns were (n numeric, m text), and are now (n bigint, m mood)"),
    );
}

#[test]
fn a_precision_that_a_parquet_file_cannot_hold_is_said_with_the_shards() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (price numeric(9,2))");
    db.in_shard(
        2,
        "ALTER TABLE t ALTER price TYPE numeric(12,3); INSERT INTO t VALUES (123456789.5)",
    );
    let folder = folder();
    let message = "column \"price\" is numeric(12,3) in shard_2 and numeric(9,2) in shard_0, but a \
         Parquet file has one type for both; cast it in the query to one that holds both: \
         \"price\"::numeric(12,3)";
    let file = folder.path().join("t.parquet");
    export(&db, "SELECT * FROM t", &file).run().assert(
        1,
        "",
        has_all([message, "t.parquet was not written"]),
    );
    let out = folder.path().join("out");
    let parts = export(&db, "SELECT * FROM t", &out).args(["--per-shard", "--format", "parquet"]);
    parts.run().assert(1, "", has(message));
    let cast = "SELECT \"price\"::numeric(12,3) FROM t";
    export(&db, cast, &file).run().assert(0, "", has("1 row"));

    // As many digits after the point: in the narrower type it would be another number.
    db.in_shard(2, "ALTER TABLE t ALTER price TYPE numeric(12,2)");
    let message = "column \"price\" is numeric(12,2) in shard_2 and numeric(9,2) in shard_0";
    let export = || export(&db, "SELECT * FROM t", &file).args(["--force"]);
    export().run().assert(1, "", has(message));

    // A value that the first shard's type can hold is kept.
    db.in_shard(0, "ALTER TABLE t ALTER price TYPE numeric(14,4)");
    export().run().assert(
        0,
        "",
        has_all(["column \"price\" differs between shards", "1 row"]),
    );
}

#[test]
fn parquet_files_of_two_runs_have_the_same_types() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (price numeric(9,2)); INSERT INTO t VALUES ({n})");
    db.in_shard(2, "ALTER TABLE t RENAME TO later");
    let folder = folder();
    let out = folder.path().join("out");
    let new = || export(&db, "SELECT * FROM t", &out).args(["--per-shard", "--format", "parquet"]);
    new().run().assert(3, "", has("2/3 shards"));
    let resume = || new().args(["--resume"]);
    db.in_shard(
        2,
        "ALTER TABLE later RENAME TO t; ALTER TABLE t ALTER price TYPE numeric(12,2)",
    );
    resume().run().assert(
        1,
        "",
        has("column \"price\" is numeric(12,2) in shard_2 and numeric(9,2) in shard_0"),
    );
    // A narrower column is written as wide as the others.
    db.in_shard(2, "ALTER TABLE t ALTER price TYPE numeric(4,1)");
    resume().run().assert(0, "", has("3/3 shards"));
    let part = out.join("shard=shard_2/part.parquet");
    if let Some(printed) = read_parquet(&part, "print(t.schema.field('price').type, rows)") {
        assert_eq!(printed, "decimal128(9, 2) [{'price': Decimal('2.00')}]\n");
    }
    assert_eq!(
        folder_manifest(&out)["columns"],
        json!([{"name": "price", "type": "numeric", "declared": [
            {"type": "numeric(9,2)", "shards": "shard_0-1"},
            {"type": "numeric(4,1)", "shards": "shard_2"},
        ]}])
    );
}
