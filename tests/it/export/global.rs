//! `shardq export --global`: one result over all shards in a file, whole or absent.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{
    ANY, Db, Program, eventually, folder, has, has_all, manifest, names, shardq, verify,
};

fn export(db: &Db, sql: &str, file: &Path) -> Program {
    shardq(["export", "-g", sql, "-o"]).args([file]).db(db)
}

/// Four shards with values that files tend to spoil, more of them the higher the shard's number.
fn small() -> (Db, TempDir, PathBuf) {
    let db = Db::with_shards(4);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT {n} * 10 + g AS id, nullif(g % 3, 0) AS kind, \
         (ARRAY['', NULL, E'tab\\t, \"quote\"', E'two\\nlines', 'žluť', '\\N'])[g] AS name \
         FROM generate_series(1, 3 + {n}) AS g",
    );
    let folder = folder();
    let file = folder.path().join("t.csv");
    (db, folder, file)
}

/// psql's result of the statement with the tables written out by hand.
fn copied(db: &Db, sql: &str, options: &str) -> String {
    let shards: Vec<_> = (0..4)
        .map(|n| format!("SELECT *, 'shard_{n}' AS shard FROM shard_{n}.t"))
        .collect();
    let sql = sql.replace(
        "FROM t",
        &format!("FROM ({}) AS t", shards.join(" UNION ALL ")),
    );
    db.psql(["-c", &format!("COPY ({sql}) TO STDOUT ({options})")])
}

#[test]
fn the_file_is_byte_for_byte_what_copy_writes_of_the_union() {
    let (db, folder, _) = small();
    for (way, sql) in [
        ("one", "SELECT id, kind, name FROM t ORDER BY id"),
        (
            "one",
            "SELECT shard, string_agg(name, ',' ORDER BY id) FROM t GROUP BY 1 ORDER BY 1",
        ),
        (
            "partial",
            "SELECT kind, count(*), max(name) FROM t GROUP BY kind ORDER BY kind",
        ),
        ("partial", "SELECT name, id FROM t ORDER BY id DESC LIMIT 6"),
    ] {
        for (ending, options, null) in [
            ("csv", "FORMAT csv, HEADER", "-"),
            ("tsv", "FORMAT text, HEADER", "\\N"),
        ] {
            let file = folder.path().join(format!("t.{ending}"));
            export(&db, &format!("{sql}; -- all"), &file)
                .args(["--strategy", "one", "--force"])
                .run()
                .assert(0, "", has_all(["SHA-256", "4/4 shards · one snapshot"]));
            let expected = copied(&db, sql, options);
            assert_eq!(fs::read_to_string(&file).unwrap(), expected, "{sql}");
            export(&db, sql, &file)
                .args(["--strategy", way, "--force", "--null", null])
                .run()
                .assert(0, "", ANY);
            let expected = copied(&db, sql, &format!("{options}, NULL '{null}'"));
            assert_eq!(fs::read_to_string(&file).unwrap(), expected, "{way}: {sql}");
            verify(&file)
                .run()
                .assert(0, "", has_all([": OK · ", "4/4 shards"]));
        }
    }
}

#[test]
fn every_format_has_the_answer_alone() {
    let (db, folder, _) = small();
    let sql = "SELECT id, name FROM t ORDER BY id";
    for ending in ["jsonl", "csv.gz", "tsv.zst", "parquet"] {
        let file = folder.path().join(format!("t.{ending}"));
        export(&db, sql, &file)
            .run()
            .assert(0, "", has("18 rows · 4/4 shards"));
        verify(&file)
            .run()
            .assert(0, "", has_all(["18 rows", "4/4 shards"]));
    }
    let printed = shardq(["query", "-g", "--jsonl", sql])
        .db(&db)
        .run()
        .output();
    let file = folder.path().join("t.jsonl");
    assert_eq!(fs::read_to_string(file).unwrap(), printed);
    let excel = folder.path().join("excel.csv");
    export(
        &db,
        "SELECT count(*) AS n, '=1+1' AS formula FROM t",
        &excel,
    )
    .args(["--excel"])
    .run()
    .assert(0, "", ANY);
    assert_eq!(
        fs::read_to_string(&excel).unwrap(),
        "\u{feff}n,formula\r\n18,'=1+1\r\n"
    );
    export(&db, "SELECT count(*) AS n FROM t", Path::new("-"))
        .run()
        .assert(0, "n\n18\n", has("1 row · 4/4 shards · one snapshot"));
    export(&db, sql, Path::new("-"))
        .run_reading(2)
        .assert(0, "id,name\n1,\"\"\n", ANY);
}

