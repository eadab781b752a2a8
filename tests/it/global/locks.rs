//! A single statement over all shards locks all their tables at once.

use shardq::sandbox::Options;

use crate::support::{Db, has, has_all, private_server, shardq};

/// A thousand shards with a table and an index each.
fn thousand(db: &Db) {
    for part in 0..4 {
        db.create_shards(part * 256..(part + 1) * 256);
    }
    db.in_each_shard("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES ({n})");
}

const ONE: [&str; 8] = [
    "query",
    "-g",
    "--strategy",
    "one",
    "-t",
    "--csv",
    "SELECT count(*), sum(id) FROM t",
    "--quiet",
];

/// `max_locks_per_transaction` is 64, `max_connections` 100: room for 6,400 locks.
#[test]
fn a_thousand_shards_are_within_a_servers_own_settings() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    thousand(&db);
    shardq(ONE).db(&db).run().assert(0, "1024,523776\n", "");
    shardq(["query", "-g", "-t", "--csv", ONE[6]])
        .db(&db)
        .run()
        .assert(0, "1024,523776\n", has("1024/1024 shards"));
}

#[test]
fn a_server_with_room_for_fewer_locks_says_which_setting() {
    let few = [
        ("max_locks_per_transaction", "10"),
        ("max_connections", "10"),
    ];
    let server = private_server(Options {
        settings: few.map(|(name, value)| (name.into(), value.into())).into(),
        ..Options::default()
    });
    let db = Db::on(&server);
    thousand(&db);
    shardq(ONE).db(&db).run().assert(
        1,
        "",
        has_all([
            "53200",
            "a global query locks every table and index that it reads",
            "raise max_locks_per_transaction",
        ]),
    );
    // Querying shard by shard needs few locks at a time.
    shardq([
        "query",
        "-q",
        "-t",
        "--csv",
        "--shards",
        "1000-",
        "SELECT id FROM t WHERE id = 1007",
    ])
    .db(&db)
    .run()
    .assert(0, "shard_1007,1007\n", "");
}
