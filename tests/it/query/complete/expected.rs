//! Which shards there should be: gaps, the number that is expected, shards that are named, and what
//! is no shard.

use shardq::sandbox::Options;

use crate::support::{ANY, Db, has, has_all, private_server, shardq};

#[test]
fn gaps_in_the_numbering_are_said() {
    let db = Db::empty();
    db.create_shards([0, 1, 4, 5, 9]);
    shardq(["query", "-t", "--csv", "SELECT 1"])
        .db(&db)
        .run()
        .assert(
            0,
            "shard_0,1\nshard_1,1\nshard_4,1\nshard_5,1\nshard_9,1\n",
            has_all([
                "shardq: warning: shard_2-3, shard_6-8 missing (gap in shard numbers)\n",
                "5/5 shards",
            ]),
        );
    // `--quiet` does not suppress it.
    shardq(["query", "--quiet", "SELECT 1"])
        .db(&db)
        .run()
        .assert(
            0,
            ANY,
            "shardq: warning: shard_2-3, shard_6-8 missing (gap in shard numbers)\n",
        );
}

#[test]
fn as_many_shards_as_expected_or_none() {
    let db = Db::empty();
    db.create_shards([0, 1, 3]);
    let run = |expected: &str| {
        let args = [
            "query",
            "-qt",
            "--csv",
            "--expect-shards",
            expected,
            "SELECT 1",
        ];
        shardq(args).db(&db).run()
    };
    run("4").assert(
        1,
        "",
        "shardq: error: expected 4 shards, found 3: shard_2 missing\n",
    );
    run("2").assert(1, "", "shardq: error: expected 2 shards, found 3\n");
    run("3").assert(0, "shard_0,1\nshard_1,1\nshard_3,1\n", ANY);
}

#[test]
fn a_shard_that_is_asked_for_and_not_there_is_an_error() {
    let db = Db::with_shards(3);
    shardq(["query", "--shards", "1-4,7", "SELECT 1"])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            "shardq: error: no such shard: shard_3-4, shard_7; the shards are shard_0-2\n",
        );
}

#[test]
fn a_database_without_shards_names_those_that_have_some() {
    // With few databases: all are searched, within seconds.
    let server = private_server(Options::default());
    let sharded = Db::on(&server);
    sharded.create_shards(0..3);
    let empty = Db::on(&server);
    let hint = format!("\n  {} (3 shards)", sharded.name());
    shardq(["query", "SELECT 1"]).db(&empty).run().assert(
        1,
        "",
        has_all([
            &format!("shardq: error: database \"{}\" has no shards", empty.name()),
            hint.as_str(),
        ]),
    );
}

#[test]
fn shards_are_schemas_numbered_without_leading_zeros_and_nothing_else() {
    let db = Db::empty();
    for schema in [
        "shard_0",
        "shard_x",
        "shard_2b",
        "shard_007",
        "shard_",
        "shard_-1",
        "shard_ 1",
        "SHARD_1",
        "shards_1",
        "xshard_1",
        "shard_1_old",
        "shard_99999999999",
        "shard_٣",
    ] {
        db.sql(&format!("CREATE SCHEMA \"{schema}\""));
    }
    shardq(["query", "-t", "--csv", "SELECT 1"])
        .db(&db)
        .run()
        .assert(0, "shard_0,1\n", has("1/1 shards"));
}
