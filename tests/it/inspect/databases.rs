//! `shardq databases`: all databases of the server, sharded or not.

use shardq::sandbox::Options;

use crate::support::{Db, has, has_all, private_server, shardq};

#[test]
fn every_database_is_listed_with_its_layout_or_why_not() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards([0, 1, 2, 4]);
    db.sql(
        "CREATE SCHEMA shard_007; CREATE ROLE reader LOGIN;
         CREATE DATABASE closed; CREATE DATABASE off; CREATE DATABASE tenants; CREATE DATABASE empty;
         REVOKE CONNECT ON DATABASE closed FROM PUBLIC;
         ALTER DATABASE off ALLOW_CONNECTIONS false",
    );
    db.psql_program(["-d", "tenants", "-c"])
        .args(["CREATE SCHEMA tenant_a; CREATE SCHEMA tenant_b; CREATE SCHEMA tenant_c"])
        .run()
        .assert(0, "", "");
    let ran = shardq(["databases", "-U", "reader", "--csv"]).db(&db).run();
    // Sizes vary.
    let lines = ran.stdout.lines().map(|line| {
        let fields: Vec<_> = line.split(',').collect();
        [&fields[..2], &fields[3..]].concat().join(",")
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    let here = db.name();
    let mut expected = vec![
        "closed,postgres,,,,,,\"FATAL:  permission denied for database \"\"closed\"\"\"".to_owned(),
        "database,owner,sharded,layout,shards,missing,look_alikes,reason".to_owned(),
        "empty,postgres,no,,,,,".to_owned(),
        format!("{here},postgres,yes,shard_{{n}},4,shard_3,shard_007,"),
        "off,postgres,,,,,,does not accept connections".to_owned(),
        "postgres,postgres,no,,,,,".to_owned(),
        "tenants,postgres,perhaps,tenant_{name},3,,,".to_owned(),
    ];
    expected.sort();
    assert_eq!(lines, expected, "{}", ran.stdout);
    assert_eq!(ran.status, 0);
    assert!(
        ran.stderr.starts_with("6 databases, 1 sharded · "),
        "{}",
        ran.stderr
    );

    // The layout is the user's.
    let args = ["databases", "--schemas", "tenant_{name}", "--json"];
    shardq(args).db(&db).run().assert(
        0,
        has_all([
            "{\"database\":\"tenants\",\"owner\":\"postgres\",\"size\":",
            ",\"sharded\":\"yes\",\"layout\":\"tenant_{name}\",\"shards\":3,\"missing\":null,",
        ]),
        has("6 databases, 1 sharded · "),
    );
}

#[test]
fn sizes_are_for_people_in_a_table() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    shardq(["databases"]).db(&db).run().assert(
        0,
        has_all([" MB |", "(2 rows)"]),
        has("2 databases, 0 sharded · "),
    );
    shardq(["databases", "-d", "nosuch"]).db(&db).run().assert(
        1,
        "",
        has_all([
            "database \"nosuch\" does not exist",
            "databases on this server",
        ]),
    );
}