#[test]
fn the_manifest_says_that_it_is_one_answer_of_all_shards() {
    let (db, _folder, file) = small();
    db.sql("CREATE TYPE public.mood AS ENUM ('ok')");
    let sql = "SELECT kind, count(*) AS n, 'ok'::mood AS mood FROM t GROUP BY kind";
    export(&db, sql, &file).run().assert(0, "", ANY);
    let told = manifest(&file);
    assert_eq!(told["statement"], sql);
    assert_eq!(told["global"], true);
    assert_eq!(told["complete"], true);
    assert_eq!(told["shards_expected"], 4);
    assert_eq!(told["shards_answered"], 4);
    assert_eq!(told["rows"], 3);
    assert_eq!(told["shard_column"], serde_json::Value::Null);
    assert_eq!(told["shards"], serde_json::json!([]));
    assert_eq!(told["columns"][1]["type"], "bigint");
    assert_eq!(told["columns"][2]["type"], "public.mood");
    assert_eq!(told["options"]["global"], true);
    assert_eq!(told["server"]["database"], db.name());
    let snapshot = &told["runs"][0]["snapshot"];
    assert!(snapshot["transactions"].as_str().unwrap().contains(':'));
}

#[test]
fn an_edit_of_the_file_is_found() {
    let (db, _folder, file) = small();
    export(&db, "SELECT count(*) AS n FROM t", &file)
        .run()
        .assert(0, "", ANY);
    fs::write(&file, "n\n19\n").unwrap();
    verify(&file).run().assert(
        1,
        "",
        has_all(["t.csv: does not match its manifest", "SHA-256"]),
    );
}

#[test]
fn shards_that_are_left_out_are_told_by_manifest_and_verify() {
    let (db, folder, file) = small();
    db.in_shard(2, "ALTER TABLE t DROP name");
    let sql = "SELECT count(*) AS n FROM t WHERE name IS NOT NULL OR name IS NULL";
    export(&db, sql, &file).run().assert(
        1,
        "",
        has_all(["shard_2: \"t\" has no column \"name\"", "--skip-missing"]),
    );
    assert_eq!(names(folder.path()), [""; 0]);
    export(&db, sql, &file)
        .args(["--skip-missing"])
        .run()
        .assert(
            3,
            "",
            has_all([
                "left out: shard_2",
                "1 row · 3/4 shards, missing: shard_2 · one snapshot",
            ]),
        );
    assert_eq!(fs::read_to_string(&file).unwrap(), "n\n13\n");
    let told = manifest(&file);
    assert_eq!(told["complete"], false);
    assert_eq!(told["shards_expected"], 4);
    assert_eq!(told["shards_answered"], 3);
    assert_eq!(
        told["missing"],
        serde_json::json!([{
            "shard": "shard_2",
            "error": "left out: shard_2: \"t\" has no column \"name\"",
        }])
    );
    assert_eq!(told["options"]["skip-missing"], true);
    verify(&file).run().assert(0, "", has("1 row · 3/4 shards"));
}

