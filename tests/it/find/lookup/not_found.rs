//! Keys that are not found: whether no shard has them, which names are near, and what is missing.

use shardq::sandbox::Options;

use crate::support::{Db, has, has_all, home_of, insert, private_server, shardq, with_origins};

#[test]
fn what_is_nowhere_is_not_found_and_the_nearest_names_are_told() {
    let db = Db::with_sample(32);
    let not_found = "shardq: error: origin \"croe\" not found; it belongs in shard_8 (FNV-1a 64 of \
         the name, modulo 32)\n";
    shardq(["find", "croe"]).db(&db).run().assert(
        1,
        "",
        has_all([
            not_found,
            "\nshardq: hint: nearest: core (shard_30)\n",
            "\n32/32 shards searched · one snapshot · ",
        ]),
    );
    shardq(["find", "--quiet", "--short", "croe"])
        .db(&db)
        .run()
        .assert(1, "", not_found);
    shardq(["find", "--json", "croe"]).db(&db).run().assert(
        1,
        has_all([
            "\"status\":\"not_found\"",
            "\"found\":[]",
            "\"nearest\":[{\"name\":\"core\",\"shard\":\"shard_30\"}]",
        ]),
        has(not_found),
    );
    shardq(["find", "721096797631602719"]).db(&db).run().assert(
        1,
        "",
        has_all([
            "not found; it belongs in shard_31",
            "\nshardq: hint: if this is a name, add --kind origin",
        ]),
    );
}

#[test]
fn a_shard_without_the_table_is_told_apart_from_one_without_the_key() {
    let db = with_origins(4);
    db.in_shard(2, "DROP TABLE origins");
    let incomplete = |key: &str, home: &str| {
        shardq(["find", "--kind", "origin", key])
            .db(&db)
            .run()
            .assert(
                3,
                "",
                has_all([
                    "warning: no table \"origins\" in shard_2\n",
                    &format!("not found in the searched shards; it belongs in {home}"),
                    "\n3/4 shards searched, missing: shard_2 · ",
                ]),
            );
    };
    incomplete("core", "shard_2");
    let elsewhere = (0..1000)
        .map(|n| n.to_string())
        .find(|name| home_of(name, 4) == 1);
    incomplete(&elsewhere.unwrap(), "shard_1");
    // Nor is an id reported as missing if most shards lack a table.
    let id = (721_096_797_631_602_688_i64 + 1).to_string();
    shardq(["find", &id]).db(&db).run().assert(
        3,
        "",
        has_all([
            "no table \"origins\" in shard_2\n",
            "3/4 shards searched, missing: shard_2",
        ]),
    );
    // It is still found wherever it is.
    insert(&db, 3, 5, "core");
    shardq(["find", "core"]).db(&db).run().assert(
        3,
        has("MISPLACED: expected shard_2, found in shard_3\n"),
        has("3/4 shards searched, missing: shard_2 · "),
    );
}

#[test]
fn a_shard_that_is_missing_may_have_what_is_not_found() {
    let db = Db::empty();
    db.create_shards([0, 1, 3]);
    db.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text)");
    shardq(["find", "core"]).db(&db).run().assert(
        3,
        "",
        has_all([
            "warning: no such shard: shard_2; the shards are shard_0-1, shard_3\n",
            "\"core\" not found in the searched shards; it belongs in shard_2",
            "\n3/4 shards searched, missing: shard_2 · ",
        ]),
    );
    // So may one at the end, given the number of shards.
    let id = "721096797631602691";
    shardq(["find", id, "--shard-count", "8"])
        .db(&db)
        .run()
        .assert(
            3,
            "",
            has("3/8 shards searched, missing: shard_2, shard_4-7 · "),
        );
}

#[test]
fn without_shards_it_is_said_which_database_has_some() {
    let server = private_server(Options::default());
    let sharded = Db::on(&server);
    sharded.create_shards(0..2);
    let there = format!("\n  {} (2 shards)", sharded.name());
    shardq(["find", "core"]).db(&Db::on(&server)).run().assert(
        1,
        "",
        has_all(["has no shards: no schema is named shard_0", &there]),
    );
}
