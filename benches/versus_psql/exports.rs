//! Exports: time against psql's COPY of a UNION ALL, and memory at 100 MB and 10 GB.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::contenders::Target;
use crate::duel::{Output, Way, duel};
use crate::measure::peak_of;
use crate::mebibytes;
use crate::report::Goal;

const PACKAGES: &str = "SELECT * FROM origin_packages";

/// 200 bytes per row, 10.2 GB in 128 shards.
const TEN_GIGABYTES: &str =
    "SELECT n, repeat('x', 190) AS filler FROM generate_series(1, 390000) AS n";

pub fn exports(target: &Target, goals: &mut Vec<Goal>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let megabytes = check_rows(target, &path("psql.csv"), &path("shardq.csv"));
    let ways = |psql: Output, file: &Path, outputs: [Output; 2]| {
        let file = file.to_owned();
        let by_arrival = file.clone();
        let [plain, arrival] = outputs;
        [
            Way {
                name: "psql, COPY of a UNION ALL",
                command: Box::new(|| copy(target)),
                output: psql,
            },
            Way {
                name: "**shardq export**",
                command: Box::new(move || export(target, PACKAGES, &file, &[])),
                output: plain,
            },
            Way {
                name: "shardq export --order arrival",
                command: Box::new(move || {
                    export(target, PACKAGES, &by_arrival, &["--order", "arrival"])
                }),
                output: arrival,
            },
        ]
    };
    let file = path("t.csv");
    println!("Exports to a file");
    let to_file = ways(
        Output::Into(path("psql.csv")),
        &file,
        [&file, &file].map(|file| Output::Its(with_manifest(file))),
    );
    let ([psql, shardq, _], files) = duel(9, &to_file);
    println!("Exports to nowhere");
    let to_nowhere = ways(
        Output::Nowhere,
        Path::new("-"),
        [Output::Nowhere, Output::Nowhere],
    );
    let ([psql_stream, shardq_stream, _], streams) = duel(9, &to_nowhere);
    goals.extend([
        Goal::at_most("shardq / psql, CSV to a file", shardq / psql, 0.65),
        Goal::at_most(
            "shardq / psql, CSV to /dev/null",
            shardq_stream / psql_stream,
            0.65,
        ),
    ]);
    format!(
        "## Exports\n\n186,951 packages as CSV, {megabytes:.0} MB, a third of them in one shard; the same rows \
         (compared first). shardq with its default settings: one snapshot, SHA-256, manifest, and the file on \
         the disk (fsync), which psql does not wait for.\n\n### To a file\n\n{files}\n\
         ### To /dev/null\n\n{streams}\n{}",
        memory(target, &path("peak"), goals)
    )
}

fn memory(target: &Target, file: &Path, goals: &mut Vec<Goal>) -> String {
    let mut text =
        String::from("### Memory\n\n| | time | resident at most |\n| --- | ---: | ---: |\n");
    for (what, sql, kind, most) in [
        ("CSV, 100 MB", PACKAGES, "csv", 16.0),
        ("CSV, 10 GB", TEN_GIGABYTES, "csv", 16.0),
        (".csv.gz, 100 MB", PACKAGES, "csv.gz", 128.0),
        (".csv.zst, 100 MB", PACKAGES, "csv.zst", 128.0),
        ("Parquet, 100 MB", PACKAGES, "parquet", 128.0),
    ] {
        let file = file.with_extension(kind);
        let start = Instant::now();
        let peak = mebibytes(peak_of(export(target, sql, &file, &[])));
        let took = start.elapsed().as_secs_f64();
        for file in with_manifest(&file) {
            fs::remove_file(file).unwrap();
        }
        let line = format!("| {what} | {took:.1} s | {peak:.1} MiB |");
        println!("{line}");
        writeln!(text, "{line}").unwrap();
        goals.push(Goal::at_most(format!("MiB resident, {what}"), peak, most));
    }
    text + "\n"
}

/// Checks that both give the same rows. Returns their size in megabytes.
fn check_rows(target: &Target, psql: &Path, shardq: &Path) -> f64 {
    let mut copy = copy(target);
    copy.stdout(fs::File::create(psql).unwrap());
    assert!(copy.status().unwrap().success());
    assert!(
        export(target, PACKAGES, shardq, &[])
            .status()
            .unwrap()
            .success()
    );
    let [expected, rows] = [psql, shardq].map(|file| fs::read_to_string(file).unwrap());
    let [mut expected, mut rows] = [&expected, &rows].map(|text| text.lines().collect::<Vec<_>>());
    expected.sort_unstable();
    rows.sort_unstable();
    assert!(rows == expected, "the exports differ");
    println!("Both exports have the same {} lines.", rows.len());
    #[expect(clippy::cast_precision_loss, reason = "some hundred million")]
    let megabytes = fs::metadata(shardq).unwrap().len() as f64 / 1e6;
    megabytes
}

fn copy(target: &Target) -> Command {
    let all: Vec<_> = (0..128)
        .map(|n| format!("SELECT 'shard_{n}' AS shard, * FROM shard_{n}.origin_packages"))
        .collect();
    target.psql(&format!(
        "COPY ({}) TO STDOUT (FORMAT csv, HEADER)",
        all.join(" UNION ALL ")
    ))
}

fn export(target: &Target, sql: &str, file: &Path, flags: &[&str]) -> Command {
    let mut command = target.shardq(&["export", sql, "--quiet", "-o"]);
    command.arg(file).args(flags);
    command
}

fn with_manifest(file: &Path) -> Vec<PathBuf> {
    let mut manifest = file.as_os_str().to_owned();
    manifest.push(".manifest.json");
    vec![file.to_owned(), manifest.into()]
}
