//! `shardq find`: where a key is, and where it is not.

use shardq::sandbox::Options;

use crate::support::{Db, Program, Transcript, insert, private_server, shardq, with_origins};

fn find<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    shardq(["find"]).args(args).db(db)
}

#[test]
fn keys() {
    let db = Db::with_sample(4);
    let command = "shardq find core --kind account";
    // Databases of other tests would be suggested.
    let server = private_server(Options::default());
    let elsewhere = Db::on(&server);
    elsewhere.create_shards(0..2);
    let no_table = find(&elsewhere, ["core", "--kind", "account"]).run();
    Transcript::of(&db)
        .run(find(&db, ["core"]))
        .run(find(&db, ["core", "--short"]))
        .run(find(&db, ["core", "--json"]))
        .run(find(&db, ["721096797631602718"]))
        .run(find(&db, ["coer"]))
        .run(find(&db, ["721096797631602719"]))
        .run(find(&db, ["7", "--json"]))
        .run(find(&db, ["7"]))
        .with(command, &no_table)
        .run(shardq([
            "find",
            "core",
            "--no-verify",
            "--shard-count",
            "128",
        ]))
        .run(shardq(["find", "721096797631602718", "--no-verify"]))
        .assert("find_keys");
}

#[test]
fn misplaced() {
    let db = with_origins(4);
    insert(&db, 1, 5, "core");
    insert(&db, 3, 9, "core");
    Transcript::of(&db)
        .run(find(&db, ["core"]))
        .run(find(&db, ["core", "--short"]))
        .assert("find_misplaced");
}

#[test]
fn incomplete() {
    let db = with_origins(4);
    insert(&db, 1, 5, "core");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_3.origins");
    let locked = ["core", "--lock-timeout", "10ms"];
    let other_is_locked = find(&db, locked).run();
    let none = find(&db, ["redis", "--lock-timeout", "10ms"]).run();
    migration.run("LOCK TABLE shard_2.origins");
    let locked = find(&db, locked).run();
    migration.run("ROLLBACK");
    db.in_shard(0, "DROP TABLE origins");
    let core = "shardq find core --lock-timeout 10ms";
    Transcript::of(&db)
        .with(core, &other_is_locked)
        .with("shardq find redis --lock-timeout 10ms", &none)
        .with(core, &locked)
        .run(find(&db, ["core"]))
        .run(find(&db, ["core", "--shard-count", "8"]))
        .assert("find_incomplete");
}
