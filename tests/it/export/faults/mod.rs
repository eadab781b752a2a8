//! Real failures during an export: no partial file appears under the target's name, the message
//! says what to do, nothing is left on the server. `disk` is about what the system refuses.

mod disk;

use std::fs;
use std::path::Path;

use shardq::sandbox::{Options, Shutdown};

use crate::support::{
    ANY, Db, Program, Running, eventually, export, folder, has, has_all, manifest, names,
    private_server, shardq, verify,
};

/// Every shard returns many rows, slowly.
const LONG: &str = "SELECT generate_series(1, 100000000) AS n, repeat('x', 200) AS filler";

/// The third shard fails after half of its rows.
const BREAKS: &str = "SELECT n, 1 / (n - CASE current_schema() WHEN 'shard_2' THEN 3000 ELSE 0 END) AS x \
                      FROM generate_series(1, 6000) AS n";

/// Waits until part of the result is in the draft.
#[track_caller]
fn under_way(folder: &Path) {
    eventually("rows are in the draft", || {
        names(folder).iter().any(|name| {
            let size = fs::metadata(folder.join(name)).map_or(0, |there| there.len());
            name.starts_with(".t.csv.shardq-") && size > 1 << 20
        })
    });
}

fn started(db: &Db, file: &Path) -> Running {
    fs::write(file, "older").unwrap();
    let export = export(db, LONG, file).args(["--force"]).spawn();
    under_way(file.parent().unwrap());
    export
}

/// The older file is unchanged, and alone in its folder.
#[track_caller]
fn untouched(file: &Path) {
    assert_eq!(fs::read_to_string(file).unwrap(), "older");
    assert_eq!(names(file.parent().unwrap()), ["t.csv"]);
}

/// The command under test without root's privileges, which bypass file permissions.
fn unprivileged(folder: &Path) -> Program {
    use std::os::unix::fs::MetadataExt;
    let shardq = env!("CARGO_BIN_EXE_shardq");
    let probe = folder.join("probe");
    let is_root = fs::write(&probe, "").is_ok() && fs::metadata(&probe).unwrap().uid() == 0;
    let _ = fs::remove_file(probe);
    if is_root {
        Program::new("setpriv").args(["--reuid=65534", "--clear-groups", shardq])
    } else {
        Program::new(shardq)
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_shard_that_fails_after_half_of_its_rows() {
    let db = Db::with_shards(4);
    let folder = folder();
    let file = folder.path().join("t.csv");
    export(&db, BREAKS, &file).run().assert(
        1,
        "",
        has_all([
            "shard_2: ERROR 22012: division by zero",
            "t.csv was not written",
            "/4 shards",
        ]),
    );
    assert_eq!(names(folder.path()), [""; 0]);
    db.assert_nothing_runs();
}

#[test]
fn a_partial_file_has_whole_shards_alone_and_says_so_in_its_name() {
    let db = Db::with_shards(4);
    let folder = folder();
    for ending in ["csv", "csv.gz", "csv.zst", "tsv", "jsonl"] {
        let file = folder.path().join(format!("t.{ending}"));
        export(&db, BREAKS, &file)
            .args(["--allow-partial", "-j", "1"])
            .run()
            .assert(
                3,
                "",
                has_all([
                    "shard_2: ERROR 22012",
                    "18,000 rows · 3/4 shards",
                    "t.partial.",
                ]),
            );
        assert!(!file.exists());
        let partial = folder.path().join(format!("t.partial.{ending}"));
        verify(&partial)
            .run()
            .assert(0, "", has_all(["18,000 rows", "3/4 shards"]));
        let told = manifest(&partial);
        assert_eq!(told["complete"], false);
        assert_eq!(told["missing"][0]["shard"], "shard_2");
        assert_eq!(told["shards"].as_array().unwrap().len(), 3);
    }
    let whole = folder.path().join("whole.csv");
    export(&db, BREAKS, &whole)
        .args(["--shards", "0,1,3"])
        .run()
        .assert(0, "", ANY);
    assert!(fs::read(&whole).unwrap() == fs::read(folder.path().join("t.partial.csv")).unwrap());
}

#[test]
fn a_reader_who_stops_reading_does_not_hide_a_shard_that_failed() {
    let db = Db::with_shards(4);
    let sql = "SELECT 1 / (current_schema() <> 'shard_0')::int, generate_series(1, 100000)";
    shardq(["export", sql, "-o", "-"])
        .db(&db)
        .run_reading(1)
        .assert(1, ANY, has_all(["shard_0", "division by zero"]));
}

#[test]
fn a_server_that_stops_as_in_a_crash() {
    let mut server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..2);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let export = started(&db, &file);
    server.stop(Shutdown::Immediate).unwrap();
    let ran = export.finish();
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("connection"), "{}", ran.stderr);
    untouched(&file);
}

