//! Kinds of keys: how a profile says in which shard a key is, and how that is verified.

use std::fmt::Write as _;

use crate::support::{ANY, Db, Profile, has, has_all, shardq};

/// A table of keys, of which each shard has those for which the condition, with the shard's number
/// as `{n}`, is true.
fn distributed(shards: u32, key_type: &str, keys: &str, condition: &str) -> Db {
    let db = Db::with_shards(shards);
    db.sql(&format!(
        "CREATE TABLE keys AS SELECT ({keys})::{key_type} AS k FROM generate_series(1, 4000) AS i;
         CREATE TABLE parts (k {key_type}) PARTITION BY HASH (k)"
    ));
    db.in_each_shard(&format!(
        "CREATE TABLE t AS SELECT k FROM public.keys WHERE {condition}"
    ));
    db
}

/// All keys, as a file.
fn keys(db: &Db) -> String {
    format!("k\n{}\n", db.ask("SELECT k FROM keys"))
}

#[test]
fn hashes_are_those_that_the_server_computes() {
    let partition = "satisfies_hash_partition('public.parts'::regclass, 8, {n}, k)";
    let md5 = "('x' || right(md5(k::text), 7))::bit(28)::int % 8 = {n}";
    for (hash, key_type, keys_of, condition) in [
        (
            "postgres-partition",
            "bigint",
            "i * 7919 - 9999999",
            partition,
        ),
        ("postgres-partition", "integer", "i - 2000", partition),
        ("postgres-partition", "text", "'ключ ' || i", partition),
        ("postgres-partition", "uuid", "md5(i::text)", partition),
        (
            "postgres",
            "varchar(20)",
            "'key ' || i",
            "((hashtext(k) % 8) + 8) % 8 = {n}",
        ),
        (
            "postgres",
            "bigint",
            "i * 7919 - 9999999",
            "((hashint8(k) % 8) + 8) % 8 = {n}",
        ),
        ("md5", "text", "'ключ ' || i", md5),
        ("none", "bigint", "i", "k % 8 = {n}"),
    ] {
        let db = distributed(8, key_type, keys_of, condition);
        let modulo = if hash == "none" { "modulo = 8" } else { "" };
        let profile = Profile::new(&format!(
            "[live.keys.part]\nhash = '{hash}'\nin = 't.k'\n{modulo}"
        ));
        let find = shardq(["find", "--from", "-"]).db(&db).stdin(keys(&db));
        let ran = profile.of(find).run();
        ran.assert(0, ANY, has("4,000 keys · 4,000 verified · 8/8 shards"));
    }
}

#[test]
fn a_hash_that_is_not_theirs_does_not_verify_the_keys() {
    let db = distributed(
        8,
        "text",
        "'key ' || i",
        "((hashtext(k) % 8) + 8) % 8 = {n}",
    );
    let profile = Profile::new("[live.keys.part]\nhash = 'crc32'\nin = 't.k'");
    let find = shardq(["find", "--from", "-"]).db(&db).stdin(keys(&db));
    profile.of(find).run().assert(3, ANY, has(" misplaced"));
}

fn tenants() -> Db {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE accounts (name text PRIMARY KEY)");
    // CRC-32 of acme, modulo 4, is 2; that of beta is 3.
    db.in_shard(2, "INSERT INTO accounts VALUES ('acme')");
    db.in_shard(0, "INSERT INTO accounts VALUES ('beta')");
    db
}

const TENANT: &str = "[live.keys.tenant]\nhash = 'crc32'\nmodulo = 4\nin = 'accounts.name'";

#[test]
fn a_key_is_verified_in_its_column_or_found_elsewhere() {
    let db = tenants();
    let profile = Profile::new(TENANT);
    let find = |args: &[&str]| profile.of(shardq(["find"]).args(args).db(&db)).run();
    find(&["acme", "--kind", "tenant"]).assert(
        0,
        "acme is in shard_2   (CRC-32 of the key, modulo 4)\nverified: in accounts.name\n",
        "",
    );
    // The only kind there is.
    find(&["acme", "--short"]).assert(0, "shard_2\n", "");
    find(&["beta"]).assert(
        3,
        "MISPLACED: expected shard_3, found in shard_0\n\
         beta belongs in shard_3   (CRC-32 of the key, modulo 4)\n\
         shard_0: in accounts.name\n",
        has("4/4 shards searched"),
    );
    find(&["nowhere"]).assert(
        1,
        "",
        has_all([
            "shardq: error: tenant \"nowhere\" not found; it belongs in shard_",
            " (CRC-32 of the key, modulo 4)\n",
        ]),
    );
    find(&["acme", "--no-verify", "--json"]).assert(
        0,
        "{\"found\":[],\"key\":\"acme\",\"kind\":\"tenant\",\
         \"rule\":\"CRC-32 of the key, modulo 4\",\"shard\":\"shard_2\",\"status\":\"computed\"}\n",
        "",
    );
    find(&["acme", "--kind", "tennant"]).assert(
        2,
        "",
        "shardq: error: no kind of key \"tennant\"; did you mean \"tenant\"?\n",
    );
}

