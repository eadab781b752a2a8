//! The column types in a manifest: Postgres's own names for them, and a table that holds every
//! value of every shard unchanged. `drift` is about shards that declare different types.

mod drift;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    ANY, Db, Program, export, folder, folder_manifest, has, has_all, manifest, shardq, types,
    verify,
};

fn columns(file: &Path) -> Value {
    manifest(file)["columns"].clone()
}

/// Turns a document's recipe into a script: one of its code blocks, with the example database and
/// files replaced by the test's own.
fn recipe(document: &str, about: &str, words: &[(&str, &str)]) -> String {
    let (_, behind) = document.split_once(about).unwrap();
    let (_, block) = behind.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let mut script = format!("set -e\n{block}");
    for (word, here) in words {
        assert!(script.contains(word), "{script}");
        script = script.replace(word, here);
    }
    script
}

const GUIDE: &str = include_str!("../../../../docs/guide/exports.md");

/// Runs a shell script with `shardq` and Postgres's programs on the path.
fn sh(db: &Db, script: &str, at: &Path) -> Program {
    let shardq = Path::new(env!("CARGO_BIN_EXE_shardq")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{}:{path}", shardq.display(), db.programs().display());
    let script = format!("cd '{}'\n{script}", at.display());
    Program::new("sh")
        .args(["-c", &script])
        .env("PATH", path)
        .db(db)
}

/// Loads an export into a database of its own, as the guide describes, and returns what psql prints of
/// the table.
#[track_caller]
fn loaded(db: &Db, file: &Path, query: &str) -> String {
    let scratch = format!("{}_scratch", db.name());
    db.sql(&format!("DROP DATABASE IF EXISTS \"{scratch}\""));
    let name = file.file_name().unwrap().to_str().unwrap();
    let script = recipe(
        GUIDE,
        "in a table that the manifest describes",
        &[("scratch", &scratch), ("packages.csv.gz", name)],
    );
    sh(db, &script, file.parent().unwrap())
        .run()
        .assert(0, ANY, has_all([": OK · "]));
    let psql = db
        .psql_program(["-At", "-c", query])
        .env("PGDATABASE", &scratch);
    psql.run().output()
}

#[test]
fn every_type_loads_by_the_documented_recipe_to_the_letter() {
    let db = Db::with_shards(2);
    for shard in [0, 1] {
        db.in_shard(shard, &types::table(types::BUILT_IN, shard as usize));
    }
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('fine', 'so, so \"\"'); CREATE DOMAIN price AS numeric(10,2); \
         CREATE TYPE pair AS (a int, b text); CREATE TYPE span AS RANGE (subtype = int8); \
         ALTER TABLE t ADD mood mood, ADD moods mood[], ADD price price, ADD prices price[], \
           ADD pair pair, ADD pairs pair[], ADD span span, ADD b4 bit(4), ADD b bpchar, \
           ADD c char(3), ADD cs char(3)[], ADD ts timestamp(0), ADD i interval day to second(3); \
         UPDATE t SET mood = 'so, so \"\"', moods = ARRAY['fine', NULL]::mood[], price = {n}.5, \
           prices = '{1.25,NULL}', pair = ROW({n}, 'a,\"b\"'), pairs = ARRAY[ROW(1, NULL)]::pair[], \
           span = '[1,3)', b4 = '1010', b = 'trailing  ', c = 'a', cs = '{a,\"b c\"}', \
           ts = '2017-05-19 21:00:27.943', i = '1 day 02:03:04.56789' WHERE row = 1",
    );
    let folder = folder();
    let file = folder.path().join("t.csv.gz");
    export(&db, "SELECT *, ROW(row, 'x') AS record FROM t", &file)
        .run()
        .assert(0, "", ANY);
    let here = db.ask(
        "SELECT * FROM (SELECT 'shard_0' AS shard, *, ROW(row, 'x') AS record FROM shard_0.t) a ORDER BY shard, row",
    ) + "\n" + &db.ask(
        "SELECT * FROM (SELECT 'shard_1' AS shard, *, ROW(row, 'x') AS record FROM shard_1.t) a ORDER BY shard, row",
    ) + "\n";
    let there = loaded(&db, &file, "SELECT * FROM packages ORDER BY shard, row");
    assert_eq!(there, here);
}

#[test]
fn the_recipe_of_the_page_on_exports_loads_as_well() {
    let db = Db::with_shards(2);
    let folder = folder();
    export(&db, "SELECT 1.50 AS a", &folder.path().join("origins.csv"))
        .run()
        .assert(0, "", ANY);
    let scratch = format!("{}_scratch", db.name());
    let page = include_str!("../../../../docs/guide/exports.md");
    let script = recipe(page, "prints the table for it", &[("scratch", &scratch)]);
    sh(&db, &script, folder.path())
        .run()
        .assert(0, "CREATE TABLE\nCOPY 2\n", has(": OK · "));
    let psql = db.psql_program(["-At", "-c", "TABLE origins"]);
    let there = psql.env("PGDATABASE", &scratch).run().output();
    assert_eq!(there, "shard_0|1.50\nshard_1|1.50\n");
}

/// Types by psql's `\gdesc`, with an empty `search_path` as in another database.
fn gdesc(db: &Db, sql: &str) -> Vec<(String, String)> {
    let psql = db
        .psql_program(["-At"])
        .env("PGOPTIONS", "-c search_path= -c quote_all_identifiers=off");
    let output = psql.stdin(format!("{sql} \\gdesc\n")).run().output();
    let lines = output.lines().map(|line| line.split_once('|').unwrap());
    lines
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect()
}

