//! `shardq find --learn`: how the keys that are there were distributed.

use crate::support::{ANY, Db, Profile, has, has_all, shardq};

/// Keys that are distributed by a condition on the number of the shard, `{n}`.
fn distributed(numbers: std::ops::Range<u32>, keys: &str, condition: &str) -> Db {
    let db = Db::empty();
    db.create_shards(numbers);
    db.sql(&format!(
        "CREATE TABLE keys AS SELECT {keys} AS k FROM generate_series(1, 2000) AS i"
    ));
    db.sql("CREATE TABLE parts (k bigint) PARTITION BY HASH (k)");
    db.in_each_shard(&format!(
        "CREATE TABLE t AS SELECT k FROM public.keys WHERE {condition}"
    ));
    db
}

/// What is learned from the keys verifies them when it is pasted into a profile.
fn learned(db: &Db, table: &str, lines: &str) {
    let column = format!("{table}.k");
    let learn = shardq(["find", "--kind", "part", "--learn", &column]).db(db);
    let expected = format!("[PROFILE.keys.part]\n{lines}in = \"{column}\"\n");
    let printed = learn.run();
    printed.assert(0, &expected, has_all([" keys of ", " fit · "]));
    let profile = Profile::new(&expected.replace("PROFILE", "live"));
    let keys = format!("k\n{}\n", db.ask("SELECT k FROM keys"));
    let find = shardq(["find", "--from", "-"]).db(db).stdin(keys);
    let ran = profile.of(find).run();
    ran.assert(0, ANY, has("2,000 keys · 2,000 verified · "));
}

#[test]
fn what_is_learned_verifies_the_keys() {
    let text = "'key ' || i";
    for (numbers, keys, condition, lines) in [
        (
            0..8,
            text,
            "((hashtext(k) % 8) + 8) % 8 = {n}",
            "hash = \"postgres\"\nmodulo = 8\n",
        ),
        (
            0..8,
            "(i * 7919 - 999)::bigint",
            "satisfies_hash_partition('public.parts'::regclass, 8, {n}, k)",
            "hash = \"postgres-partition\"\nmodulo = 8\n",
        ),
        (
            1..8,
            text,
            "abs(hashtext(k)) % 7 + 1 = {n}",
            "sql = \"abs(hashtext($1))\"\nmodulo = 7\noffset = 1\n",
        ),
        (
            0..8,
            text,
            "('x' || right(md5(k), 7))::bit(28)::int % 8 = {n}",
            "hash = \"md5\"\nmodulo = 8\n",
        ),
        (
            0..5,
            text,
            "('x' || left(md5(k), 8))::bit(32)::bigint % 5 = {n}",
            "sql = \"('x' || left(md5($1), 8))::bit(32)::bigint\"\nmodulo = 5\n",
        ),
        (0..11, "i", "k % 11 = {n}", "hash = \"none\"\nmodulo = 11\n"),
        (
            0..8,
            "(i::bigint * 13 << 30) | (i % 8 << 12) | (i * 7 % 4096)",
            "(k >> 12) & 7 = {n}",
            "id = { shard = { bits = 18, shift = 12 } }\n",
        ),
    ] {
        learned(&distributed(numbers, keys, condition), "t", lines);
    }
}

#[test]
fn habitats_names_and_ids_are_recognized() {
    let db = Db::with_sample(32);
    let learn = |column| shardq(["find", "--learn", column]).db(&db).run();
    learn("origins.name").assert(
        0,
        "[PROFILE.keys.origins]\nhash = \"fnv1a64\"\nmodulo = 32\nin = \"origins.name\"\n",
        ANY,
    );
    learn("origin_packages.id").assert(
        0,
        "[PROFILE.keys.origin_packages]\n\
         id = { shard = { bits = 13, shift = 0 }, time = { shift = 23, epoch = 1409266191000 }, \
         sequence = { bits = 10, shift = 13 } }\n\
         in = \"origin_packages.id\"\n",
        ANY,
    );
}

#[test]
fn where_no_rule_fits_it_is_said_how_far_the_best_one_got() {
    let db = distributed(0..8, "'key ' || i", "((hashtext(k) % 8) + 8) % 8 = {n}");
    db.sql("INSERT INTO shard_1.t VALUES ('key 1')");
    let home = db.ask("SELECT ((hashtext('key 1') % 8) + 8) % 8");
    assert_eq!(home, "0");
    shardq(["find", "--learn", "t.k"]).db(&db).run().assert(
        1,
        "",
        has_all([
            "shardq: error: no known hash, modulus, offset or layout of ids fits all keys of t.k; \
             the best fits 2,000 of 2,001: Postgres's hash of the key, modulo 8; not \"key 1\" in \
             shard_1\n",
            "2,001 keys of 8 shards · 2,000 fit · ",
        ]),
    );
}

#[test]
fn too_few_keys_tell_nothing() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t AS SELECT 'a' || n AS k FROM generate_series({n}, 12) AS n");
    shardq(["find", "--learn", "t.k"]).db(&db).run().assert(
        1,
        "",
        "shardq: error: 25 keys in 2 shards are too few to tell a rule from chance\n",
    );
    shardq(["find", "--learn", "t.x"]).db(&db).run().assert(
        1,
        "",
        has("no selected shard has a table \"t\" with a column \"x\""),
    );
    shardq(["find", "--learn", "t.k", "--schemas", "shard_{name}"])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            has("25 keys in 2 shards are too few to tell a rule from chance"),
        );
}

#[test]
fn where_shards_have_names_they_may_be_named_after_keys() {
    let db = Db::empty();
    let tenants: Vec<_> = (0..40).map(|n| format!("acme{n}")).collect();
    for tenant in &tenants {
        db.sql(&format!(
            "CREATE SCHEMA tenant_{tenant};
             CREATE TABLE tenant_{tenant}.domains (domain text);
             INSERT INTO tenant_{tenant}.domains VALUES ('{tenant}.example.com')"
        ));
    }
    let flags = ["--schemas", "tenant_{name}"];
    let learn = |column| {
        shardq(["find", "--learn", column])
            .args(flags)
            .db(&db)
            .run()
    };
    let printed = learn("domains.domain");
    printed.assert(
        0,
        "[PROFILE.keys.domains]\n\
         lookup = \"SELECT 'tenant_' || split_part($1, '.', 1)\"\n\
         in = \"domains.domain\"\n",
        has("40 keys of 40 shards · 40 fit"),
    );
    let profile = Profile::new(&printed.stdout.replace("PROFILE", "live"));
    let find = shardq(["find", "acme7.example.com", "--short"]).args(flags);
    profile
        .of(find.db(&db))
        .run()
        .assert(0, "tenant_acme7\n", "");
    db.sql("UPDATE tenant_acme3.domains SET domain = 'beta.example.com'");
    learn("domains.domain").assert(
        1,
        "",
        has_all([
            "shards have names here, and no part of the keys of domains.domain between fixed texts \
             is the name of every key's shard; the best fits 39 of 40: by SELECT 'tenant_' || \
             split_part($1, '.', 1); not \"beta.example.com\" in tenant_acme3",
        ]),
    );
}
