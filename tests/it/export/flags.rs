//! Flags of `shardq export` that would have no effect are rejected.

use std::fs;

use crate::support::{ANY, Db, export, folder, has_all, manifest, names, shardq};

#[test]
fn what_a_format_has_not_is_not_asked_of_it() {
    let folder = folder();
    for (flags, name, reasons) in [
        (
            &["--null", "-"][..],
            "t.jsonl",
            ["--null is for CSV and TSV", "remove it"],
        ),
        (
            &["--null", "-"],
            "t.parquet",
            ["--null is for CSV and TSV", "remove it"],
        ),
        (
            &["-t"],
            "t.jsonl.gz",
            ["--tuples-only is for CSV and TSV", "remove it"],
        ),
        (
            &["-t"],
            "t.parquet",
            ["--tuples-only is for CSV and TSV", "remove it"],
        ),
        (
            &["--bigint-as-string"],
            "t.csv",
            ["is for JSON lines", "write to a .jsonl"],
        ),
        (
            &["--bigint-as-string"],
            "t.tsv.zst",
            ["is for JSON lines", "remove it"],
        ),
        (
            &["--bigint-as-string"],
            "t.parquet",
            ["is for JSON lines", "remove it"],
        ),
        (
            &["--excel", "--format", "tsv"],
            "t.csv",
            ["--excel is for CSV", "write to a .csv"],
        ),
        (
            &["--per-shard", "--shard-column", "a/b"],
            "parts",
            ["--shard-column with --per-shard", "it must not be empty"],
        ),
        (
            &["--per-shard", "--no-shard-column"],
            "parts",
            [
                "--no-shard-column cannot be used with --per-shard",
                "remove it",
            ],
        ),
        (
            &["--per-shard"],
            "/dev/null",
            ["--per-shard writes a directory", "name a directory"],
        ),
    ] {
        // Fails without a server.
        shardq(["export", "SELECT 1", "-h", "/nonexistent", "-o"])
            .args([folder.path().join(name)])
            .args(flags)
            .run()
            .assert(2, "", has_all(reasons));
        assert_eq!(names(folder.path()), [""; 0], "{flags:?} {name}");
    }
    shardq([
        "export",
        "SELECT 1",
        "--per-shard",
        "-h",
        "/nonexistent",
        "-o",
        "-",
    ])
    .run()
    .assert(
        2,
        "",
        has_all(["--per-shard writes a directory", "name a directory"]),
    );
}

#[test]
fn the_spellings_of_query_choose_the_format() {
    let db = Db::with_shards(1);
    let folder = folder();
    let run = |flags: &[&str], name: &str| {
        let file = folder.path().join(name);
        let ran = export(&db, "SELECT 1 AS n", &file)
            .args(flags)
            .args(["--force"])
            .run();
        ran.assert(0, "", ANY);
        (fs::read(&file).unwrap(), manifest(&file)["format"].clone())
    };
    for (flag, name, text, format) in [
        ("--csv", "plain", "shard,n\nshard_0,1\n", "csv"),
        ("--tsv", "t.csv", "shard\tn\nshard_0\t1\n", "tsv"),
        (
            "--jsonl",
            "t.txt",
            "{\"shard\":\"shard_0\",\"n\":1}\n",
            "jsonl",
        ),
        (
            "--jsonl",
            "t.ndjson",
            "{\"shard\":\"shard_0\",\"n\":1}\n",
            "jsonl",
        ),
    ] {
        let (bytes, named) = run(&[flag], name);
        assert_eq!(
            (String::from_utf8(bytes).unwrap(), named),
            (text.into(), format.into())
        );
    }
    // A name that agrees also chooses the compression.
    assert_eq!(run(&["--csv"], "t.csv.gz").1, "csv.gz");
    assert_eq!(run(&["--tsv"], "t.csv.gz").1, "tsv");
    assert_eq!(run(&["--parquet"], "t.data").1, "parquet");
    let stream = shardq(["export", "-q", "SELECT 1 AS n", "-o-", "--jsonl"]).db(&db);
    stream
        .run()
        .assert(0, "{\"shard\":\"shard_0\",\"n\":1}\n", "");
    let both = shardq(["export", "SELECT 1", "-o-", "--csv", "--format=tsv"]);
    both.run()
        .assert(2, "", has_all(["cannot be used with", "--csv"]));
    let semicolons = shardq([
        "export",
        "-q",
        "SELECT 1 AS n",
        "-o-",
        "--csv",
        "--delimiter=;",
    ]);
    semicolons
        .db(&db)
        .run()
        .assert(0, "shard;n\nshard_0;1\n", "");
}

#[test]
fn timing_says_which_shards_took_longest_of_each_kind_of_export() {
    let db = Db::with_shards(2);
    let folder = folder();
    for flags in [&[][..], &["--per-shard"]] {
        let file = folder.path().join(format!("t{}", flags.concat()));
        export(&db, "SELECT 1 AS one", &file)
            .args(["--timing"])
            .args(flags)
            .run()
            .assert(
                0,
                "",
                has_all(["shard_1", "per shard: median", "2/2 shards"]),
            );
    }
}
