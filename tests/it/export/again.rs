//! A connection is lost half-way through a shard: rows that can be discarded are read again,
//! otherwise the shard is reported.

use std::fs;
use std::path::Path;

use shardq::sandbox::{Options, Shutdown};

use crate::support::{
    self, Db, Program, Running, Session, eventually, folder, has_all, private_server, verify,
};

/// Ten megabytes per shard, then a wait for the lock, then the rest.
const WAITS: &str = "SELECT n, repeat('x', 200) AS filler, \
                     CASE n WHEN 50000 THEN pg_advisory_xact_lock_shared(42)::text END AS waited \
                     FROM generate_series(1, 60000) AS n";

fn export(db: &Db, sql: &str, file: &Path) -> Program {
    support::export(db, sql, file).args(["--lock-timeout", "0"])
}

/// A session that holds the lock.
fn holder(db: &Db) -> Session {
    let mut holder = db.session();
    holder.run("SELECT pg_advisory_lock(42)");
    holder
}

/// Terminates a backend that waits for the lock, after its first rows have been read.
#[track_caller]
fn lose_a_connection(db: &Db) {
    db.terminate_waiting("advisory");
}

/// Releases the lock once the loss has been noticed.
#[track_caller]
fn go_on(export: &Running, mut holder: Session, notice: &str) {
    export.wait_for_stderr(|told| told.contains(notice));
    holder.run("SELECT pg_advisory_unlock(42)");
}

#[test]
fn the_shard_is_read_again_at_the_same_snapshot() {
    let db = Db::with_shards(3);
    let folder = folder();
    let whole = folder.path().join("whole.csv");
    export(&db, WAITS, &whole)
        .run()
        .assert(0, "", has_all(["180,000 rows"]));
    for ending in ["csv", "csv.gz", "csv.zst"] {
        let file = folder.path().join(format!("t.{ending}"));
        let holder = holder(&db);
        let export = export(&db, WAITS, &file).args(["-j", "2"]).spawn();
        lose_a_connection(&db);
        go_on(&export, holder, ") and replaced");
        export
            .finish()
            .assert(0, "", has_all(["180,000 rows · 3/3 shards · one snapshot"]));
        verify(&file)
            .run()
            .assert(0, "", has_all(["180,000 rows · 3/3 shards"]));
    }
    assert!(
        fs::read(&whole).unwrap() == fs::read(folder.path().join("t.csv")).unwrap(),
        "the lost connection can be seen in the file"
    );
}

#[test]
fn with_the_last_connection_goes_the_snapshot_and_all_are_read_again() {
    let db = Db::with_shards(2);
    let folder = folder();
    // A compressor writes a tail when it ends; the tail must not end up in the new file.
    for ending in ["csv", "csv.gz", "csv.zst"] {
        let file = folder.path().join(format!("t.{ending}"));
        let holder = holder(&db);
        let export = export(&db, WAITS, &file).args(["-j", "1"]).spawn();
        lose_a_connection(&db);
        go_on(&export, holder, "retrying at a new snapshot");
        export
            .finish()
            .assert(0, "", has_all(["120,000 rows · 2/2 shards · one snapshot"]));
        verify(&file)
            .run()
            .assert(0, "", has_all(["120,000 rows · 2/2 shards"]));
    }
}

#[test]
fn one_file_a_shard_likewise() {
    let db = Db::with_shards(2);
    let folder = folder();
    let parts = folder.path().join("parts");
    let holder = holder(&db);
    let export = export(&db, WAITS, &parts)
        .args(["--per-shard", "--format", "parquet", "-j", "2"])
        .spawn();
    lose_a_connection(&db);
    go_on(&export, holder, ") and replaced");
    export
        .finish()
        .assert(0, "", has_all(["120,000 rows · 2/2 shards · one snapshot"]));
    verify(&parts)
        .run()
        .assert(0, "", has_all(["120,000 rows · 2/2 shards"]));
}

#[test]
fn before_a_file_has_its_name_all_of_one_file_a_shard_is_read_again_as_well() {
    let db = Db::with_shards(2);
    let folder = folder();
    for format in ["csv", "parquet"] {
        let parts = folder.path().join(format);
        let holder = holder(&db);
        let export = export(&db, WAITS, &parts)
            .args(["--per-shard", "--format", format, "-j", "1"])
            .spawn();
        lose_a_connection(&db);
        go_on(&export, holder, "retrying at a new snapshot");
        export
            .finish()
            .assert(0, "", has_all(["120,000 rows · 2/2 shards · one snapshot"]));
        verify(&parts)
            .run()
            .assert(0, "", has_all(["120,000 rows · 2/2 shards · one snapshot"]));
    }
}

