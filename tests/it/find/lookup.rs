//! `shardq find`: a key's shard, computed and then verified by a query.

use std::num::NonZeroU32;

use shardq::sandbox::Options;
use shardq::sharding::routing::name_hash;

use crate::support::{
    ANY, Db, has, has_all, insert, private_server, searched, shardq, with_origins,
};

fn home_of(name: &str, shards: u32) -> u32 {
    name_hash::by_name(name, NonZeroU32::new(shards).unwrap())
}

#[test]
fn an_origin_is_where_its_name_says() {
    let db = Db::with_sample(128);
    shardq(["find", "core"]).db(&db).run().assert(
        0,
        "core is in shard_30   (FNV-1a 64 of the name, modulo 128)\n\
         verified: origins.id 721096797631602718, created 2017-05-19T21:00:27.943Z\n",
        "",
    );
    shardq(["find", "--short", "core"])
        .db(&db)
        .run()
        .assert(0, "shard_30\n", "");
}

#[test]
fn json_is_one_object_with_ids_as_strings() {
    let db = Db::with_sample(32);
    shardq(["find", "--json", "core"]).db(&db).run().assert(
        0,
        "{\"found\":[{\"created\":\"2017-05-19T21:00:27.943Z\",\"id\":\"721096797631602718\",\
         \"name\":\"core\",\"shard\":\"shard_30\",\"table\":\"origins\"}],\
         \"key\":\"core\",\"kind\":\"origin\",\
         \"rule\":\"FNV-1a 64 of the name, modulo 32\",\
         \"shard\":\"shard_30\",\"status\":\"verified\"}\n",
        "",
    );
}

#[test]
fn a_name_is_data_and_never_sql() {
    let db = with_origins(4);
    let names = [
        "it's",
        "\"quoted\"",
        "100%",
        "%s_%",
        r"back\slash\'",
        "žluť 日本 😀",
        "$1",
        "{name}",
        "'; DROP SCHEMA shard_0 CASCADE; --",
    ];
    for (id, name) in (1..).zip(names) {
        insert(&db, home_of(name, 4), id, name);
    }
    for (id, name) in (1..).zip(names) {
        let shard = home_of(name, 4);
        let told = format!(
            "{name} is in shard_{shard}   (FNV-1a 64 of the name, modulo 4)\n\
             verified: origins.id {id}\n"
        );
        shardq(["find", name]).db(&db).run().assert(0, &told, "");
        // A name that does not exist needs a search of all shards.
        let twisted = format!("{name}{name}'");
        shardq(["find", &twisted])
            .db(&db)
            .run()
            .assert(1, "", has("not found"));
    }
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^shard_'";
    assert_eq!(db.ask(left), "4");
}

#[test]
fn an_id_tells_its_shard_its_time_and_its_tables() {
    let db = Db::with_sample(32);
    shardq(["find", "721096797631602718"]).db(&db).run().assert(
        0,
        "721096797631602718 is in shard_30   (the low 13 bits of the id)\n\
         created 2017-05-19T21:00:27.943Z, sequence 7\n\
         verified: in origin_projects (core/binutils), origin_public_keys (core), \
         origin_secret_keys (core), origins (core)\n",
        "",
    );
}

