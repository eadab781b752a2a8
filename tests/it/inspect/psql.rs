//! `shardq psql`: psql in the shard of a key, or in a given one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Db, Program, has, has_all, insert, shardq, with_origins};

const WHERE: &str = "SELECT current_schema(), current_setting('search_path'),
                     current_setting('transaction_read_only')";

fn psql<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    let path = format!("{}:/bin:/usr/bin", db.programs().display());
    shardq(["psql"]).args(args).db(db).env("PATH", path)
}

#[test]
fn it_is_in_the_shard_of_the_key_and_read_only() {
    let db = with_origins(32);
    // FNV-1a of core modulo 32 is 30.
    insert(&db, 30, 7, "core");
    psql(&db, ["core", "--", "-XAtc", WHERE]).run().assert(
        0,
        "shard_30|\"shard_30\", \"pg_temp\"|on\n",
        "shard_30, read-only (--write to change data)\n",
    );
    let refused = psql(&db, ["core", "-q", "--", "-Xc", "DELETE FROM origins"]).run();
    let error = "ERROR:  cannot execute DELETE in a read-only transaction\n";
    refused.assert(1, "", error);
    psql(
        &db,
        ["core", "--write", "--", "-Xqc", "DELETE FROM origins"],
    )
    .run()
    .assert(0, "", "shard_30, read-write\n");
    assert_eq!(db.ask("SELECT count(*) FROM shard_30.origins"), "0");
}

#[test]
fn a_key_that_is_elsewhere_leads_there_and_a_missing_one_nowhere() {
    let db = with_origins(32);
    insert(&db, 4, 7, "core");
    psql(&db, ["core", "--", "-XAtc", "SELECT current_schema()"])
        .run()
        .assert(
            0,
            "shard_4\n",
            has_all([
                "shardq: warning: MISPLACED: expected shard_30, found in shard_4\n",
                "shard_4, read-only",
            ]),
        );
    psql(&db, ["cure"])
        .run()
        .assert(1, "", has("shardq: hint: nearest: core (shard_4)"));
    insert(&db, 5, 8, "core");
    psql(&db, ["core"]).run().assert(
        1,
        "",
        has("the key is in several shards: shard_4-5\nshardq: hint: choose one with --shards\n"),
    );
    psql(
        &db,
        [
            "core",
            "--shards",
            "5",
            "-q",
            "--",
            "-XAtc",
            "SELECT current_schema()",
        ],
    )
    .run()
    .assert(
        0,
        "shard_5\n",
        has("shardq: warning: shard_30, where the key belongs, is not among"),
    );
}

#[test]
fn a_shard_is_given_by_number_or_name() {
    let db = Db::empty();
    db.sql("CREATE SCHEMA \"t \\ it's\"; CREATE SCHEMA t_2");
    let args = [
        "--schemas",
        "t*",
        "--shards",
        "t_2",
        "-q",
        "--",
        "-XAtc",
        WHERE,
    ];
    psql(&db, args)
        .run()
        .assert(0, "t_2|\"t_2\", \"pg_temp\"|on\n", "");
    let args = [
        "--schemas",
        "t \\ *",
        "--shards",
        "*",
        "-q",
        "--",
        "-XAtc",
        WHERE,
    ];
    psql(&db, args)
        .run()
        .assert(0, "t \\ it's|\"t \\ it's\", \"pg_temp\"|on\n", "");
    let args = ["--schemas", "t*", "--shards", "*"];
    let both = "psql runs in one shard, but --shards selects 2: ";
    psql(&db, args).run().assert(2, "", has(both));
    psql(&db, ["--schemas", "t_{n}", "--shards", "3"])
        .run()
        .assert(1, "", has("no such shard"));
    psql(&db, []).run().assert(2, "", has("<KEY>"));
}

#[test]
fn the_exit_status_is_that_of_psql() {
    let db = Db::with_shards(1);
    let args = [
        "--shards",
        "0",
        "-q",
        "--",
        "-Xq",
        "-v",
        "ON_ERROR_STOP=1",
        "-f",
        "-",
    ];
    psql(&db, args)
        .stdin("SELECT 1/0;")
        .run()
        .assert(3, "", has("division by zero"));
}

#[test]
fn a_password_is_passed_on_but_not_on_the_command_line() {
    let db = Db::with_shards(1);
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("psql");
    let text = "#!/bin/sh\necho \"$*\"\necho \"$PGPASSWORD|$PGOPTIONS|$PGSERVICE\"\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/bin:/usr/bin", folder.path().display());
    let (host, port) = (db.variable("PGHOST"), db.variable("PGPORT"));
    let ran = psql(
        &db,
        [
            "--shards",
            "0",
            "-q",
            "--search-path",
            "{shard}, public",
            "-d",
        ],
    )
    .args([format!(
        "user=postgres password=secret host={host} port={port}"
    )])
    .env("PGOPTIONS", "-c geqo=off")
    .env("PATH", path)
    .run();
    let expected = format!(
        "-d dbname={} host={host} port={port} user=postgres\n\
         secret|-c geqo=off -c search_path=\"shard_0\",\\ \"public\",\\ \"pg_temp\" \
         -c default_transaction_read_only=on|\n",
        db.name()
    );
    ran.assert(0, &expected, "");
}

#[test]
fn without_psql_it_says_what_to_install() {
    let db = Db::with_shards(1);
    psql(&db, ["--shards", "0", "-q"])
        .env("PATH", "/nonexistent")
        .run()
        .assert(
            1,
            "",
            has("shardq: error: psql is not in PATH\nshardq: hint: install the PostgreSQL client"),
        );
}
