//! `--key` and `--key-from`: only the shards that have the keys are queried.

use std::fs;

use crate::support::{ANY, Db, Profile, Program, folder, has, has_all, manifest, shardq};

const COUNT: &str = "SELECT count(*) FROM accounts";

// CRC-32 modulo 4 sends acme to shard_2, beta to shard_3 and nowhere to shard_2.
const TENANT: &str = "[live.keys.tenant]\nhash = 'crc32'\nin = 'accounts.name'";

fn tenants() -> (Db, Profile) {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE accounts (name text PRIMARY KEY)");
    db.in_shard(2, "INSERT INTO accounts VALUES ('acme')");
    db.in_shard(0, "INSERT INTO accounts VALUES ('beta'), ('gamma')");
    (db, Profile::new(TENANT))
}

fn query((db, profile): &(Db, Profile), flags: &[&str]) -> Program {
    profile.of(shardq(["query", "-t", "--csv", COUNT]).args(flags).db(db))
}

#[test]
fn only_the_shard_of_a_key_is_queried() {
    let tenants = tenants();
    query(&tenants, &["--key", "acme"]).run().assert(
        0,
        "shard_2,1\n",
        has("1 row · 1/1 shards of 4 · tenant acme in shard_2 · live "),
    );
    query(&tenants, &["--key", "acme", "--kind", "tenant", "-g"])
        .run()
        .assert(0, "1\n", has("1/1 shards of 4 · tenant acme in shard_2 · "));
    // Habitat's kinds are not of this profile.
    query(&tenants, &["--key=acme", "--kind=origin"])
        .run()
        .assert(
            2,
            "",
            "shardq: error: no kind of key \"origin\"; the kinds are tenant\n",
        );
    query(&tenants, &["--key=acme", "--shards=1"])
        .run()
        .assert(2, "", has("cannot be used with"));
}

#[test]
fn a_misplaced_key_is_queried_where_it_is() {
    let tenants = tenants();
    let misplaced = "MISPLACED: tenant \"beta\" belongs in shard_3, but is in shard_0, which was \
                     queried\n";
    query(&tenants, &["--key", "beta", "-q"]).run().assert(
        3,
        "shard_0,2\n",
        &format!("shardq: error: {misplaced}"),
    );
    let refused = format!("shardq: error: not answered: {misplaced}");
    query(&tenants, &["--key", "beta", "-g"])
        .run()
        .assert(3, "", &refused);
    let (db, profile) = &tenants;
    let folder = folder();
    let file = folder.path().join("t.csv");
    let export = shardq(["export", COUNT, "--key", "beta", "-o"]).args([&file]);
    profile.of(export.db(db)).run().assert(3, "", &refused);
    assert!(!file.exists());
}

#[test]
fn a_key_that_is_nowhere_is_a_warning() {
    let tenants = tenants();
    query(&tenants, &["--key", "nowhere", "-q"]).run().assert(
        0,
        "shard_2,1\n",
        "shardq: warning: no shard has tenant \"nowhere\"\n",
    );
    tenants.0.sql("DROP SCHEMA shard_1 CASCADE");
    query(&tenants, &["--key", "nowhere", "-q"]).run().assert(
        3,
        "shard_2,1\n",
        has("tenant \"nowhere\" was not found; 3/4 shards searched, missing: shard_1\n"),
    );
}

#[test]
fn keys_of_a_file_select_their_shards() {
    let tenants = tenants();
    let (db, profile) = &tenants;
    let folder = folder();
    let list = folder.path().join("keys.txt");
    fs::write(&list, "acme\r\n\ngamma\nacme\nnowhere\n").unwrap();
    let list = list.to_str().unwrap();
    query(&tenants, &["--key-from", list]).run().assert(
        3,
        "shard_0,2\nshard_2,1\n",
        has_all([
            "shardq: error: MISPLACED: tenant \"gamma\" belongs in ",
            "shardq: warning: no shard has tenant \"nowhere\"\n",
            "2 rows · 2/2 shards of 4 · 3 keys · live ",
        ]),
    );
    query(&tenants, &["--key-from", "-"])
        .stdin("acme\n")
        .run()
        .assert(0, "shard_2,1\n", has("tenant acme in shard_2"));
    query(&tenants, &["--key-from", "-"])
        .stdin("\n")
        .run()
        .assert(2, "", "shardq: error: standard input: lists no keys\n");
    profile
        .of(shardq(["query", "--key-from", "-"]).db(db))
        .stdin("acme\n")
        .run()
        .assert(2, "", has("the SQL cannot come from there"));
    // The file of an export records the keys.
    let file = folder.path().join("t.csv");
    let export = shardq(["export", COUNT, "--key", "acme", "-o"]).args([&file]);
    profile
        .of(export.db(db))
        .run()
        .assert(0, "", has("1/1 shards of 4 · tenant acme in shard_2"));
    assert_eq!(manifest(&file)["options"]["key"], "acme");
}

#[test]
fn without_a_profile_keys_are_those_of_habitat() {
    let db = Db::with_sample(8);
    let run = |flags: &[&str]| {
        let query = shardq(["query", "-t", "--csv", "SELECT count(*) FROM origins"]);
        query.args(flags).db(&db).run()
    };
    let by_origin = run(&["--origin", "core"]).output();
    run(&["--key", "core"]).assert(0, &by_origin, has("origin core in shard_"));
    let id = db.ask("SELECT id FROM shard_5.origins LIMIT 1");
    run(&["--key", &id]).assert(0, has("shard_5,"), has(" in shard_5"));
    run(&["--key", "7"]).assert(
        1,
        "",
        "shardq: error: no shard to query: no shard has id \"7\"\n",
    );
}

#[test]
fn a_lookup_gives_the_schema_to_query() {
    let db = Db::empty();
    db.sql(
        "CREATE TABLE domains (domain text, schema_name text);
         INSERT INTO domains VALUES ('a.example', 'tenant_a'), ('b.example', 'tenant_b');
         CREATE SCHEMA tenant_a; CREATE TABLE tenant_a.t AS SELECT 1 AS n;
         CREATE SCHEMA tenant_b; CREATE TABLE tenant_b.t AS SELECT 2 AS n",
    );
    let profile = Profile::new(
        "schemas_from = 'SELECT schema_name FROM public.domains ORDER BY 1'\n\
         [live.keys.domain]\n\
         lookup = 'SELECT schema_name FROM public.domains WHERE domain = $1'",
    );
    let run = |key| {
        let query = shardq(["query", "-t", "--csv", "SELECT n FROM t", "--key", key]);
        profile.of(query.db(&db)).run()
    };
    run("b.example").assert(
        0,
        "tenant_b,2\n",
        has("1/1 shards of 2 · domain b.example in"),
    );
    run("c.example").assert(
        1,
        "",
        "shardq: error: no shard to query: no shard has domain \"c.example\"\n",
    );
    db.sql("DROP SCHEMA tenant_b CASCADE");
    run("b.example").assert(1, "", ANY);
}