#[test]
fn a_server_that_stays_away_leaves_what_resume_goes_on_with() {
    let mut server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..2);
    let folder = folder();
    let parts = folder.path().join("parts");
    let sql = "SELECT pg_advisory_xact_lock_shared(42)::text AS waited";
    db.sql("CHECKPOINT");
    let holder = holder(&db);
    let export = export(&db, sql, &parts).args(["--per-shard", "-q"]).spawn();
    db.until_waiting("advisory", 1);
    server.stop(Shutdown::Immediate).unwrap();
    export.finish().assert(
        1,
        "",
        has_all([
            "connection to server",
            "parts is not complete; use --resume",
        ]),
    );
    drop(holder);
    server.start_again().unwrap();
    support::export(&db, sql, &parts)
        .args(["--per-shard", "--resume"])
        .run()
        .assert(0, "", has_all(["2 rows · 2/2 shards · one snapshot"]));
}

#[test]
fn files_that_have_their_names_stay_and_resume_reads_the_others() {
    let db = Db::with_shards(2);
    let folder = folder();
    let parts = folder.path().join("parts");
    let sql = "SELECT CASE current_schema() WHEN 'shard_1' \
               THEN pg_advisory_xact_lock_shared(42)::text END AS waited";
    let holder = holder(&db);
    let export = export(&db, sql, &parts)
        .args(["--per-shard", "-q", "-j", "1"])
        .spawn();
    eventually("the first has its name", || {
        parts.join("shard=shard_0/part.csv").exists()
    });
    lose_a_connection(&db);
    export.finish().assert(
        3,
        "",
        has_all(["shard_1: the snapshot was lost", "use --resume to export"]),
    );
    drop(holder);
    support::export(&db, sql, &parts)
        .args(["--per-shard", "--resume"])
        .run()
        .assert(
            0,
            "",
            has_all(["2 rows · 2/2 shards · 2 runs, so no common snapshot"]),
        );
}

#[test]
fn what_cannot_be_taken_back_is_written_again_from_the_beginning() {
    let db = Db::with_shards(2);
    let folder = folder();
    for (name, flags) in [("t.parquet", &[][..]), ("t.csv", &["--order", "arrival"])] {
        let file = folder.path().join(name);
        let holder = holder(&db);
        let export = export(&db, WAITS, &file)
            .args(["-j", "2"])
            .args(flags)
            .spawn();
        lose_a_connection(&db);
        go_on(&export, holder, "retrying at a new snapshot");
        export.finish().assert(
            0,
            "",
            has_all(["partway through this shard", "120,000 rows · 2/2 shards"]),
        );
        verify(&file)
            .run()
            .assert(0, "", has_all(["120,000 rows · 2/2 shards"]));
    }
}

/// A CSV statement is described before it is copied: it waits there.
#[test]
fn a_connection_that_is_lost_in_front_of_a_locked_table_is_replaced() {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let folder = folder();
    let file = folder.path().join("t.csv");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_2.t");
    let export = export(&db, "SELECT n FROM t", &file)
        .args(["-j", "1", "--no-snapshot"])
        .spawn();
    db.terminate_waiting("Lock");
    export.wait_for_stderr(|told| told.contains(") and replaced"));
    migration.run("ROLLBACK");
    export
        .finish()
        .assert(0, "", has_all(["4 rows · 4/4 shards"]));
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "shard,n\nshard_0,0\nshard_1,1\nshard_2,2\nshard_3,3\n"
    );
}

#[test]
fn what_a_reader_has_seen_ends_the_export() {
    let db = Db::with_shards(2);
    let mut holder = holder(&db);
    let export = export(&db, WAITS, Path::new("-")).args(["-j", "2"]).spawn();
    lose_a_connection(&db);
    let ran = export.finish();
    holder.run("SELECT pg_advisory_unlock(42)");
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    for told in [
        "the connection was lost",
        "partway through this shard",
        "export again",
        "0/2 shards",
    ] {
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
}
