//! `shardq find --in TABLE.COLUMN`: a key whose shard cannot be computed.

use super::with_citext;
use crate::support::{Db, eventually, has, has_all, insert, shardq, with_origins};

const WHY: &str = "(searched for: --in computes no shard)";

/// One table per type, with 5,000 rows and an index on the key `k`; the value that is there is the
/// last of each.
const TYPES: [(&str, &str, &str); 9] = [
    ("text", "n::text", "4999"),
    ("varchar(9)", "n::text", "4999"),
    ("char(9)", "n::text", "4999"),
    ("bigint", "n", "4999"),
    ("numeric", "n", "4999.0"),
    (
        "uuid",
        "lpad(n::text, 32, '0')::uuid",
        "00000000-0000-0000-0000-000000004999",
    ),
    ("bytea", "n::text::bytea", "\\x34393939"),
    ("timestamptz", "to_timestamp(n)", "1970-01-01 01:23:19+00"),
    ("short", "n::text", "4999"),
];

#[test]
fn the_index_of_any_type_serves() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE DOMAIN short AS varchar(9)");
    for (i, (name, expression, _)) in TYPES.iter().enumerate() {
        db.in_each_shard(&format!(
            "CREATE TABLE t{i} (k {name});
             CREATE INDEX ON t{i} (k)"
        ));
        db.in_shard(
            1,
            &format!(
                "INSERT INTO t{i} SELECT {expression} FROM generate_series(0, 4999) AS n;
                 ANALYZE t{i}"
            ),
        );
    }
    for (i, (_, _, key)) in TYPES.iter().enumerate() {
        let found = format!("{key} is in shard_1   {WHY}\nshard_1: in t{i}.k\n");
        shardq(["find", key, "--in", &format!("t{i}.k")])
            .db(&db)
            .run()
            .assert(0, &found, has("2/2 shards searched · one snapshot · "));
    }
    let scans = "SELECT count(*) FROM pg_stat_user_indexes
                 WHERE schemaname = 'shard_1' AND idx_scan = 1";
    eventually("every index was read", || {
        db.ask(scans) == TYPES.len().to_string()
    });
}

#[test]
fn an_enum_is_that_of_each_shard() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('sad', 'happy');
         CREATE TABLE people (mood mood);
         INSERT INTO people VALUES ('sad')",
    );
    db.in_shard(1, "INSERT INTO people VALUES ('happy')");
    let find = |mood| shardq(["find", mood, "--in", "people.mood"]).db(&db).run();
    find("happy").assert(0, has("\nshard_1: in people.mood\n"), has("2/2"));
    // Each shard's message names its own type; one is enough.
    find("merry").assert(
        1,
        "",
        "shardq: error: \"merry\" cannot be compared with people.mood: \
         ERROR 22P02: invalid input value for enum shard_0.mood: \"merry\"\n",
    );
}

#[test]
fn citext_compares_by_its_own_operator_wherever_that_is() {
    let Some(db) = with_citext() else {
        return;
    };
    shardq(["find", "ada@example.COM", "--in", "users.email"])
        .db(&db)
        .run()
        .assert(0, has("\nshard_1: in users.email\n"), has("2/2"));
}

#[test]
fn an_operator_that_the_search_path_finds_is_not_used() {
    let db = with_origins(2);
    insert(&db, 1, 5, "core");
    db.sql(
        "CREATE FUNCTION public.evil(text, text) RETURNS boolean LANGUAGE plpgsql
         AS 'BEGIN RAISE ''evil''; END';
         CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.evil)",
    );
    shardq(["find", "core", "--in", "origins.name"])
        .env("PGOPTIONS", "-c search_path=public,pg_catalog")
        .db(&db)
        .run()
        .assert(0, has("\nshard_1: in origins.name\n"), has("2/2"));
}