#[test]
fn an_id_is_looked_for_in_whatever_tables_the_catalog_has() {
    let db = Db::with_shards(1);
    db.in_shard(
        0,
        r#"CREATE TABLE "od""d't" (id bigint PRIMARY KEY);
           CREATE TABLE "x{label}y"" {column}'" (id bigint PRIMARY KEY);
           CREATE TABLE only_unique (id bigint UNIQUE, name varchar(9));
           CREATE TABLE parted (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
           CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (721096797631602689);
           CREATE TABLE small (id int PRIMARY KEY);
           CREATE TABLE worded (id text PRIMARY KEY);
           CREATE TABLE of_two (id bigint, n int, PRIMARY KEY (id, n));
           INSERT INTO "od""d't" VALUES (721096797631602688);
           INSERT INTO "x{label}y"" {column}'" VALUES (721096797631602688);
           INSERT INTO only_unique VALUES (721096797631602688, E'two\nlines');
           INSERT INTO parted VALUES (721096797631602688);
           INSERT INTO small VALUES (8192);
           INSERT INTO worded VALUES (721096797631602688);
           INSERT INTO of_two VALUES (721096797631602688, 1)"#,
    );
    shardq(["find", "721096797631602688"]).db(&db).run().assert(
        0,
        has("\nverified: in od\"d't, only_unique (two\\nlines), parted, x{label}y\" {column}'\n"),
        "",
    );
}

#[test]
fn an_id_from_before_the_database_was_sharded_is_found_all_the_same() {
    let db = Db::with_sample(32);
    // The id of Builder's real core origin.
    db.in_shard(
        30,
        "SET session_replication_role = replica;
         UPDATE origins SET id = 721096797631602688 WHERE name = 'core'",
    );
    shardq(["find", "721096797631602688"]).db(&db).run().assert(
        3,
        "MISPLACED: expected shard_0, found in shard_30\n\
         721096797631602688 belongs in shard_0   (the low 13 bits of the id)\n\
         created 2017-05-19T21:00:27.943Z, sequence 7\n\
         shard_30: in origins (core)\n",
        has_all(searched("32/32")),
    );
    // A name is routed by itself, whatever its row's id.
    shardq(["find", "core"]).db(&db).run().assert(
        0,
        has("verified: origins.id 721096797631602688"),
        "",
    );
}

#[test]
fn a_misplaced_origin_is_found_wherever_it_is() {
    let db = with_origins(4);
    assert_eq!(home_of("core", 4), 2);
    insert(&db, 1, 5, "core");
    shardq(["find", "core"]).db(&db).run().assert(
        3,
        "MISPLACED: expected shard_2, found in shard_1\n\
         core belongs in shard_2   (FNV-1a 64 of the name, modulo 4)\n\
         shard_1: origins.id 5\n",
        has_all(searched("4/4")),
    );
    insert(&db, 3, 6, "core");
    shardq(["find", "core"])
        .db(&db)
        .run()
        .assert(3, has("found in shard_1, shard_3\n"), ANY);
    shardq(["find", "--short", "--quiet", "core"])
        .db(&db)
        .run()
        .assert(
            3,
            "shard_1\nshard_3\n",
            "shardq: error: MISPLACED: expected shard_2, found in shard_1, shard_3\n",
        );
    shardq(["find", "--json", "core"]).db(&db).run().assert(
        3,
        has_all([
            "\"status\":\"misplaced\"",
            "\"shard\":\"shard_2\"",
            "\"searched\":{\"answered\":4,\"expected\":4}",
            "\"id\":\"5\"",
            "\"id\":\"6\"",
        ]),
        has("MISPLACED"),
    );
}

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
fn a_database_with_one_shard_has_everything_there() {
    let db = with_origins(1);
    insert(&db, 0, 721_096_797_631_602_718, "core");
    shardq(["find", "core"]).db(&db).run().assert(
        0,
        "core is in shard_0   (FNV-1a 64 of the name, modulo 1)\n\
         verified: origins.id 721096797631602718, created 2017-05-19T21:00:27.943Z\n",
        "",
    );
    shardq(["find", "721096797631602718"]).db(&db).run().assert(
        0,
        "721096797631602718 is in shard_0   \
         (the only shard there is; the low 13 bits of the id say shard_30)\n\
         created 2017-05-19T21:00:27.943Z, sequence 7\n\
         verified: in origins (core)\n",
        "",
    );
}

#[test]
fn a_key_of_digits_is_a_name_if_told_so() {
    let db = with_origins(4);
    let shard = home_of("2048", 4);
    insert(&db, shard, 7, "2048");
    shardq(["find", "--kind", "origin", "2048"])
        .db(&db)
        .run()
        .assert(0, has("verified: origins.id 7\n"), "");
    shardq(["find", "--kind", "id", "core"])
        .db(&db)
        .run()
        .assert(
            2,
            "",
            "shardq: error: invalid id 'core': an id has only digits\n",
        );
}

#[test]
fn an_account_is_looked_for_among_accounts() {
    // With few databases: all are searched, within seconds.
    let server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..4);
    db.in_each_shard("CREATE TABLE accounts (id bigint PRIMARY KEY, name text UNIQUE)");
    let shard = home_of("ada", 4);
    db.in_shard(shard, "INSERT INTO accounts VALUES (9, 'ada')");
    let told = format!(
        "ada is in shard_{shard}   (FNV-1a 64 of the name, modulo 4)\n\
         verified: accounts.id 9\n"
    );
    shardq(["find", "--kind", "account", "ada"])
        .db(&db)
        .run()
        .assert(0, &told, "");

    // Nothing can be verified here; the message says where it can.
    let origins = Db::on(&server);
    origins.create_shards(0..4);
    origins.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text UNIQUE)");
    let there = format!("\n  {} (4 shards)\n", db.name());
    shardq(["find", "--kind", "account", "ada"])
        .db(&origins)
        .run()
        .assert(
            1,
            "",
            has_all([
                "(where the key belongs) has no \"accounts\" table with id and name columns",
                "(select one with -d):",
                &there,
                "use --no-verify to only compute the shard",
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
fn a_plain_number_is_not_said_to_belong_anywhere() {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE things (id bigint PRIMARY KEY)");
    let find = |key: &str| shardq(["find", key]).db(&db).run();
    let why = "not a Habitat id: it would be from 2014-08-28T22:49:51.000Z";
    find("12345").assert(
        1,
        "",
        has_all([
            &format!("shardq: error: id 12345 not found; {why}\n"),
            "\n4/4 shards searched · ",
        ]),
    );
    for shard in [1, 3] {
        db.in_shard(shard, "INSERT INTO things VALUES (12345)");
    }
    let found = format!(
        "12345 is in shard_1, shard_3   (searched for: {why})\n\
         shard_1: in things\nshard_3: in things\n"
    );
    find("12345").assert(0, &found, has("4/4 shards searched · "));
    shardq(["find", "--json", "12345"]).db(&db).run().assert(
        0,
        has_all(["\"shard\":null", "\"status\":\"found\"", why]),
        ANY,
    );
    // An id whose shard does not exist.
    find("721096797631602718").assert(
        1,
        "",
        has("its low 13 bits say shard_30, which does not exist\n"),
    );
    shardq(["find", "--no-verify", "12345"])
        .env("PGHOST", "/nonexistent")
        .run()
        .assert(2, "", &format!("shardq: error: {why}\n"));
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

#[test]
fn computing_alone_asks_no_server() {
    let nowhere = |args| shardq(args).env("PGHOST", "/nonexistent").run();
    nowhere(["find", "--no-verify", "--shard-count", "128", "core"]).assert(
        0,
        "core is in shard_30   (FNV-1a 64 of the name, modulo 128)\n\
         not verified: no server was asked\n",
        "",
    );
    nowhere([
        "find",
        "--no-verify",
        "--short",
        "--kind=id",
        "721096797631602718",
    ])
    .assert(0, "shard_30\n", "");
    nowhere(["find", "--no-verify", "--short", "--kind=origin", "core"]).assert(
        2,
        "",
        has("--no-verify needs --shard-count N for names"),
    );
    shardq(["find", "core"])
        .env("PGHOST", "/nonexistent")
        .run()
        .assert(1, "", has("/nonexistent/.s.PGSQL.5432"));
}

#[test]
fn the_number_of_shards_can_be_told_where_the_last_are_missing() {
    let db = Db::empty();
    db.create_shards([0, 1, 2]);
    db.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text)");
    let name = (0..1000)
        .map(|n| format!("origin-{n}"))
        .find(|name| home_of(name, 4) == 3 && home_of(name, 3) != 1)
        .unwrap();
    insert(&db, 1, 5, &name);
    shardq(["find", "--shard-count", "4", &name])
        .db(&db)
        .run()
        .assert(
            3,
            has("MISPLACED: expected shard_3, found in shard_1\n"),
            has("warning: no such shard: shard_3; the shards are shard_0-2\n"),
        );
}
