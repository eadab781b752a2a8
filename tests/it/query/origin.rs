//! `--origin`: a result is not called complete if the origin is elsewhere.

use std::num::NonZeroU32;

use shardq::sharding::routing::name_hash;

use crate::support::{ANY, Db, Program, has, has_all, insert, shardq, with_origins};

const COUNT: &str = "SELECT count(*) FROM origins";

fn query(db: &Db, origin: &str) -> Program {
    shardq(["query", "-t", "--csv", COUNT, "--origin", origin]).db(db)
}

fn name_in(shard: u32, shards: u32) -> String {
    let shards = NonZeroU32::new(shards).unwrap();
    (0..u32::MAX)
        .map(|n| format!("origin-{n}"))
        .find(|name| name_hash::by_name(name, shards) == shard)
        .unwrap()
}

#[test]
fn the_summary_states_the_rule() {
    let db = Db::with_sample(128);
    query(&db, "core").run().assert(
        0,
        has("shard_30,"),
        has("1 row · 1/1 shards · shard_30 of 128 (origin core, FNV-1a mod 128) · one snapshot"),
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.csv");
    shardq(["export", COUNT, "--origin", "core", "-o"])
        .args([&file])
        .db(&db)
        .run()
        .assert(0, "", has("shard_30 of 128 (origin core, FNV-1a mod 128)"));
    shardq(["query", "-gt", COUNT, "--origin", "core"])
        .db(&db)
        .run()
        .assert(0, ANY, has("shard_30 of 128 (origin core, FNV-1a mod 128)"));
}

#[test]
fn an_origin_that_is_nowhere_is_a_warning_with_the_nearest() {
    let db = Db::with_sample(128);
    let warning = "shardq: warning: no shard has an origin \"Core\"; \
                   the nearest is \"core\" (shard_30)\n";
    query(&db, "Core")
        .args(["-q"])
        .run()
        .assert(0, has("shard_126,"), warning);
    shardq(["query", "-gqt", COUNT, "--origin", "Core"])
        .db(&db)
        .run()
        .assert(0, ANY, warning);
}

#[test]
fn an_origin_that_is_elsewhere_makes_the_answer_incomplete() {
    let db = with_origins(4);
    insert(&db, 1, 5, "core");
    let misplaced = "MISPLACED: origin \"core\" belongs in shard_2, but is in shard_1; use \
         --shards to query there\n";
    query(&db, "core").args(["-q"]).run().assert(
        3,
        "shard_2,0\n",
        &format!("shardq: error: {misplaced}"),
    );
    let refused = format!("shardq: error: not answered: {misplaced}");
    shardq(["query", "-gqt", COUNT, "--origin", "core"])
        .db(&db)
        .run()
        .assert(3, "", &refused);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.csv");
    shardq(["export", "-q", COUNT, "--origin", "core", "-o"])
        .args([&file])
        .db(&db)
        .run()
        .assert(3, "", &refused);
    assert!(!file.exists());
    shardq(["query", "-q", COUNT, "--origin", "core", "-o"])
        .args([&file])
        .db(&db)
        .run()
        .assert(3, "", has("t.csv was not written"));
    assert!(!file.exists());
}

#[test]
fn the_shard_of_an_origin_may_be_missing() {
    // The last shard: names are then routed over the remaining ones.
    let db = with_origins(5);
    let name = name_in(3, 5);
    insert(&db, 3, 5, &name);
    db.sql("DROP SCHEMA shard_4 CASCADE");
    let home = name_hash::by_name(&name, NonZeroU32::new(4).unwrap());
    if home != 3 {
        query(&db, &name)
            .run()
            .assert(3, ANY, has("but is in shard_3"));
    }
    query(&db, &name)
        .args(["--expect-shards", "5"])
        .run()
        .assert(1, "", has("shard_4 missing"));
    // One in the middle.
    db.sql("DROP SCHEMA shard_2 CASCADE");
    query(&db, "core").run().assert(
        3,
        "",
        has(
            "shardq: error: shard_2 of 4, where origin \"core\" belongs (FNV-1a mod 4), does not \
             exist",
        ),
    );
    // Its contents are unknown.
    let present = name_in(1, 4);
    query(&db, &present).run().assert(
        3,
        ANY,
        has("is not in shard_1, where it belongs; 3/4 shards searched, missing: shard_2"),
    );
}

#[test]
fn where_there_are_no_origins_nothing_is_verified_and_it_is_said() {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE t AS SELECT {n} AS n");
    let run = |db: &Db| {
        shardq([
            "query",
            "-t",
            "--csv",
            "-q",
            "SELECT n FROM t",
            "--origin",
            "core",
        ])
        .db(db)
        .run()
    };
    let why = "shardq: warning: could not verify that origin \"core\" is in shard_2: ";
    run(&db).assert(0, "shard_2,2\n", has(why));
    db.in_each_shard("CREATE TABLE origins (id bigint)");
    run(&db).assert(0, "shard_2,2\n", has(why));
    // A failing statement is not blamed on the check of the origin, nor the other way round.
    let ran = shardq(["query", "-q", "SELECT x FROM t", "--origin", "core"])
        .db(&db)
        .run();
    ran.assert(
        1,
        "",
        has_all(["ERROR 42703: column \"x\" does not exist", why]),
    );
}

#[test]
fn several_origins_are_a_union() {
    let db = with_origins(4);
    let (one, other) = (name_in(1, 4), name_in(3, 4));
    insert(&db, 1, 5, &one);
    insert(&db, 3, 6, &other);
    let rule = format!("2/2 shards · shard_3 (origin {other}), shard_1 (origin {one}) of 4");
    query(&db, &other)
        .args(["--origin", &one, "--origin", &one])
        .run()
        .assert(0, "shard_1,1\nshard_3,1\n", has(&rule));
}

#[test]
fn an_empty_origin_is_a_usage_error() {
    for command in ["query", "export"] {
        shardq([command, COUNT, "--origin", ""])
            .args(["-o", "x.csv"])
            .env("PGHOST", "/nonexistent")
            .run()
            .assert(2, "", has("--origin <NAME>"));
    }
}
