//! `shardq doctor`: what keeps a query from a good answer, and what to do about it.

use shardq::sandbox::Options;

use crate::support::{Db, PgBouncer, Program, has, has_all, private_server, shardq};

fn doctor<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    shardq(["doctor"]).args(args).db(db)
}

/// The status and the message of a check.
fn check(db: &Db, args: &[&str], check: &str) -> (String, String) {
    let ran = doctor(db, ["--csv"]).args(args).run();
    let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
    let records = reader.records().map(|record| record.unwrap());
    let found = records.into_iter().find(|record| &record[0] == check);
    let found = found.unwrap_or_else(|| panic!("{check}: {ran:?}"));
    (found[1].to_owned(), found[2].to_owned())
}

#[test]
fn a_healthy_database_has_no_warning() {
    let server = private_server(Options::default());
    let db = Db::on(&server);
    db.create_shards(0..3);
    db.in_each_shard("CREATE TABLE t (n int); INSERT INTO t VALUES (1); ANALYZE t");
    db.sql("CREATE ROLE reader LOGIN");
    let ran = doctor(&db, ["-U", "reader"]).run();
    ran.assert(
        0,
        has_all([
            "ok       version            PostgreSQL ",
            "ok       encryption         a local socket\n",
            "ok       authentication     by the local socket (peer or trust)\n",
            "ok       drift              all shards have the same schema\n",
            "ok       role               reader may not write any table of a shard\n",
            "ok       shards             3: shard_0-2\n",
            "ok       statistics         every table was analyzed\n",
            "ok       sequences          none has used four fifths of its numbers\n",
        ]),
        has("0 failures, 0 warnings, 17 ok · "),
    );
    assert!(!ran.stdout.contains("warning"), "{}", ran.stdout);
}

#[test]
fn each_fault_of_the_shards_is_named_with_what_to_do() {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1); ANALYZE t;
         CREATE SEQUENCE s AS smallint",
    );
    db.in_shard(1, "CREATE TABLE new (n int); SELECT setval('s', 30000)");
    // It fails, and leaves an index behind.
    let index = "CREATE UNIQUE INDEX CONCURRENTLY \"I\" ON shard_2.t (n)";
    db.psql_program(["-c", index])
        .run()
        .assert(1, "", has("could not create unique index"));
    db.sql("DROP SCHEMA shard_0 CASCADE; CREATE SCHEMA shard_007; CREATE SCHEMA shard_4");
    let ran = doctor(&db, []).run();
    ran.assert(
        0,
        has_all([
            "warning  shards             3: shard_1-2, shard_4; missing: shard_3; not taken for \
             shards: shard_007\n",
            "warning  statistics         1 table was never analyzed, in shard_1: ",
            "warning  indexes            1 invalid: ",
            "REINDEX INDEX CONCURRENTLY \"shard_2\".\"I\"\n",
            "warning  sequences          1 nearly used up, at most to 91.6 %\n",
            "warning  role               postgres is a superuser: ",
        ]),
        has("0 failures, "),
    );
    db.in_shard(1, "SELECT setval('s', 32000)");
    let (status, message) = check(&db, &[], "sequences");
    assert_eq!(status, "failure", "{message}");
    doctor(&db, ["-q"])
        .run()
        .assert(1, has("failure  sequences"), "");
}

#[test]
fn without_shards_it_names_the_layout_that_the_schemas_suggest() {
    let db = Db::empty();
    db.sql("CREATE SCHEMA t_1; CREATE SCHEMA t_2; CREATE SCHEMA t_3");
    doctor(&db, []).run().assert(
        1,
        has_all([
            "failure  shards             none: no schema is named shard_0, shard_1, …\n",
            "--schemas 't_{n}'  (3 schemas)\n",
        ]),
        has("1 failure, "),
    );
    let (status, _) = check(&db, &["--schemas", "t_{n}"], "shards");
    assert_eq!(status, "ok");
}

#[test]
fn the_server_is_checked_too() {
    let server = private_server(Options {
        settings: vec![
            ("max_connections".into(), "8".into()),
            ("max_locks_per_transaction".into(), "10".into()),
            ("wal_level".into(), "replica".into()),
        ],
        ..Options::default()
    });
    let db = Db::on(&server);
    db.create_shards(0..30);
    db.in_each_shard("CREATE TABLE t (n int PRIMARY KEY)");
    db.sql("SELECT pg_create_physical_replication_slot('unread')");
    let sessions: Vec<_> = (0..3)
        .map(|_| {
            let mut session = db.session();
            session.run("SELECT 1");
            session
        })
        .collect();
    doctor(&db, []).run().assert(
        0,
        has_all([
            "warning  connections        ",
            " of 8 in use, 3 reserved: 1 free\n",
            "warning  locks              a global query takes up to 60 of 80 locks\n",
            "ALTER SYSTEM SET max_locks_per_transaction = 20  -- then restart\n",
            "warning  replication slots  1 without a reader, for which ",
            "SELECT pg_drop_replication_slot('unread')\n",
        ]),
        has("0 failures, "),
    );
    drop(sessions);
}

#[test]
fn a_locked_sequence_is_not_waited_for() {
    let db = Db::with_shards(1);
    db.in_shard(0, "CREATE SEQUENCE s; SELECT nextval('s')");
    let mut holder = db.session();
    holder.run("BEGIN; ALTER SEQUENCE shard_0.s RESTART");
    let (status, message) = check(&db, &[], "sequences");
    assert_eq!(status, "warning");
    assert!(message.starts_with("not checked: "), "{message}");
}

#[test]
fn a_pooler_and_its_mode_are_recognized() {
    let db = Db::with_shards(2);
    let Some(pooler) = PgBouncer::in_front_of(&db, 2) else {
        return;
    };
    let ran = pooler.lead(shardq(["doctor"]), &db).run();
    ran.assert(
        0,
        has("one is in between, in transaction mode; "),
        has("0 failures"),
    );
}
