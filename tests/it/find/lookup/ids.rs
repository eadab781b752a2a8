//! Ids: the shard, the time and the tables that an id tells, and where it is.

use crate::support::{ANY, Db, has, has_all, searched, shardq};

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
