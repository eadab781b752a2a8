//! `shardq find`: a key's shard, computed and then verified by a query. `ids` is about keys that are
//! ids, `not_found` about keys that are nowhere, or that a missing shard may have.

mod ids;
mod not_found;

use shardq::sandbox::Options;

use crate::support::{
    ANY, Db, has, has_all, home_of, insert, private_server, searched, shardq, with_origins,
};

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
