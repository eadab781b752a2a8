//! `shardq tables` and `shardq describe`: what is in the shards, table by table.

use crate::support::{ANY, Db, Ran, has, has_all, shardq};

fn run<const N: usize>(db: &Db, args: [&str; N]) -> Ran {
    shardq(args).db(db).run()
}

/// `t` is ten times as large in `shard_2`, and `u` is not in `shard_3`.
fn skewed() -> Db {
    let db = Db::with_shards(4);
    db.in_each_shard(
        "CREATE TABLE t (id int PRIMARY KEY, x name);
         INSERT INTO t SELECT i, 'x' FROM generate_series(1, 100) AS i;
         CREATE TABLE u (n int); CREATE TABLE \"Empty\" (n int)",
    );
    db.in_shard(
        2,
        "INSERT INTO t SELECT i, 'x' FROM generate_series(101, 1000) AS i",
    );
    db.in_shard(3, "DROP TABLE u");
    db.in_each_shard("ANALYZE");
    db
}

#[test]
fn every_table_is_counted_over_all_shards() {
    let db = skewed();
    let bytes = db.ask(
        "SELECT sum(relpages) * 8192 FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
         WHERE nspname ~ '^shard_' AND relname IN ('t', 't_pkey')",
    );
    let largest = db.ask(
        "SELECT round(1.0 * max(p) FILTER (WHERE nspname = 'shard_2') / max(p) FILTER (WHERE nspname = 'shard_0'), 1) \
         FROM (SELECT nspname, sum(relpages) AS p FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
               WHERE relname IN ('t', 't_pkey') GROUP BY 1) AS t",
    );
    run(&db, ["tables", "--csv"]).assert(
        0,
        format!(
            "table,kind,shards,rows,size,largest,skew,drift\n\
             Empty,table,4,0,0,,,none\n\
             t,table,4,1300,{bytes},shard_2,{largest},none\n\
             u,table,3,0,0,,,missing\n"
        )
        .as_str(),
        has_all([
            "shardq: warning: 7 of 11 tables in the shards are empty or were never analyzed",
            "3 tables, about 1,300 rows, ",
            " · 4/4 shards · one snapshot",
        ]),
    );
    let sorted = run(&db, ["tables", "--json", "--sort", "size", "--no-drift"]);
    sorted.assert(
        0,
        has(&format!(
            "[\n{{\"table\":\"t\",\"kind\":\"table\",\"shards\":4,\"rows\":1300,\"size\":{bytes},"
        )),
        ANY,
    );
    assert!(!sorted.stdout.contains("drift"), "{sorted:?}");
    run(&db, ["tables"]).assert(0, has_all([" rows  ", "1,300", " kB ", "missing"]), ANY);
}

#[test]
fn a_table_is_described_as_all_shards_have_it() {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TABLE origins (id bigint PRIMARY KEY, name text NOT NULL, \"a\"\"b\" int);
         CREATE INDEX by_name ON origins (name);
         CREATE TABLE packages (origin bigint REFERENCES origins (id) ON DELETE CASCADE);
         COMMENT ON COLUMN origins.name IS 'x'",
    );
    let described = run(&db, ["describe", "Origins", "--csv"]);
    described.assert(
        0,
        "kind,name,definition,shards\n\
         table,origins,\"\",shard_0-2\n\
         column,id,bigint NOT NULL,shard_0-2\n\
         column,name,text NOT NULL,shard_0-2\n\
         column,\"a\"\"b\",integer,shard_0-2\n\
         constraint,origins_pkey,PRIMARY KEY (id),shard_0-2\n\
         index,by_name,CREATE INDEX by_name ON origins USING btree (name),shard_0-2\n\
         owner,origins,postgres,shard_0-2\n\
         privileges,origins,owner=DELETE/INSERT/REFERENCES/SELECT/TRIGGER/TRUNCATE/UPDATE,shard_0-2\n\
         comment on column,name,x,shard_0-2\n\
         referenced by,packages.packages_origin_fkey,FOREIGN KEY (origin) REFERENCES origins(id) \
         ON DELETE CASCADE,shard_0-2\n",
        has("alike in all shards · 3/3 shards · one snapshot"),
    );
    db.in_shard(
        1,
        "DROP INDEX by_name; ALTER TABLE origins ALTER name TYPE varchar(9)",
    );
    run(&db, ["describe", "origins"]).assert(
        0,
        has_all([
            "| all 3\n",
            " column            | name                          | text NOT NULL ",
            "shard_0, shard_2\n column            | name                          | character varying(9) NOT NULL ",
            "| (missing) ",
        ]),
        has("differs in 1 shard · 3/3 shards"),
    );
    run(&db, ["describe", "nothing"]).assert(
        1,
        "",
        "shardq: error: no selected shard has a table \"nothing\"\n",
    );
    run(&db, ["describe", "orgins"]).assert(
        1,
        "",
        "shardq: error: no selected shard has a table \"orgins\"\n\
         shardq: hint: did you mean \"origins\"? all 3 shards have it\n",
    );
}

#[test]
fn a_locked_table_is_not_described() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (n int)");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_1.t IN ACCESS EXCLUSIVE MODE");
    run(&db, ["describe", "t", "--csv"]).assert(
        3,
        has_all(["locked,t,locked by process ", "column,n,integer,shard_0\n"]),
        has("1/2 shards, missing: shard_1"),
    );
    run(&db, ["tables", "--csv"]).assert(0, has("t,table,2,0,0,,,not read\n"), has("2/2 shards"));
}
