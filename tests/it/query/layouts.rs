//! Shards that have other names than `shard_N`.

use std::fs;

use shardq::sharding::layout::Layout;

use crate::support::{
    ANY, Db, export, folder, has, has_all, lose_a_part_and_resume, manifest, shardq, verify,
};

/// Tenants with names, one of them hostile, and schemas that are none.
fn tenants() -> Db {
    let db = Db::empty();
    for (n, name) in [
        "tenant_t10",
        "tenant_t2",
        "tenant_A'c/\\me",
        "tenant_a=\"b\"",
    ]
    .iter()
    .enumerate()
    {
        let schema = format!("\"{}\"", name.replace('"', "\"\""));
        db.sql(&format!(
            "CREATE SCHEMA {schema}; CREATE TABLE {schema}.t (n int); INSERT INTO {schema}.t VALUES ({n})"
        ));
    }
    db.sql(
        "CREATE SCHEMA tenants; CREATE TABLE tenants.t (n int); INSERT INTO tenants.t VALUES (99)",
    );
    db
}

const SCHEMAS: &str = "--schemas=tenant_{name}";

#[test]
fn tenants_are_shards_in_the_order_of_people() {
    let db = tenants();
    shardq(["query", SCHEMAS, "--csv", "SELECT n FROM t"])
        .db(&db)
        .run()
        .assert(
            0,
            "shard,n\ntenant_A'c/\\me,2\n\"tenant_a=\"\"b\"\"\",3\ntenant_t2,1\ntenant_t10,0\n",
            has("4 rows · 4/4 shards"),
        );
    shardq(["query", SCHEMAS, "-gtq", "SELECT sum(n), min(shard) FROM t"])
        .db(&db)
        .run()
        .assert(0, "   6 | tenant_A'c/\\me\n\n", "");
    let nobody = shardq(["query", "--schemas=nobody_*", "SELECT 1"])
        .db(&db)
        .run();
    nobody.assert(
        1,
        "",
        has_all([
            "no schema is named nobody_*",
            "4 schemas look like shards",
            "--schemas 'tenant_{name}'",
        ]),
    );
}

#[test]
fn a_name_with_commas_is_one_shard() {
    let db = Db::empty();
    for name in ["a,b", "a", "b", ","] {
        db.sql(&format!(
            "CREATE SCHEMA \"{name}\"; CREATE TABLE \"{name}\".t AS SELECT 1 AS n"
        ));
    }
    let layout = ["--schemas=*", "--exclude-schemas=public"];
    shardq(["query", "-gt", "--tsv", "SELECT sum(n) FROM t"])
        .args(layout)
        .db(&db)
        .run()
        .assert(0, "4\n", has("4/4 shards"));
}

#[test]
fn tenants_are_selected_by_name_label_and_pattern() {
    let db = tenants();
    let pick = |list: &str| {
        shardq([
            "query",
            SCHEMAS,
            "-q",
            "--csv",
            "-t",
            "SELECT n FROM t",
            "--shards",
            list,
        ])
        .db(&db)
        .run()
    };
    pick("tenant_t2").assert(0, "tenant_t2,1\n", "");
    pick("t2,t10").assert(0, "tenant_t2,1\ntenant_t10,0\n", "");
    pick("t*").assert(0, ANY, "");
    assert_eq!(pick("t?").stdout, "tenant_t2,1\n");
    pick("acme").assert(
        1,
        "",
        has("no such shard: acme; the shards are tenant_A'c/\\me, "),
    );
    pick("0-3").assert(1, "", has("shards have names here rather than numbers"));
    shardq([
        "query",
        SCHEMAS,
        "--exclude-schemas=tenant_t*",
        "--csv",
        "-tq",
        "SELECT n FROM t",
    ])
    .db(&db)
    .run()
    .assert(0, "tenant_A'c/\\me,2\n\"tenant_a=\"\"b\"\"\",3\n", "");
    let origin = shardq(["query", SCHEMAS, "--origin=core", "SELECT 1"])
        .db(&db)
        .run();
    origin.assert(1, "", has("shards have names here"));
    shardq(["find", SCHEMAS, "core"])
        .db(&db)
        .run()
        .assert(1, "", has("shards have names here"));
}