#[test]
fn types_are_called_what_gdesc_calls_them() {
    let db = Db::with_shards(1);
    db.sql("CREATE TYPE public.vis AS ENUM ('all'); CREATE TYPE public.\"My type\" AS (a int)");
    db.in_each_shard(
        "CREATE TABLE t (a bit(4), b bit, c bit varying(8), d varbit, e bpchar, f char, g char(3)[], \
         h \"char\", i \"char\"[], j varchar(20)[], k numeric(10,2)[], l numeric(3,-2), \
         m timestamp(3)[], n timestamptz(0), o time(2), p timetz[], q interval year to month, \
         r interval day to second(3)[], s interval(2), t public.vis[], u public.\"My type\", \
         v \"bit\", w name[], x oidvector, y money, z json)",
    );
    // Another database may quote names differently and have them in other schemas.
    db.sql(&format!(
        "ALTER DATABASE \"{}\" SET quote_all_identifiers = on",
        db.name()
    ));
    let folder = folder();
    let file = folder.path().join("t.csv");
    for flags in [&[][..], &["-g"], &["--order", "arrival"]] {
        let export = export(&db, "SELECT * FROM t", &file);
        export
            .args(flags)
            .args(["--force"])
            .run()
            .assert(0, "", ANY);
        let expected: Vec<_> = gdesc(&db, "SELECT * FROM shard_0.t")
            .into_iter()
            .map(|(name, kind)| json!({"name": name, "type": kind}))
            .collect();
        assert_eq!(columns(&file), Value::from(expected), "{flags:?}");
    }
}

#[test]
fn types_of_a_shard_are_text_elsewhere_with_the_original_beside() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('fine'); CREATE TYPE pair AS (a mood, b int); \
         CREATE DOMAIN ten AS int CHECK (VALUE < 10); \
         CREATE TABLE t (m mood, ms mood[], p pair, d ten, ds ten[])",
    );
    let folder = folder();
    let (file, out) = (folder.path().join("t.csv"), folder.path().join("out"));
    let sql = "SELECT *, t AS whole, ROW(1) AS r FROM t";
    export(&db, sql, &file).run().assert(0, "", ANY);
    let own = |name: &str, kind: &str| json!({"name": name, "type": "text", "declared": [{"type": kind, "shards": "shard_0-1"}]});
    let expected = json!([
        own("m", "{shard}.mood"),
        own("ms", "{shard}.mood[]"),
        own("p", "{shard}.pair"),
        // The server reports a domain's base type.
        {"name": "d", "type": "integer"},
        own("ds", "{shard}.ten[]"),
        own("whole", "{shard}.t"),
        own("r", "record"),
    ]);
    assert_eq!(columns(&file), expected);
    export(&db, sql, &out)
        .args(["--per-shard"])
        .run()
        .assert(0, "", ANY);
    assert_eq!(folder_manifest(&out)["columns"], expected);
}

#[test]
fn columns_in_a_table_have_names_that_a_table_can_have() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let sql = "SELECT 1 AS \"a\"\"b\", 2 AS x, 3 AS x, 4 AS shard, '(0,1)'::tid AS ctid, 5 AS \"; DROP TABLE t; --\"";
    export(&db, sql, &file).run().assert(0, "", ANY);
    let create = verify(&file)
        .args(["--create-table", "archive.\"My packages\""])
        .run();
    create.assert(
        0,
        "CREATE TABLE \"archive\".\"My packages\" (\n    \"shard\" text,\n    \"a\"\"b\" integer,\n    \
         \"x\" integer,\n    \"x_2\" integer,\n    \"shard_2\" integer,\n    \"ctid_2\" tid,\n    \
         \"; DROP TABLE t; --\" integer\n);\n",
        has_all([
            ": OK · ",
            "column 4 \"x\" is called \"x_2\" in the table",
            "column 5 \"shard\" is called \"shard_2\" in the table",
        ]),
    );
    db.sql("CREATE SCHEMA archive");
    db.sql(&create.stdout);
    let load = "COPY archive.\"My packages\" FROM STDIN (FORMAT csv, HEADER)";
    db.psql_program(["-c", load])
        .stdin(fs::read(&file).unwrap())
        .run()
        .assert(0, "", "");
    assert_eq!(
        db.ask("TABLE archive.\"My packages\""),
        "shard_0|1|2|3|4|(0,1)|5"
    );
}

#[test]
fn no_table_is_made_of_what_was_changed_or_holds_other_values() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let create = || verify(&file).args(["--create-table", "t"]).run();
    export(&db, "SELECT 1 AS a", &file)
        .args(["--excel"])
        .run()
        .assert(0, "", ANY);
    create().assert(
        1,
        "",
        has("t.csv: no table can hold this export: it was exported with --excel"),
    );
    export(&db, "SELECT 1 AS a", &file)
        .args(["--force"])
        .run()
        .assert(0, "", ANY);
    fs::write(&file, "shard,a\nshard_0,2\n").unwrap();
    create().assert(1, "", has("does not match its manifest"));
    shardq(["verify", "--create-table", "a b", "t.csv"])
        .run()
        .assert(2, "", has("invalid table name 'a b'; write it as in SQL"));
}