#[test]
fn sql_computes_what_no_hash_does() {
    let db = tenants();
    let profile = Profile::new(
        "[live.keys.tenant]\nsql = \"CASE $1 WHEN 'acme' THEN 0 ELSE 12 END\"\nmodulo = 4\n\
         offset = 2\nin = 'accounts.name'",
    );
    let rule = "CASE $1 WHEN 'acme' THEN 0 ELSE 12 END, modulo 4, plus 2";
    let find = |key| profile.of(shardq(["find", key]).db(&db)).run();
    find("acme").assert(
        0,
        &format!("acme is in shard_2   ({rule})\nverified: in accounts.name\n"),
        "",
    );
    find("beta").assert(3, has("MISPLACED: expected shard_2, found in shard_0"), ANY);
    let failing = Profile::new("[live.keys.tenant]\nsql = '$1::int'\nin = 'accounts.name'");
    failing.of(shardq(["find", "acme"]).db(&db)).run().assert(
        1,
        "",
        "shardq: error: where a tenant belongs cannot be computed: ERROR 22P02: invalid input \
         syntax for type integer: \"acme\"\n",
    );
    let find = shardq(["find", "acme", "--no-verify"]);
    failing.of(find).run().assert(
        2,
        "",
        "shardq: error: only the server can compute where a tenant belongs; omit --no-verify\n",
    );
}

#[test]
fn ids_are_laid_out_as_the_profile_says() {
    let db = Db::empty();
    for shard in ["insta1", "insta2", "insta30"] {
        db.sql(&format!(
            "CREATE SCHEMA {shard}; CREATE TABLE {shard}.photos (id bigint PRIMARY KEY)"
        ));
    }
    // 2013-01-01T00:00:00Z, shard 30, sequence 905.
    let id = ((1_356_998_400_000_i64 - 1_314_220_021_721) << 23) | (30 << 10) | 0x389;
    db.sql(&format!("INSERT INTO insta30.photos VALUES ({id})"));
    let find = |profile: &Profile, key: &str| profile.of(shardq(["find", key]).db(&db)).run();
    let built_in = Profile::new("layout = 'instagram'");
    let found = format!(
        "{id} is in insta30   (bits 10 to 22 of the id)\n\
         created 2013-01-01T00:00:00.000Z, sequence 905\n\
         verified: in photos\n"
    );
    find(&built_in, &id.to_string()).assert(0, &found, has("insta3-29 missing"));
    find(&built_in, "12345").assert(
        3,
        "",
        has("id 12345 not found in the searched shards; not an id of this layout: it would be"),
    );
    let own = Profile::new(
        "schemas = 'insta{n}'\n[live.keys.photo]\n\
         id = { shard = { bits = 13, shift = 10 } }\nin = 'photos.id'",
    );
    let found =
        format!("{id} is in insta30   (bits 10 to 22 of the key)\nverified: in photos.id\n");
    find(&own, &id.to_string()).assert(0, &found, ANY);
}

/// Domains as django-tenants keeps them, in an app that is named as in its documentation.
fn domains() -> Db {
    let db = Db::empty();
    db.sql(
        "CREATE TABLE customers_client (id int PRIMARY KEY, schema_name text);
         CREATE TABLE customers_domain (domain text, tenant_id int);
         INSERT INTO customers_client VALUES (1, 'public'), (2, 'acme'), (3, 'beta'), (4, 'gone');
         INSERT INTO customers_domain VALUES ('acme.example', 2), ('beta.example', 3),
             ('www.example', 1), ('gone.example', 4), ('twice.example', 2), ('twice.example', 3);
         CREATE SCHEMA acme; CREATE TABLE acme.users (mail text);
         CREATE SCHEMA beta; CREATE TABLE beta.users (mail text)",
    );
    db
}

