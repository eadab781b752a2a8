//! `--per-shard --resume`: what is kept, what is read again, and what is rejected.

use std::fs;
use std::path::Path;

use serde_json::Value;
use shardq::sandbox::Options;

use crate::support::{Db, Program, export, folder, has, has_all, private_server, verify};

const SQL: &str = "SELECT n FROM t";

fn new(db: &Db, out: &Path) -> Program {
    export(db, SQL, out).args(["--per-shard"])
}

fn resume(db: &Db, out: &Path) -> Program {
    new(db, out).args(["--resume"])
}

fn manifest(out: &Path) -> String {
    fs::read_to_string(out.join("_manifest.json")).unwrap()
}

#[test]
fn of_what_is_complete_nothing_is_read_and_nothing_is_said_to_be() {
    let db = Db::with_numbers(3);
    let folder = folder();
    let out = folder.path().join("out");
    new(&db, &out).run().assert(0, "", has("one snapshot"));
    let before = manifest(&out);
    resume(&db, &out)
        .run()
        .assert(0, "", has("3 rows · 3/3 shards · one snapshot"));
    assert_eq!(manifest(&out), before);
    verify(&out)
        .run()
        .assert(0, "", has("3 rows · 3/3 shards · one snapshot · "));
    // Nor by a run that reads nothing because the missing part fails.
    fs::remove_file(out.join("shard=shard_1/part.csv")).unwrap();
    db.in_shard(1, "DROP TABLE t");
    resume(&db, &out).run().assert(
        3,
        "",
        has_all([
            "shard_1: ERROR",
            "2/3 shards, missing: shard_1 · one snapshot",
        ]),
    );
    let runs = serde_json::from_str::<Value>(&manifest(&out)).unwrap()["runs"].clone();
    assert_eq!(runs.as_array().unwrap().len(), 1);
}

#[test]
fn each_shard_at_its_own_instant_is_said_of_all_runs_alike() {
    let db = Db::with_numbers(3);
    let folder = folder();
    let out = folder.path().join("out");
    let own = "3 rows · 3/3 shards · no common snapshot: each shard read at its own moment";
    new(&db, &out)
        .args(["--no-snapshot"])
        .run()
        .assert(0, "", has(own));
    verify(&out).run().assert(0, "", has(own));
    fs::remove_file(out.join("shard=shard_1/part.csv")).unwrap();
    let both = "3 rows · 3/3 shards · 2 runs, so no common snapshot";
    resume(&db, &out)
        .args(["--no-snapshot"])
        .run()
        .assert(0, "", has(both));
    verify(&out).run().assert(0, "", has(both));
}

#[test]
fn a_part_that_was_changed_is_told_and_read_again() {
    let db = Db::with_numbers(3);
    let folder = folder();
    let out = folder.path().join("out");
    new(&db, &out).run().assert(0, "", has("3/3 shards"));
    let part = out.join("shard=shard_1/part.csv");
    // The same length as before.
    fs::write(&part, "n\n7\n").unwrap();
    let told = resume(&db, &out).args(["--dry-run"]).run();
    assert!(
        told.stdout.contains("-- shard_1\n")
            && !told.stdout.contains("-- shard_0\n")
            && !told.stdout.contains("-- shard_2\n"),
        "{told:?}"
    );
    assert_eq!(fs::read_to_string(&part).unwrap(), "n\n7\n");
    resume(&db, &out).args(["-q"]).run().assert(
        0,
        "",
        has("shard=shard_1/part.csv: changed since it was exported; exporting it again"),
    );
    assert_eq!(fs::read_to_string(&part).unwrap(), "n\n1\n");
    verify(&out).run().assert(0, "", has("3/3 shards · 2 runs"));
}

#[test]
fn another_server_with_a_database_of_the_same_name_is_refused() {
    let (here, there) = (
        private_server(Options::default()),
        private_server(Options::default()),
    );
    let db = Db::on(&here);
    db.create_shards(0..3);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let folder = folder();
    let out = folder.path().join("out");
    new(&db, &out).run().assert(0, "", has("3/3 shards"));
    fs::remove_file(out.join("shard=shard_1/part.csv")).unwrap();
    let before = manifest(&out);

    let elsewhere = |program: Program| {
        there
            .env(db.name())
            .iter()
            .fold(program, |program, (name, value)| program.env(name, value))
    };
    Db::on(&there).sql(&format!("CREATE DATABASE \"{}\"", db.name()));
    let shards = "CREATE SCHEMA shard_0; CREATE SCHEMA shard_1; CREATE SCHEMA shard_2";
    elsewhere(db.psql_program(["-c", shards])).run().output();
    let server = |server: &shardq::sandbox::Sandbox| {
        format!("{}:{}", server.socket_dir().display(), server.port())
    };
    let told = format!(
        "the server was {}, and is now {}",
        server(&here),
        server(&there)
    );
    elsewhere(resume(&db, &out)).run().assert(1, "", has(&told));
    assert_eq!(manifest(&out), before);
}

#[test]
fn other_columns_than_then_are_refused_and_what_is_there_stays() {
    let db = Db::with_numbers(3);
    let folder = folder();
    let out = folder.path().join("out");
    let export = || export(&db, "SELECT * FROM t", &out).args(["--per-shard"]);
    export().run().assert(0, "", has("3/3 shards"));
    fs::remove_file(out.join("shard=shard_1/part.csv")).unwrap();
    db.in_shard(1, "ALTER TABLE t ADD m int");
    let refused = export().args(["--resume"]).run();
    refused.assert(
        1,
        "",
        has_all([
            "the columns were (n integer), and are now (n integer, m integer)",
            "use another directory, or --force",
            "2 rows · 2/3 shards, missing: shard_1 · one snapshot",
        ]),
    );
    // A resume would be rejected again, so it is not suggested.
    assert!(!refused.stderr.contains("is not complete"), "{refused:?}");
    db.in_shard(1, "ALTER TABLE t DROP m");
    export()
        .args(["--resume"])
        .run()
        .assert(0, "", has("3/3 shards"));
    verify(&out).run().assert(0, "", has("3 rows · 3/3 shards"));
}

#[test]
fn names_with_commas_are_resumed() {
    let db = Db::empty();
    for schema in ["a, b", "a", "b", "c,d", "e, 1", "e, 2", "e, 3", "1-2, 3"] {
        db.sql(&format!(
            "CREATE SCHEMA \"{schema}\"; CREATE TABLE \"{schema}\".t AS SELECT varchar(5) 'x' AS n"
        ));
    }
    // Another length makes another list.
    db.sql("ALTER TABLE \"a, b\".t ALTER n TYPE varchar(9)");
    let folder = folder();
    let out = folder.path().join("out");
    let flags = ["--schemas", "{name}", "--exclude-schemas", "public"];
    new(&db, &out)
        .args(flags)
        .run()
        .assert(0, "", has("8 rows · 8/8 shards"));
    let first = manifest(&out);
    fs::remove_file(out.join("shard=c,d/part.csv")).unwrap();
    resume(&db, &out)
        .args(flags)
        .run()
        .assert(0, "", has("8 rows · 8/8 shards"));
    let columns = |text: &str| serde_json::from_str::<Value>(text).unwrap()["columns"].clone();
    assert_eq!(columns(&manifest(&out)), columns(&first));
    verify(&out).run().assert(0, "", has("8/8 shards"));
}