#[test]
fn signals_end_it_in_good_order() {
    for signal in ["TERM", "INT", "HUP"] {
        let db = Db::with_shards(2);
        let folder = folder();
        let file = folder.path().join("t.csv");
        let export = started(&db, &file);
        export.signal(signal);
        export.finish().assert(
            130,
            "",
            has_all([
                "interrupted; nothing is left running on the server",
                "t.csv was not written",
            ]),
        );
        untouched(&file);
        db.assert_nothing_runs();
    }
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let db = Db::with_shards(2);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let export = started(&db, &file);
    export.signal("KILL");
    export.finish().assert(137, "", ANY);
    assert_eq!(fs::read_to_string(&file).unwrap(), "older");
    assert!(names(folder.path()).len() > 1, "a draft is left");
    db.assert_nothing_runs();
    crate::support::export(&db, "SELECT 1 AS one", &file)
        .args(["--force"])
        .run()
        .assert(0, "", has("2/2 shards"));
    assert_eq!(names(folder.path()), ["t.csv", "t.csv.manifest.json"]);
}

/// Without root, a file without write permission can be neither opened nor locked.
#[test]
fn what_a_killed_run_left_is_removed_whatever_the_permissions_of_the_target() {
    // A server that never answers: the draft exists before anything connects.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    for mode in [0o444, 0o400, 0o000] {
        let folder = folder();
        set_mode(folder.path(), 0o777);
        let file = folder.path().join("t.csv");
        fs::write(&file, "older").unwrap();
        set_mode(&file, mode);
        let run = |host: &str| {
            unprivileged(folder.path())
                .args(["export", "SELECT 1", "--force", "-U", "postgres", "-w"])
                .args(["-h", host, "-p", &port, "-o"])
                .args([&file])
        };
        let export = run("127.0.0.1").spawn();
        eventually("drafts", || names(folder.path()).len() == 3);
        export.signal("KILL");
        export.finish().assert(137, "", ANY);
        assert_eq!(names(folder.path()).len(), 3);
        run("/nonexistent").run().assert(1, "", has("/nonexistent"));
        // Without root, the test itself cannot read it.
        set_mode(&file, 0o644);
        untouched(&file);
    }
}

#[test]
fn a_column_that_cannot_be_exported() {
    let db = Db::with_shards(2);
    db.in_shard(0, "CREATE TABLE t (a int)");
    db.in_shard(1, "CREATE TABLE t (a text)");
    let folder = folder();
    let refused = |sql: &str, name: &str, reason: &[&str]| {
        let was_not = format!("{name} was not written");
        export(&db, sql, &folder.path().join(name)).run().assert(
            1,
            "",
            has_all([reason, &[was_not.as_str()]].concat()),
        );
        assert_eq!(names(folder.path()), [""; 0]);
    };
    // Readers take either of two columns with the same name, or fail.
    for name in ["t.jsonl", "t.jsonl.zst", "t.parquet"] {
        let twice = ["two columns are named \"a\"", "AS other_name"];
        refused("SELECT 1 AS a, 2 AS a", name, &twice);
        let shard = [
            "the query already has a column \"shard\"",
            "--shard-column NAME",
        ];
        refused("SELECT 1 AS shard", name, &shard);
    }
    let differ = "shard_1: column 1 \"a\" is text, but it is integer in shard_0";
    for name in ["t.csv", "t.csv.gz", "t.tsv", "t.jsonl", "t.parquet"] {
        refused("SELECT a FROM t", name, &[differ]);
    }
    db.assert_nothing_runs();
}