#[test]
fn a_statement_that_fails_leaves_no_file() {
    let (db, folder, file) = small();
    for (args, sql) in [
        (vec![], "SELECT 1 / (id - 11) FROM t ORDER BY id"),
        (
            vec!["--strategy", "one"],
            "SELECT 1 / (id - 11), sum(id) FROM t GROUP BY 1",
        ),
        (
            vec!["--format", "jsonl"],
            "SELECT 1 / (id - 11) FROM t, generate_series(1, 5000)",
        ),
    ] {
        export(&db, sql, &file).args(args).run().assert(
            1,
            "",
            has_all(["t.csv was not written", "ERROR 22012: division by zero"]),
        );
        assert_eq!(names(folder.path()), [""; 0], "{sql}");
    }
    export(&db, "SELECT 1, nosuch FROM t", &file).run().assert(
        1,
        "",
        has("LINE 1: SELECT 1, nosuch FROM t\n                  ^"),
    );
    export(&db, "SELECT 'NaN'::numeric(4, 2) AS x FROM t", &file)
        .args(["--format", "parquet"])
        .run()
        .assert(1, "", has("column \"x\" of the answer holds NaN"));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn an_interrupted_export_leaves_the_older_file_and_nothing_on_the_server() {
    let (db, folder, file) = small();
    fs::write(&file, "older").unwrap();
    let sql = "SELECT generate_series(1, 100000000) AS n, repeat('x', 200) FROM t";
    let running = export(&db, sql, &file).args(["--force"]).spawn();
    eventually("rows are in the draft", || {
        names(folder.path()).iter().any(|name| {
            let size = fs::metadata(folder.path().join(name)).map_or(0, |there| there.len());
            name.starts_with(".t.csv.shardq-") && size > 1 << 20
        })
    });
    running.signal("INT");
    running
        .finish()
        .assert(130, "", has("t.csv was not written"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "older");
    assert_eq!(names(folder.path()), ["t.csv"]);
    eventually("no backend is left", || db.backends("shardq").is_empty());
}

#[test]
fn how_it_would_be_answered_is_printed_and_no_file_is_written() {
    let (db, folder, file) = small();
    for flag in ["--explain", "--dry-run"] {
        export(&db, "SELECT name FROM t", &file)
            .args([flag])
            .run()
            .assert(
                0,
                has_all([
                    "-- one statement: ",
                    "FROM \"shard_3\".\"t\")\nSELECT name FROM t;",
                ]),
                ANY,
            );
        export(&db, "SELECT count(*) FROM t", &file)
            .args([flag])
            .run()
            .assert(0, has_all(["-- partial results", "each of 4 shards"]), ANY);
    }
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn what_means_nothing_for_one_answer_is_refused_before_anything_connects() {
    let (db, folder, file) = small();
    for (args, parts) in [
        (
            vec!["--per-shard"],
            ["--per-shard cannot be used", "remove --global"],
        ),
        (
            vec!["--per-shard", "--resume"],
            ["--resume cannot be used", "remove the flag and --per-shard"],
        ),
        (
            vec!["--allow-partial"],
            ["--allow-partial cannot be used", "--skip-missing"],
        ),
        (
            vec!["--order", "arrival"],
            [
                "--order arrival cannot be used",
                "the statement determines the order",
            ],
        ),
        (
            vec!["--no-snapshot"],
            ["--no-snapshot cannot be used", "one snapshot"],
        ),
        (
            vec!["--no-shard-column"],
            ["--no-shard-column cannot be used", "remove the flag"],
        ),
        (
            vec!["--shard-column", "shard"],
            ["--shard-column cannot be used", "select the column shard"],
        ),
    ] {
        export(&db, "SELECT id FROM t", &file)
            .args(["-p", "1"])
            .args(args)
            .run()
            .assert(2, "", has_all(parts));
    }
    assert_eq!(names(folder.path()), [""; 0]);
    for flag in ["--explain", "--skip-missing", "--strategy=one"] {
        shardq(["export", "SELECT 1", flag, "-o"])
            .args([&file])
            .db(&db)
            .run()
            .assert(2, "", has("--global"));
    }
    export(&db, "SELECT id FROM t", &file)
        .run()
        .assert(0, "", ANY);
    export(&db, "SELECT id FROM t", &file).run().assert(
        1,
        "",
        has_all(["t.csv already exists", "--force"]),
    );
}

#[test]
fn a_long_statement_says_where_it_is_and_which_flag_ends_it() {
    let (db, _folder, file) = small();
    let sql = "SELECT id, pg_sleep(0.01) FROM t, generate_series(1, 70)";
    let ran = export(&db, sql, &file).run();
    ran.assert(
        0,
        "",
        has_all(["one statement over 4 shards for ", " rows · "]),
    );
    assert!(!ran.stderr.contains("/1 shards"), "{}", ran.stderr);
    export(&db, sql, &file)
        .args(["--force", "--quiet", "--statement-timeout", "100ms"])
        .run()
        .assert(1, "", has_all(["57014", "raise --timeout"]));
    shardq(["query", "-g", sql, "--timeout", "100ms"])
        .db(&db)
        .run()
        .assert(1, "", has_all(["57014", "raise --timeout"]));
}

#[test]
fn a_connection_that_is_lost_before_any_row_is_no_reason_for_no_file() {
    let (db, _folder, file) = small();
    let sql = "SELECT count(*) AS n FROM t WHERE (SELECT pg_sleep(1)) IS NOT NULL";
    let export = export(&db, sql, &file).spawn();
    db.terminate_waiting("PgSleep");
    export.finish().assert(
        0,
        "",
        has_all(["retrying at a new snapshot", "1 row · 4/4 shards"]),
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "n\n18\n");
    verify(&file).run().assert(0, "", has(": OK · "));
}
