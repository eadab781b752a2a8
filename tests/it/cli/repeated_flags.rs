//! A repeated flag never silently reduces the result.

use crate::support::{Db, has, has_all, shardq};

#[test]
fn several_lists_of_shards_are_a_union() {
    let db = Db::with_shards(5);
    shardq(["query", "-t", "--csv", "SELECT 1", "--shards", "3"])
        .args(["--shards", "1,3", "--shards", "0-1"])
        .db(&db)
        .run()
        .assert(0, "shard_0,1\nshard_1,1\nshard_3,1\n", has("3/3 shards"));
    shardq(["query", "SELECT 1", "--shards", "7", "--shards", "1"])
        .db(&db)
        .run()
        .assert(1, "", has("no such shard: shard_7"));
}

#[test]
fn every_other_flag_is_given_once() {
    let once = |args: &[&str], flag: &str| {
        shardq([])
            .args(args)
            .env("PGHOST", "/nonexistent")
            .run()
            .assert(2, "", has_all(["cannot be used multiple times", flag]));
    };
    let query: &[&[&str]] = &[
        &["-o", "a"],
        &["--expect-shards", "3"],
        &["--having-table", "t"],
        &["--search-path", "{shard}"],
        &["--format", "csv"],
        &["--null", "x"],
        &["--timeout", "3s"],
        &["--lock-timeout", "3s"],
        &["-j", "3"],
        &["-h", "a"],
        &["-p", "1"],
        &["-U", "a"],
    ];
    for flag in query {
        let command = [&["query", "SELECT 1"], *flag, flag].concat();
        once(&command, &format!("'{}", flag_name(flag[0])));
    }
    let export: &[&[&str]] = &[
        &["--format", "csv"],
        &["--null", "x"],
        &["--timeout", "3s"],
        &["-h", "a"],
    ];
    for flag in export {
        let command = [&["export", "-o", "a.csv", "SELECT 1"], *flag, flag].concat();
        once(&command, &format!("'{}", flag_name(flag[0])));
    }
    once(&["export", "SELECT 1", "-o", "a", "-o", "b"], "'--output");
    for flag in [
        ["--kind", "id"],
        ["--shard-count", "4"],
        ["--timeout", "3s"],
        ["-U", "a"],
    ] {
        let command = [&["find", "core"][..], &flag, &flag].concat();
        once(&command, &format!("'{}", flag_name(flag[0])));
    }
}

/// The flag's name in messages.
fn flag_name(flag: &str) -> &str {
    match flag {
        "-o" => "--output",
        "-j" => "--connections",
        "-h" => "--host",
        "-p" => "--port",
        "-U" => "--username",
        long => long,
    }
}
