//! Flags of `shardq export` that would have no effect are rejected.

use crate::support::{Db, export, folder, has_all, names, shardq};

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