#[test]
fn shards_may_have_names() {
    let db = Db::empty();
    db.sql(
        "CREATE SCHEMA tenant_acme; CREATE SCHEMA tenant_beta; CREATE SCHEMA tenant_chef;
         CREATE TABLE tenant_acme.users (email text);
         CREATE TABLE tenant_beta.users (email text);
         CREATE TABLE tenant_chef.users (email text);
         INSERT INTO tenant_acme.users VALUES ('ada');
         INSERT INTO tenant_chef.users VALUES ('ada'), ('ada')",
    );
    let find = |flags: &[&str]| {
        let find = shardq(["find", "ada", "--in", "users.email"]).args(flags);
        find.args(["--schemas", "tenant_{name}"]).db(&db).run()
    };
    find(&[]).assert(
        0,
        &format!(
            "ada is in tenant_acme, tenant_chef   {WHY}\n\
             tenant_acme: in users.email\n\
             tenant_chef: in users.email (2 rows)\n"
        ),
        has("3/3 shards searched"),
    );
    find(&["--short", "-q"]).assert(0, "tenant_acme\ntenant_chef\n", "");
    find(&["--exclude-shards", "acme"]).assert(
        0,
        has("ada is in tenant_chef "),
        has("2/2 shards searched"),
    );
    find(&["--shards", "beta"]).assert(
        1,
        "",
        has_all([
            "shardq: error: users.email \"ada\" not found; --in computes no shard\n",
            "\n1/1 shards searched",
        ]),
    );
    find(&["--shards", "beta", "--json", "-q"]).assert(
        1,
        has_all(["\"status\":\"not_found\"", "\"found\":[]"]),
        has("not found"),
    );
    find(&["--having-table", "orders"]).assert(1, "", has("no selected shard has a table"));
}

#[test]
fn json_has_the_column_and_the_number_of_rows() {
    let db = with_origins(4);
    insert(&db, 3, 5, "core");
    shardq(["find", "core", "--json", "-q", "--in", "ORIGINS.Name"])
        .db(&db)
        .run()
        .assert(
            0,
            "{\"found\":[{\"column\":\"name\",\"rows\":1,\"shard\":\"shard_3\",\
             \"table\":\"origins\"}],\"key\":\"core\",\"kind\":\"origins.name\",\
             \"rule\":\"--in computes no shard\",\
             \"searched\":{\"answered\":4,\"expected\":4},\
             \"shard\":null,\"status\":\"found\"}\n",
            "",
        );
}

