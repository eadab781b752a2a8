//! `shardq query -g`: summaries, and what is unsupported.

use crate::support::{Db, Program, Transcript, shardq};

fn db() -> Db {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TABLE t (id int PRIMARY KEY, name text, price real);
         INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 10) AS i;
         CREATE TABLE u (id int PRIMARY KEY, t_id int REFERENCES t);
         CREATE VIEW v AS SELECT id FROM t",
    );
    db
}

fn global<const N: usize>(db: &Db, args: [&str; N]) -> Program {
    shardq(["query", "-g"]).args(args).db(db)
}

#[test]
fn summaries() {
    let db = db();
    Transcript::of(&db)
        .run(global(&db, ["SELECT count(*), avg(id) FROM t"]))
        .run(global(&db, ["SELECT shard, id FROM t WHERE id = 1"]))
        .run(global(
            &db,
            ["SELECT count(*) FROM t", "--strategy", "one", "--csv"],
        ))
        .run(global(
            &db,
            ["SELECT count(*) FROM t", "--shards", "1-", "-x"],
        ))
        .run(global(&db, ["SELECT count(*) FROM t", "-q", "-t"]))
        .assert("global_summaries");
}

#[test]
fn unsupported() {
    let db = db();
    let statements = [
        "DELETE FROM t",
        "SELECT id FROM t FOR UPDATE",
        "SELECT id INTO x FROM t",
        "WITH d AS (DELETE FROM t RETURNING id) SELECT * FROM d",
        "WITH t AS (SELECT 1) SELECT * FROM t",
        "SELECT * FROM ONLY t",
        "SELECT * FROM t TABLESAMPLE system (1)",
        "SELECT ctid FROM t",
        "SELECT 't'::regclass",
        "SELECT to_regclass(name) FROM t",
        "SELECT current_setting(name) FROM t",
        "SELECT query_to_xml('SELECT * FROM t', true, true, '')",
        "SELECT query_to_xml(name, true, true, '') FROM t",
        "SELECT current_schema() FROM t",
        "SELECT pg_typeof(t) FROM t",
        "SELECT * FROM v",
        "SELECT shard FROM t, (SELECT 1 AS shard) AS x",
        "SELECT shard, count(*) FROM t NATURAL JOIN u GROUP BY 1",
        "SELECT id FROM t GROUP BY name",
        "SELECT * FROM nowhere",
        "SELECT NULL::t FROM t",
        "SELECT id FORM t",
    ];
    let all = statements
        .iter()
        .fold(Transcript::of(&db), |transcript, sql| {
            transcript.run(global(&db, [sql]))
        });
    all.run(global(
        &db,
        [
            "SELECT string_agg(name, ',') FROM t",
            "--strategy",
            "partial",
        ],
    ))
    .run(global(
        &db,
        ["SELECT random() FROM t", "--strategy", "partial"],
    ))
    .assert("global_unsupported");
}

#[test]
fn drift() {
    let db = db();
    db.in_shard(1, "ALTER TABLE t ALTER price TYPE numeric");
    db.in_shard(2, "ALTER TABLE t ADD weight int; DROP TABLE u");
    Transcript::of(&db)
        .run(global(&db, ["SELECT sum(price) FROM t"]))
        .run(global(&db, ["SELECT sum(weight) FROM t"]))
        .run(global(&db, ["SELECT * FROM t"]))
        .run(global(&db, ["SELECT count(*) FROM u"]))
        .run(global(&db, ["SELECT count(*) FROM u", "--skip-missing"]))
        .run(global(&db, ["SELECT count(*) FROM u", "--shards", "2"]))
        .assert("global_drift");
}

#[test]
fn failures_while_it_runs() {
    let db = db();
    Transcript::of(&db)
        .run(global(&db, ["SELECT sum(1 / (id - 3)) FROM t"]))
        .run(global(
            &db,
            ["SELECT sum(1 / (id - 3)) FROM t", "--strategy", "one"],
        ))
        .run(global(&db, ["SELECT 1 / (count(*) - 30) FROM t"]))
        .assert("global_failures");
}
