//! `shardq export` and `shardq verify`: a file is whole, and its manifest describes it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{
    ANY, Db, Program, export, folder, has, has_all, manifest, names, shardq, types, verify,
};

/// Three shards with five rows each.
fn small() -> (Db, TempDir, PathBuf) {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TABLE t AS SELECT {n} * 10 + g AS id, 'row ' || g AS name \
         FROM generate_series(1, 5) AS g",
    );
    let folder = folder();
    let file = folder.path().join("t.csv");
    (db, folder, file)
}

#[test]
fn csv_is_the_servers_own_with_the_shard_in_front() {
    let (db, folder, file) = small();
    export(&db, "SELECT * FROM t ORDER BY id", &file)
        .run()
        .assert(
            0,
            "",
            has_all(["15 rows · 3/3 shards · one snapshot", "SHA-256"]),
        );
    let mut expected = String::from("shard,id,name\n");
    for n in 0..3 {
        let copied = db.psql([
            "-c",
            &format!("COPY (SELECT * FROM shard_{n}.t ORDER BY id) TO STDOUT (FORMAT csv)"),
        ]);
        for line in copied.lines() {
            expected.extend([&format!("shard_{n},"), line, "\n"]);
        }
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    assert_eq!(names(folder.path()), ["t.csv", "t.csv.manifest.json"]);
    verify(&file)
        .run()
        .assert(0, "", has_all([": OK · ", "15 rows", "3/3 shards"]));
}

#[test]
fn the_manifest_says_what_ran_where_and_what_came_of_it() {
    let (db, _folder, file) = small();
    let sql = "SELECT id, name, 1.5::numeric(10,2) AS price FROM t; -- all";
    export(&db, sql, &file)
        .args(["--shards", "0,2", "--statement-timeout", "1m"])
        .run()
        .assert(0, "", ANY);
    let told = manifest(&file);
    assert_eq!(
        told["statement"],
        "SELECT id, name, 1.5::numeric(10,2) AS price FROM t"
    );
    assert_eq!(told["search_path"], "{shard}");
    assert_eq!(told["server"]["database"], db.name());
    assert_eq!(told["server"]["host"], db.variable("PGHOST"));
    assert_eq!(told["server"]["port"].to_string(), db.variable("PGPORT"));
    assert_eq!(told["server"]["user"], db.ask("SELECT current_user"));
    assert_eq!(told["server"]["version"], db.ask("SHOW server_version"));
    assert_eq!(told["shards_expected"], 2);
    assert_eq!(told["shards_answered"], 2);
    assert_eq!(told["complete"], true);
    assert_eq!(told["rows"], 10);
    assert_eq!(told["columns"][2]["type"], "numeric(10,2)");
    assert_eq!(told["shards"][1]["shard"], "shard_2");
    assert_eq!(told["shards"][1]["rows"], 5);
    assert_eq!(told["options"]["shards"], "0,2");
    assert_eq!(told["options"]["statement-timeout"], "60000 ms");
    let text = fs::read(&file).unwrap();
    assert_eq!(told["file"]["bytes"], text.len());
    let snapshot = &told["runs"][0]["snapshot"];
    let position = snapshot["wal_position"].as_str().unwrap();
    assert_eq!(
        db.ask(&format!("SELECT pg_current_wal_lsn() >= '{position}'")),
        "t"
    );
    let taken = snapshot["taken"].as_str().unwrap();
    assert_eq!(
        db.ask(&format!(
            "SELECT '{taken}'::timestamptz BETWEEN now() - interval '1 min' AND now()"
        )),
        "t"
    );
    let header = "shard,id,name,price\n".len();
    let bytes: u64 = (0..2)
        .map(|i| told["shards"][i]["bytes"].as_u64().unwrap())
        .sum();
    assert_eq!(header as u64 + bytes, text.len() as u64);
}

#[test]
fn no_password_gets_into_the_manifest() {
    let (db, _folder, file) = small();
    let uri = format!(
        "postgresql://postgres:s3cret@/{}?host={}&port={}",
        db.name(),
        db.variable("PGHOST"),
        db.variable("PGPORT")
    );
    export(&db, "SELECT * FROM t", &file)
        .args(["-d", &uri])
        .run()
        .assert(0, "", ANY);
    assert!(!manifest(&file).to_string().contains("s3cret"));
}

#[test]
fn two_exports_of_the_same_rows_are_the_same_bytes() {
    let db = Db::with_sample(16);
    let folder = folder();
    // A workbook has the time of its export.
    let names = shardq::export::ExportFormat::names().into_iter();
    for ending in names.filter(|name| *name != "xlsx") {
        let sql = "SELECT * FROM origin_packages ORDER BY id";
        let [one, other] =
            ["one", "other"].map(|name| folder.path().join(format!("{name}.{ending}")));
        export(&db, sql, &one)
            .args(["-j", "1"])
            .run()
            .assert(0, "", ANY);
        export(&db, sql, &other)
            .args(["-j", "8"])
            .run()
            .assert(0, "", ANY);
        assert!(
            fs::read(one).unwrap() == fs::read(other).unwrap(),
            "{ending}"
        );
    }
}

#[test]
fn every_type_loads_back_as_the_same_rows() {
    let db = Db::with_shards(2);
    let table = types::table(types::BUILT_IN, 0);
    db.in_each_shard(&table);
    let folder = folder();
    for (ending, options) in [("csv", "FORMAT csv, HEADER"), ("tsv", "HEADER")] {
        let file = folder.path().join(format!("types.{ending}"));
        export(&db, "SELECT * FROM t", &file)
            .run()
            .assert(0, "", ANY);
        verify(&file).run().assert(0, "", has("2/2 shards"));
        db.sql(
            "DROP TABLE IF EXISTS public.back; \
             CREATE TABLE public.back AS SELECT ''::text AS shard, * FROM shard_0.t LIMIT 0",
        );
        let load = format!("COPY public.back FROM STDIN ({options})");
        db.psql_program(["-v", "ON_ERROR_STOP=1", "-c", &load])
            .stdin(fs::read(&file).unwrap())
            .run()
            .output();
        for n in 0..2 {
            // Compared as text: some types have no equality, and '' is not NULL.
            let columns = db.ask(&format!(
                "SELECT string_agg(format('b.%1$I::text IS NOT DISTINCT FROM a.%1$I::text', attname), ' AND ') \
                 FROM pg_attribute WHERE attrelid = 'shard_{n}.t'::regclass AND attnum > 0"
            ));
            let lost = format!(
                "SELECT count(*) FROM shard_{n}.t AS a \
                 LEFT JOIN (SELECT * FROM public.back WHERE shard = 'shard_{n}') AS b USING (row) \
                 WHERE NOT ({columns})"
            );
            assert_eq!(db.ask(&lost), "0", "{ending} of shard_{n}");
        }
        assert_eq!(
            db.ask("SELECT count(*) FROM public.back"),
            db.ask("SELECT (SELECT count(*) FROM shard_0.t) + (SELECT count(*) FROM shard_1.t)")
        );
    }
}

#[test]
fn json_lines_say_what_query_prints() {
    let (db, folder, _) = small();
    let file = folder.path().join("t.jsonl");
    export(&db, "SELECT * FROM t ORDER BY id", &file)
        .run()
        .assert(0, "", ANY);
    let printed = shardq(["query", "--jsonl", "SELECT * FROM t ORDER BY id"])
        .db(&db)
        .run()
        .output();
    assert_eq!(fs::read_to_string(&file).unwrap(), printed);
}

#[test]
fn compressed_files_are_what_the_usual_tools_read() {
    let (db, folder, _) = small();
    let file = |name: String| folder.path().join(name);
    // zstd can also read gzip: the first bytes tell which format it is.
    let tools = [
        ("gz", "gzip", &b"\x1f\x8b"[..]),
        ("zst", "zstd", b"\x28\xb5\x2f\xfd"),
    ];
    for (format, (ending, tool, magic)) in ["csv", "tsv", "jsonl"]
        .into_iter()
        .flat_map(|format| tools.map(|tool| (format, tool)))
    {
        let plain = file(format!("{ending}.{format}"));
        let packed = file(format!("t.{format}.{ending}"));
        for file in [&plain, &packed] {
            export(&db, "SELECT * FROM t ORDER BY id", file)
                .run()
                .assert(0, "", has("15 rows · 3/3 shards"));
            verify(file).run().assert(0, "", has("15 rows"));
        }
        assert!(fs::read(&packed).unwrap().starts_with(magic), "{packed:?}");
        let expected = fs::read_to_string(&plain).unwrap();
        if which(tool) {
            Program::new(tool)
                .args(["-dc"])
                .args([&packed])
                .run()
                .assert(0, expected.as_str(), "");
        } else {
            println!("{tool} is not here; its file was read by shardq verify alone");
        }
    }
}

fn which(tool: &str) -> bool {
    std::process::Command::new(tool)
        .arg("--version")
        .output()
        .is_ok()
}

#[test]
fn the_same_goes_to_standard_output() {
    let (db, _folder, file) = small();
    export(&db, "SELECT * FROM t ORDER BY id", &file)
        .run()
        .assert(0, "", ANY);
    let text = fs::read_to_string(&file).unwrap();
    export(&db, "SELECT * FROM t ORDER BY id", Path::new("-"))
        .run()
        .assert(0, text.as_str(), has("15 rows · 3/3 shards"));
    export(
        &db,
        "SELECT n FROM generate_series(1, 1000000) AS n",
        Path::new("-"),
    )
    .run_reading(2)
    .assert(0, "shard,n\nshard_0,1\n", "");
}

#[test]
fn a_file_that_is_there_is_kept_unless_forced() {
    let (db, folder, file) = small();
    fs::write(&file, "mine").unwrap();
    // Fails before connecting: nothing listens on that port.
    export(&db, "SELECT * FROM t", &file)
        .args(["-p", "1"])
        .run()
        .assert(1, "", has_all(["t.csv already exists", "--force"]));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    export(&db, "SELECT * FROM t", &file)
        .args(["--force", "--no-manifest"])
        .run()
        .assert(0, "", ANY);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 16);
    assert_eq!(names(folder.path()), ["t.csv"]);
}