#[test]
fn padded_numbers_have_gaps_and_ranges() {
    let db = Db::empty();
    for n in [1, 2, 4] {
        db.sql(&format!(
            "CREATE SCHEMA schema{n:03}; CREATE TABLE schema{n:03}.t AS SELECT {n} AS n"
        ));
    }
    db.sql("CREATE SCHEMA schema0005");
    let all = shardq([
        "query",
        "--schemas=schema{n:3}",
        "--csv",
        "-t",
        "SELECT n FROM t",
    ]);
    let gap = [
        "warning: schema003 missing (gap in shard numbers)",
        "not queried, because shards are named schema{n:3}: schema0005",
    ];
    all.db(&db)
        .run()
        .assert(3, "schema001,1\nschema002,2\nschema004,4\n", has_all(gap));
    let pick = |list: &str| {
        shardq([
            "query",
            "--schemas=schema{n:3}",
            "-q",
            "--csv",
            "-t",
            "SELECT n FROM t",
            "--shards",
            list,
        ])
        .db(&db)
        .run()
    };
    pick("1-2,4").assert(0, "schema001,1\nschema002,2\nschema004,4\n", ANY);
    pick("schema002").assert(0, "schema002,2\n", ANY);
    pick("schema001-002").assert(0, "schema001,1\nschema002,2\n", ANY);
    pick("3").assert(
        1,
        "",
        has("no such shard: schema003; the shards are schema001-002, schema004"),
    );
    let both = shardq([
        "query",
        "--schemas=schema001",
        "--schemas=schema{n:4}",
        "--csv",
        "-tq",
        "SELECT 7",
    ]);
    both.db(&db)
        .run()
        .assert(0, "schema001,7\nschema0005,7\n", "");
}

#[test]
fn exports_keep_to_their_folder_and_remember_the_layout() {
    let db = tenants();
    let folder = folder();
    let all = folder.path().join("all.csv");
    export(&db, "SELECT n FROM t", &all)
        .args([SCHEMAS])
        .run()
        .assert(0, "", has("4/4 shards"));
    verify(&all).run().assert(0, "", has("4 rows · 4/4 shards"));
    assert_eq!(manifest(&all)["options"]["schemas"][0], "tenant_{name}");
    let rows = "shard,n\ntenant_A'c/\\me,2\n\"tenant_a=\"\"b\"\"\",3\ntenant_t2,1\ntenant_t10,0\n";
    assert_eq!(fs::read_to_string(&all).unwrap(), rows);

    let parts = folder.path().join("parts");
    let run = || export(&db, "SELECT n FROM t", &parts).args([SCHEMAS, "--per-shard"]);
    run().run().assert(0, "", has("4/4 shards"));
    let mut names: Vec<_> = fs::read_dir(&parts)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("shard="))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "shard=tenant_A%27c%2F%5Cme",
            "shard=tenant_a%3D%22b%22",
            "shard=tenant_t10",
            "shard=tenant_t2"
        ]
    );
    lose_a_part_and_resume(&parts, "tenant_t2", run);
}

/// The client decides by the pattern, and the server by a regular expression.
#[test]
fn the_server_takes_the_same_schemas_for_shards() {
    let db = Db::empty();
    let names = [
        "a", "a1", "a01", "a.b", "a.1", "A1", "a+1", "a1_eu", "a10_eu", "aé", "a\nb", "a\\d",
        "a{n}", "1",
    ];
    for name in names {
        db.sql(&format!("CREATE SCHEMA \"{name}\""));
    }
    for pattern in [
        "a{n}", "a{n:2}", "a{name}", "a*", "a.*", "a.{n}", "a+{n}", "a{n}_eu", "*", "{n}", "a\\d",
        "*é", "{name}1",
    ] {
        let run = shardq(["query", "-tq", "--tsv", "SELECT 1", "--schemas", pattern])
            .db(&db)
            .run();
        let layout: Layout = Layout::new(vec![pattern.parse().unwrap()], Vec::new());
        let all = names.into_iter().chain(["public"]);
        let shards = all.filter(|name| layout.shard(name).is_some()).count();
        assert_eq!(run.stdout.lines().count(), shards, "{pattern}: {run:?}");
        let sql = format!(
            "SELECT count(*) FROM pg_namespace WHERE nspname ~ '{}'",
            layout.regex()
        );
        assert_eq!(db.ask(&sql), shards.to_string(), "{pattern}");
    }
}

#[test]
fn a_pattern_that_makes_no_sense_is_a_usage_error() {
    for (pattern, why) in [
        ("", "must not be empty"),
        ("a{b}", "\"{b}\" is unknown in a pattern of schema names"),
        ("a{", "is not closed"),
        ("{n}_{n}", "one {n} only"),
    ] {
        shardq(["query", "SELECT 1", "--schemas", pattern])
            .run()
            .assert(2, "", has(why));
    }
}