#[test]
fn a_lookup_says_where_a_domain_is() {
    let db = domains();
    let profile = Profile::new("layout = 'django-tenants'");
    let find = |key| {
        profile
            .of(shardq(["find", key, "--kind", "domain"]).db(&db))
            .run()
    };
    find("beta.example").assert(
        0,
        has("beta.example is in beta   (by SELECT c.schema_name FROM public.customers_domain"),
        "",
    );
    find("none.example").assert(
        1,
        "",
        "shardq: error: domain \"none.example\" not found; no domain of this name is listed\n",
    );
    find("www.example").assert(
        1,
        "",
        "shardq: error: domain \"www.example\" not found; it is listed in schema \"public\", which \
         is no shard\n",
    );
    // Its schema does not exist.
    find("gone.example").assert(
        1,
        "",
        has_all([
            "shardq: warning: gone is listed by --schemas-from, but does not exist\n",
            "not found; it belongs in gone (",
        ]),
    );
    find("twice.example").assert(
        1,
        "",
        has("ERROR 21000: more than one row returned by a subquery used as an expression"),
    );
    let many = shardq(["find", "--from", "-"])
        .db(&db)
        .stdin("d\nbeta.example\nnone.example\nacme.example\n");
    profile.of(many).run().assert(
        3,
        "d,shard,expected,verified\nbeta.example,beta,beta,true\n\
         none.example,,,false\nacme.example,acme,acme,true\n",
        has("3 keys · 2 verified, 1 missing · 2/2 shards"),
    );
}

#[test]
fn a_lookup_is_verified_in_a_column_if_there_is_one() {
    let db = domains();
    db.sql("INSERT INTO acme.users VALUES ('beta.example')");
    let mut lines =
        "schemas = ['acme', 'beta']\n[live.keys.tenant]\nin = 'users.mail'\n".to_owned();
    let _ = write!(
        lines,
        "lookup = 'SELECT schema_name FROM public.customers_client JOIN public.customers_domain d \
         ON tenant_id = id WHERE d.domain = $1 -- by its domain'"
    );
    let profile = Profile::new(&lines);
    let find = |key| profile.of(shardq(["find", key]).db(&db)).run();
    find("beta.example").assert(
        3,
        has("MISPLACED: expected beta, found in acme\n"),
        has("2/2 shards searched"),
    );
    // It is not listed, so all shards are searched.
    find("none.example").assert(
        1,
        "",
        has("tenant \"none.example\" not found; no tenant of this name is listed\n"),
    );
}

#[test]
fn the_hash_of_a_type_that_we_do_not_know_is_an_error() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (k inet)");
    let profile = Profile::new("[live.keys.part]\nhash = 'postgres'\nin = 't.k'");
    let find = profile.of(shardq(["find", "10.0.0.1"]).db(&db));
    find.run().assert(
        1,
        "",
        "shardq: error: where a part belongs cannot be computed: the hash of pg_catalog.inet is \
         not known here; write it as sql = \"…\" with the key as $1\n",
    );
}

#[test]
fn a_kind_that_makes_no_sense_is_named_with_its_line() {
    for (lines, fault) in [
        (
            "hash = 'crc23'",
            "4: hash must be fnv1a64, crc32, murmur3, md5, postgres, postgres-partition or none",
        ),
        (
            "modulus = 4",
            "4: unknown key \"modulus\"; did you mean \"modulo\"?",
        ),
        (
            "in = 't.k'",
            "3: keys of kind \"k\": their shard must follow from hash, sql, lookup or id",
        ),
        (
            "hash = 'md5'\nsql = '$1'",
            "3: keys of kind \"k\": their shard must follow from only one of hash, sql, lookup and \
             id",
        ),
        (
            "hash = 'md5'",
            "3: keys of kind \"k\": add in = \"TABLE.COLUMN\", the column in which a key is \
             verified",
        ),
        (
            "lookup = 'SELECT $1'\nmodulo = 3",
            "3: keys of kind \"k\": modulo and offset do not go with lookup",
        ),
        ("modulo = 0", "4: modulo must be a whole number from 1"),
        (
            "sql = 'f(x)'",
            "4: keys of kind \"k\": SQL: it does not have the key, which is $1",
        ),
        (
            "in = 'k'",
            "4: keys of kind \"k\": in: expected TABLE.COLUMN as in SQL, e.g. origins.name or \
             \"My table\".\"Id\"",
        ),
        (
            "id = { shard = { bits = 40, shift = 30 } }",
            "4: keys of kind \"k\": an id has 63 bits, and a field from 1 to 32 of them",
        ),
        (
            "id = { shard = { bits = 4 } }",
            "4: shard must be a table of bits and shift",
        ),
        (
            "id = { sequence = { bits = 4, shift = 3 } }",
            "4: keys of kind \"k\": id must have shard = { bits = …, shift = … }",
        ),
    ] {
        let profile = Profile::new(&format!("[live.keys.k]\n{lines}"));
        let ran = profile.of(shardq(["find", "x"])).run();
        ran.assert(2, "", has(&format!(", line {fault}\n")));
    }
}