#[test]
fn a_manifest_of_the_file_before_does_not_stay() {
    let (db, folder, file) = small();
    export(&db, "SELECT * FROM t", &file)
        .run()
        .assert(0, "", ANY);
    export(&db, "SELECT 1 AS one", &file)
        .args(["--force", "--no-manifest"])
        .run()
        .assert(0, "", ANY);
    assert_eq!(names(folder.path()), ["t.csv"]);
    verify(&file)
        .run()
        .assert(1, "", has("t.csv.manifest.json"));
}

#[test]
fn spreadsheets_get_what_they_do_not_spoil() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let sql = "SELECT 721096797631602718 AS id, '=1+1' AS formula, '00123' AS code, -5 AS n";
    export(&db, sql, &file)
        .args(["--excel"])
        .run()
        .assert(0, "", ANY);
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "\u{feff}shard,id,formula,code,n\r\n\
         shard_0,\"=\"\"721096797631602718\"\"\",'=1+1,\"=\"\"00123\"\"\",-5\r\n"
    );
    verify(&file).run().assert(0, "", has("1 row · "));
    let plain = folder.path().join("plain.csv");
    export(&db, sql, &plain).run().assert(0, "", ANY);
    assert!(
        fs::read_to_string(&plain)
            .unwrap()
            .contains(",=1+1,00123,-5\n")
    );
}

