//! `shardq verify`: detects every change made since the export, and tells them apart.

use std::fs;

use crate::support::{ANY, Db, export, folder, has, has_all, shardq, verify};

#[test]
fn one_byte_changed_anywhere_in_any_format() {
    let db = Db::with_shards(3);
    let folder = folder();
    for kind in ::shardq::export::ExportFormat::names() {
        let file = folder.path().join(format!("t.{kind}"));
        export(&db, "SELECT n FROM generate_series(1, 100) AS n", &file)
            .run()
            .assert(0, "", ANY);
        let whole = fs::read(&file).unwrap();
        // Headers, lengths, data, checksums, footers: no decoder may crash on them.
        for place in 0..8 {
            let mut changed = whole.clone();
            changed[place * (whole.len() - 1) / 7] ^= 1;
            fs::write(&file, &changed).unwrap();
            verify(&file).run().assert(
                1,
                "",
                has_all([
                    format!("t.{kind}: does not match its manifest: SHA-256").as_str(),
                    ", expected ",
                ]),
            );
        }
        fs::write(&file, &whole).unwrap();
        verify(&file)
            .run()
            .assert(0, "", has("300 rows · 3/3 shards"));
    }
}

#[test]
fn a_file_cut_short_or_gone_and_a_manifest_edited_or_gone() {
    let db = Db::with_shards(3);
    let folder = folder();
    let file = folder.path().join("t.csv");
    export(&db, "SELECT n FROM generate_series(1, 100) AS n", &file)
        .run()
        .assert(0, "", ANY);
    let whole = fs::read(&file).unwrap();

    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    verify(&file).run().assert(
        1,
        "",
        has_all(["does not match its manifest", " bytes, expected "]),
    );
    fs::write(&file, &whole).unwrap();
    verify(&file).run().assert(0, "", has(": OK · "));
    fs::remove_file(&file).unwrap();
    verify(&file)
        .run()
        .assert(1, "", has("t.csv: No such file"));
    fs::write(&file, &whole).unwrap();

    let path = folder.path().join("t.csv.manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"rows\": 100,", "\"rows\": 99,")).unwrap();
    verify(&file)
        .run()
        .assert(1, "", has("edited since shardq wrote it"));
    fs::remove_file(&path).unwrap();
    verify(&file)
        .run()
        .assert(1, "", has_all(["t.csv.manifest.json", "No such file"]));
}

#[test]
fn a_folder_has_no_other_parts_than_those_of_its_manifest() {
    let db = Db::with_shards(3);
    let folder = folder();
    let out = folder.path().join("out");
    export(&db, "SELECT 1 AS one", &out)
        .args(["--per-shard", "--format", "parquet"])
        .run()
        .assert(0, "", ANY);
    let part = out.join("shard=shard_1/part.parquet");
    // Files that no reader of the parts takes for a part.
    fs::write(out.join("README"), "mine").unwrap();
    fs::write(out.join("all.parquet"), "mine").unwrap();
    fs::write(out.join("shard=shard_1/notes.txt"), "mine").unwrap();
    fs::create_dir(out.join(".hidden")).unwrap();
    fs::copy(&part, out.join(".hidden/part.parquet")).unwrap();
    fs::copy(&part, out.join("shard=shard_1/.part.parquet.shardq-1-2")).unwrap();
    verify(&out).run().assert(0, "", has("3 rows · 3/3 shards"));

    let added = ["shard=shard_1/part2.parquet", "shard=shard_9/part.parquet"];
    fs::create_dir(out.join("shard=shard_9")).unwrap();
    for name in added {
        let added = out.join(name);
        fs::copy(&part, &added).unwrap();
        verify(&out).run().assert(
            1,
            "",
            has_all([
                "not part of the export",
                "would read: shard=",
                name,
                "move them away",
            ]),
        );
    }
    verify(&out).run().assert(1, "", has_all(added));
    for name in added {
        fs::remove_file(out.join(name)).unwrap();
    }
    verify(&out).run().assert(0, "", has("3/3 shards"));
    verify(&folder.path().join("uot"))
        .run()
        .assert(1, "", has("uot: No such file"));
    fs::remove_file(out.join("_manifest.json")).unwrap();
    verify(&out).run().assert(
        1,
        "",
        has_all([
            "out/_manifest.json: No such file",
            "copy it from where the export was made",
        ]),
    );
}

