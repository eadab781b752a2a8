//! `--having-table` leaves out the shards that lack a table, and counts them.

use std::fs;

use super::{numbers, query};
use crate::support::{
    Db, export, folder, folder_manifest, has, has_all, manifest, names, shardq, verify,
};

/// Three of six shards have a table `Jobs`, of different kinds.
fn some_with_jobs() -> Db {
    let db = numbers(6);
    db.in_shard(1, "CREATE TABLE \"Jobs\" AS SELECT 1 AS n");
    db.in_shard(2, "CREATE VIEW \"Jobs\" AS SELECT 2 AS n");
    db.in_shard(3, "CREATE MATERIALIZED VIEW \"Jobs\" AS SELECT 3 AS n");
    db.in_shard(4, "CREATE TABLE jobs (n int); CREATE SEQUENCE \"Jobs\"");
    // A table elsewhere is none of the shard's.
    db.sql("CREATE TABLE public.\"Jobs\" AS SELECT 9 AS n");
    db
}

#[test]
fn shards_without_a_table_are_left_out_and_counted() {
    let db = some_with_jobs();
    let jobs = |args: &[&str]| {
        let program = shardq(["query", "-t", "--tsv", "SELECT n FROM \"Jobs\""]);
        program
            .args(["--having-table", "\"Jobs\""])
            .args(args)
            .db(&db)
    };
    let rows = "shard_1\t1\nshard_2\t2\nshard_3\t3\n";
    let summary = has("3 rows · 3/3 shards of 6, 3 without table \"Jobs\"");
    jobs(&[]).run().assert(0, rows, summary);
    jobs(&["--no-snapshot"]).run().assert(
        0,
        rows,
        has("3/3 shards of 6, 3 without table \"Jobs\""),
    );
    jobs(&["--shards", "0-2", "--exclude-shards=1"])
        .run()
        .assert(
            0,
            "shard_2\t2\n",
            has("1/1 shards of 6, 1 without table \"Jobs\""),
        );
    jobs(&["--shards", "1-2"]).run().assert(
        0,
        "shard_1\t1\nshard_2\t2\n",
        has("2 rows · 2/2 shards of 6 · "),
    );
    // A global query reads tables only.
    shardq(["query", "-gt", "--tsv", "SELECT sum(n) FROM \"Jobs\""])
        .args(["--having-table", "\"Jobs\"", "--exclude-shards=2-3"])
        .db(&db)
        .run()
        .assert(0, "1\n", has("1/1 shards of 6, 3 without table \"Jobs\""));
    // Unquoted, it is another name.
    shardq(["query", "-t", "--tsv", "SELECT n FROM jobs"])
        .args(["--having-table", "Jobs"])
        .db(&db)
        .run()
        .assert(
            0,
            "",
            has("0 rows · 1/1 shards of 6, 5 without table \"jobs\""),
        );
    for name in ["public.jobs", "\"public\".\"Jobs\"", "", "two words"] {
        query(&db, ["--having-table", name]).run().assert(
            2,
            "",
            has("expected the name of a table as in SQL, without a schema"),
        );
    }
}

/// A missing shard is still a missing shard.
#[test]
fn a_table_to_have_does_not_rule_out_doubt() {
    let db = some_with_jobs();
    db.sql("ALTER SCHEMA shard_2 RENAME TO shard_2_old");
    shardq(["query", "-t", "--tsv", "SELECT n FROM \"Jobs\""])
        .args(["--having-table", "\"Jobs\""])
        .db(&db)
        .run()
        .assert(
            3,
            "shard_1\t1\nshard_3\t3\n",
            has_all([
                "shards may be missing: there is no shard_2",
                "2/3 shards of 5, 3 without table \"Jobs\", not queried: shard_2_old",
            ]),
        );
}

#[test]
fn a_table_that_no_shard_has_is_answered_with_the_nearest() {
    let db = some_with_jobs();
    for command in [
        &["query", "SELECT 1"][..],
        &["query", "-g", "SELECT 1"],
        &["export", "SELECT 1", "-o-"],
        &["export", "-g", "SELECT 1", "-o-"],
        &["find", "core"],
    ] {
        let run = |args: &[&str]| shardq([]).args(command).args(args).db(&db).run();
        run(&["--having-table", "jbos"]).assert(
            1,
            "",
            has("shardq: error: no selected shard has a table \"jbos\"\n\
                 shardq: hint: did you mean \"Jobs\"? 3 of 6 shards have it\n"),
        );
        run(&["--having-table", "\"Jobs\"", "--shards", "0,5"]).assert(
            1,
            "",
            has("shardq: error: no selected shard has a table \"Jobs\"\n\
                 shardq: hint: 3 of 6 shards have a table \"Jobs\"\n"),
        );
        run(&["--having-table", "nothing_like_it"]).assert(
            1,
            "",
            "shardq: error: no selected shard has a table \"nothing_like_it\"\n",
        );
    }
}

#[test]
fn exports_record_the_shards_without_a_table() {
    let db = some_with_jobs();
    let folder = folder();
    let file = folder.path().join("jobs.csv");
    let sql = "SELECT n FROM \"Jobs\"";
    let having = ["--having-table", "\"Jobs\""];
    export(&db, sql, &file).args(having).run().assert(
        0,
        "",
        has("3/3 shards of 6, 3 without table \"Jobs\""),
    );
    let left_out = serde_json::json!(["shard_0", "shard_4", "shard_5"]);
    let record = manifest(&file);
    assert_eq!(record["without_table"], left_out);
    assert_eq!(record["options"]["having-table"], "Jobs");
    assert_eq!(record["complete"], true);
    verify(&file)
        .run()
        .assert(0, "", has("3/3 shards, 3 without table \"Jobs\""));
    let all = folder.path().join("sum.csv");
    export(&db, "SELECT sum(n) FROM \"Jobs\"", &all)
        .args(having)
        .args(["-g", "--exclude-shards=2-3"])
        .run()
        .assert(0, "", has("1/1 shards of 6, 3 without table \"Jobs\""));
    assert_eq!(manifest(&all)["without_table"], left_out);
    let parts = folder.path().join("parts");
    let run = || export(&db, sql, &parts).args(having).args(["--per-shard"]);
    run()
        .run()
        .assert(0, "", has("3/3 shards of 6, 3 without table \"Jobs\""));
    assert_eq!(folder_manifest(&parts)["without_table"], left_out);
    assert_eq!(names(&parts).len(), 4);
    fs::remove_file(parts.join("shard=shard_2/part.csv")).unwrap();
    run()
        .args(["--resume"])
        .run()
        .assert(0, "", has("3/3 shards of 6, 3 without table \"Jobs\""));
    assert_eq!(folder_manifest(&parts)["without_table"], left_out);
}