#[test]
fn a_semicolon_ends_a_statement_and_is_no_part_of_it() {
    let db = Db::with_shards(1);
    for sql in [
        "SELECT ';' AS a;",
        "SELECT ';' AS a ;\n;",
        "SELECT ';' AS a; -- that's it",
        "SELECT ';' AS a; /* ; */",
    ] {
        export(&db, sql, Path::new("-"))
            .run()
            .assert(0, "shard,a\nshard_0,;\n", ANY);
    }
    export(&db, "SELECT 1; SELECT 2", Path::new("-"))
        .run()
        .assert(1, "", has("expected one statement"));
    export(&db, "SHOW work_mem", Path::new("-")).run().assert(
        1,
        "",
        has_all(["SHOW", "shardq: hint: COPY accepts SELECT"]),
    );
    export(
        &db,
        "SELECT 1) TO STDOUT; DROP SCHEMA shard_0; --",
        Path::new("-"),
    )
    .run()
    .assert(1, "", has("syntax error"));
}

#[test]
fn nobody_else_has_to_be_told_a_password_or_a_format() {
    let (db, folder, _) = small();
    let odd = folder.path().join("t.txt");
    export(&db, "SELECT id FROM t", &odd)
        .args(["--format", "tsv"])
        .run()
        .assert(0, "", ANY);
    assert!(fs::read_to_string(&odd).unwrap().starts_with("shard\tid\n"));
    for (args, reason) in [
        (vec!["--format", "xls"], "expected one of csv"),
        (vec!["--format", "tsv", "--excel"], "--excel is for CSV"),
    ] {
        let file = folder.path().join("x.csv");
        export(&db, "SELECT id FROM t", &file)
            .args(args)
            .run()
            .assert(2, "", has(reason));
    }
}