#[test]
fn several_files_have_a_line_each_and_the_worst_status() {
    let db = Db::with_shards(2);
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    for name in ["a.csv", "b.csv", "parts"] {
        let flags: &[&str] = if name == "parts" {
            &["--per-shard"]
        } else {
            &[]
        };
        let ran = export(&db, "SELECT 1 AS n", &path(name)).args(flags).run();
        ran.assert(0, "", ANY);
    }
    let run = |names: &[&str]| {
        let files = names.iter().map(|name| path(name));
        shardq(["verify"]).args(files).run()
    };
    let all = [
        "a.csv",
        "a.csv.manifest.json",
        "b.csv.manifest.json",
        "parts/_manifest.json",
    ];
    let ran = run(&all);
    ran.assert(
        0,
        "",
        has_all(["a.csv: OK · ", "b.csv: OK · ", "parts: OK · "]),
    );
    assert_eq!(ran.stderr.lines().count(), 3, "each once: {}", ran.stderr);
    fs::write(path("a.csv"), "shard,n\n").unwrap();
    let ran = run(&["a.csv", "b.csv", "nope.csv"]);
    let told = [
        "shardq: error: ",
        "a.csv: does not match its manifest: 8 bytes, expected ",
        "b.csv: OK · ",
        "nope.csv: No such file or directory\n",
    ];
    ran.assert(1, "", has_all(told));
    assert_eq!(ran.stderr.lines().count(), 3, "{}", ran.stderr);
    let quiet = shardq(["verify", "-q"]).args([path("b.csv"), path("parts")]);
    quiet.run().assert(0, "", "");
    let table = shardq(["verify", "--create-table=t"]).args([path("b.csv"), path("parts")]);
    table
        .run()
        .assert(2, "", has("--create-table is for one file"));
    let manifest = shardq(["verify", "--create-table=t"]).args([path("b.csv.manifest.json")]);
    manifest
        .run()
        .assert(0, has("CREATE TABLE"), has("b.csv: OK · "));
    shardq(["verify"]).run().assert(2, "", has("<FILE>"));
}

#[test]
fn a_view_reads_the_parquet_files_of_an_export() {
    let db = Db::with_shards(2);
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let sql = "SELECT 7 AS n";
    export(&db, sql, &path("it's[1].parquet"))
        .run()
        .assert(0, "", ANY);
    let parts = ["--per-shard", "--format", "parquet"];
    export(&db, sql, &path("parts"))
        .args(parts)
        .run()
        .assert(0, "", ANY);
    export(&db, sql, &path("t.csv")).run().assert(0, "", ANY);
    let view = |name: &str| verify(&path(name)).args(["--create-view", "archive.\"My view\""]);
    let root = folder.path().display();
    let select = "CREATE VIEW \"archive\".\"My view\" AS SELECT * FROM read_parquet(";
    view("it's[1].parquet").run().assert(
        0,
        format!("{select}'{root}/it''s[[]1].parquet');\n").as_str(),
        has("OK · "),
    );
    view("parts").run().assert(
        0,
        format!(
            "{select}'{root}/parts/*/*.parquet', hive_partitioning = true, hive_types_autocast = \
             false);\n"
        )
        .as_str(),
        has("OK · "),
    );
    view("t.csv").run().assert(
        1,
        "",
        has("no view can read this export: it is csv; export it again with --format parquet"),
    );
    verify(&path("parts"))
        .args(["--create-view", "v"])
        .args([path("t.csv")])
        .run()
        .assert(2, "", has("--create-view is for one file"));
}

#[test]
fn an_export_may_be_named_like_a_manifest() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("x.manifest.json");
    let ran = export(&db, "SELECT 1 AS n", &file).args(["--csv"]).run();
    ran.assert(0, "", ANY);
    verify(&file)
        .run()
        .assert(0, "", has("x.manifest.json: OK · "));
}