#[test]
fn names_are_quoted_as_in_sql_and_the_key_is_data() {
    let db = Db::with_shards(2);
    db.in_each_shard(r#"CREATE TABLE "My ""table"".x" ("Id {key}" text)"#);
    let keys = [
        "it's",
        r"back\slash\'",
        "$1",
        "{label}",
        "'; DROP SCHEMA shard_0 CASCADE; --",
    ];
    for key in keys {
        let quoted = key.replace('\'', "''");
        db.in_shard(
            1,
            &format!(r#"INSERT INTO "My ""table"".x" VALUES ('{quoted}')"#),
        );
        shardq(["find", key, "--in", r#""My ""table"".x"."Id {key}""#])
            .db(&db)
            .run()
            .assert(
                0,
                has("\nshard_1: in \"My \"\"table\"\".x\".\"Id {key}\"\n"),
                has("2/2"),
            );
    }
    let usage = |column, message| {
        let ran = shardq(["find", "x", "--in", column]).run();
        ran.assert(2, "", has(message));
    };
    usage(
        "public.t.c",
        "leave out the schema, which differs between shards: t.c",
    );
    usage("t", "expected TABLE.COLUMN as in SQL");
}

#[test]
fn a_value_that_is_not_of_the_type_is_one_error() {
    let db = with_origins(4);
    let find = |key, column| shardq(["find", key, "--in", column]).db(&db).run();
    find("core", "origins.id").assert(
        1,
        "",
        "shardq: error: \"core\" cannot be compared with origins.id: \
         ERROR 22P02: invalid input syntax for type bigint: \"core\"\n",
    );
    find("9223372036854775808", "origins.id").assert(
        1,
        "",
        has("ERROR 22003: value \"9223372036854775808\" is out of range for type bigint\n"),
    );
    db.in_each_shard("CREATE TABLE documents (body json)");
    find("{}", "documents.body").assert(
        1,
        "",
        has("\"{}\" cannot be compared with documents.body: ERROR 42883: operator does not exist"),
    );
}

#[test]
fn a_shard_without_the_column_has_not_answered() {
    let db = with_origins(4);
    insert(&db, 1, 5, "core");
    db.in_shard(2, "ALTER TABLE origins DROP COLUMN name");
    db.in_shard(3, "DROP TABLE origins");
    let find = |key| {
        let find = shardq(["find", key, "--in", "origins.name"]);
        find.db(&db).run()
    };
    let missing = [
        "shardq: warning: no table \"origins\" with a column \"name\" in shard_2-3\n",
        "2/4 shards searched, missing: shard_2-3 · ",
    ];
    find("core").assert(3, has("core is in shard_1 "), has_all(missing));
    find("redis").assert(3, "", has("not found in the searched shards"));
    find("redis").assert(3, "", has_all(missing));
    // A shard that does not exist may have it too.
    db.sql("DROP SCHEMA shard_2 CASCADE; DROP SCHEMA shard_3 CASCADE");
    db.create_shards([3]);
    db.in_shard(3, "CREATE TABLE origins (name text)");
    find("redis").assert(3, "", has("3/4 shards searched, missing: shard_2 · "));
}

#[test]
fn a_column_that_no_shard_has_is_an_error() {
    let db = with_origins(2);
    shardq(["find", "core", "--in", "origins.nmae"])
        .db(&db)
        .run()
        .assert(
            1,
            "",
            "shardq: error: no selected shard has a table \"origins\" with a column \"nmae\"\n",
        );
}

#[test]
fn locks_and_missing_grants_cost_no_other_shard() {
    let db = with_origins(4);
    insert(&db, 1, 5, "core");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_3.origins");
    let flags = ["--lock-timeout", "10ms", "--in", "origins.name"];
    let find = || shardq(["find", "core"]).args(flags).db(&db);
    find().run().assert(
        3,
        has("core is in shard_1 "),
        has_all([
            "shardq: error: shard_3: ERROR 55P03: canceling statement due to lock timeout\n",
            "3/4 shards searched, missing: shard_3 · ",
        ]),
    );
    migration.run("ROLLBACK");
    let role = format!("in_column_{}", db.name());
    let role = &role[..role.len().min(60)];
    db.sql(&format!("CREATE ROLE \"{role}\" LOGIN"));
    db.in_each_shard(&format!("GRANT USAGE ON SCHEMA shard_{{n}} TO \"{role}\""));
    db.in_shard(1, &format!("GRANT SELECT (name) ON origins TO \"{role}\""));
    find().args(["-U", role]).run().assert(
        3,
        has("core is in shard_1 "),
        has_all([
            "shardq: error: shard_0, shard_2-3 (3 shards): ERROR 42501: permission denied",
            "1/4 shards searched",
        ]),
    );
}

#[test]
fn a_rewritten_table_makes_it_retry() {
    let db = with_origins(2);
    insert(&db, 1, 5, "core");
    assert_retries(
        &db,
        "TRUNCATE shard_1.origins; INSERT INTO shard_1.origins VALUES (6, 'core')",
    );
}

#[test]
fn a_detached_partition_makes_it_retry() {
    let db = with_origins(2);
    db.in_shard(
        1,
        "DROP TABLE origins;
         CREATE TABLE origins (id int, name text) PARTITION BY RANGE (id);
         CREATE TABLE low PARTITION OF origins FOR VALUES FROM (0) TO (10);
         CREATE TABLE high PARTITION OF origins FOR VALUES FROM (10) TO (20);
         INSERT INTO origins VALUES (15, 'core')",
    );
    assert_retries(
        &db,
        "ALTER TABLE shard_1.origins DETACH PARTITION shard_1.high;
         INSERT INTO shard_1.origins VALUES (5, 'core')",
    );
}

/// A migration that commits after the snapshot and before the search.
#[track_caller]
fn assert_retries(db: &Db, sql: &str) {
    let mut migration = db.session();
    migration.run(&format!("BEGIN; {sql}"));
    let find = [
        "find",
        "core",
        "--in",
        "origins.name",
        "--lock-timeout",
        "0",
    ];
    let run = shardq(find).db(db).spawn();
    db.until_waiting("Lock", 1);
    migration.run("COMMIT");
    run.finish().assert(
        0,
        has("shard_1: in origins.name\n"),
        has("was rewritten, renamed or created after the snapshot was taken\nretrying"),
    );
}

#[test]
fn flags_of_computed_keys_conflict() {
    for flag in [
        &["--kind", "id"][..],
        &["--no-verify"],
        &["--shard-count", "4"],
    ] {
        let ran = shardq(["find", "core", "--in", "origins.name"]).args(flag);
        ran.run().assert(2, "", has("cannot be used with"));
    }
}
