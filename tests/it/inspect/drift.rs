//! `shardq drift`: every kind of difference is found, and equal shards have none.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Db, Ran, has, has_all, shardq};

/// One of everything, in each shard. The function names its shard in a string.
pub const SCHEMA: &str = "
    CREATE TYPE mood AS ENUM ('ok', 'bad');
    CREATE DOMAIN positive AS int CHECK (value > 0);
    CREATE TABLE origins (
        id bigserial PRIMARY KEY, name text NOT NULL, m mood DEFAULT 'ok', p positive,
        size int DEFAULT 0, CONSTRAINT sized CHECK (size >= 0));
    CREATE TABLE packages (id int PRIMARY KEY, origin bigint REFERENCES origins (id));
    CREATE INDEX by_name ON origins (lower(name)) WHERE m = 'ok';
    CREATE VIEW okay AS SELECT o.id, o.name FROM origins o WHERE o.m = 'ok';
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql
        AS $$BEGIN PERFORM pg_notify('shard_{n}', 'x'); RETURN new; END$$;
    CREATE TRIGGER touched BEFORE UPDATE ON origins FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE RULE kept AS ON DELETE TO packages DO INSTEAD NOTHING;
    ALTER TABLE packages ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON packages USING (id > 0);
    CREATE STATISTICS st (dependencies) ON id, name FROM origins;
    COMMENT ON TABLE origins IS 'of packages';
    COMMENT ON COLUMN origins.name IS 'as people write it';
    GRANT SELECT ON origins TO public;
    ALTER DEFAULT PRIVILEGES IN SCHEMA shard_{n} GRANT SELECT ON TABLES TO public";

pub fn drift<const N: usize>(db: &Db, more: [&str; N]) -> Ran {
    shardq(["drift"]).args(more).db(db).run()
}

/// The rows of `--jsonl` as `kind object: has | expected`, where - is nothing, behind the shards.
fn rows(ran: &Ran) -> Vec<(String, String)> {
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap_or("-").trim_end().to_owned();
        let [kind, object, has, expected] = ["kind", "object", "has", "expected"].map(text);
        (
            text("shards"),
            format!("{kind} {object}: {has} | {expected}"),
        )
    };
    ran.stdout.lines().map(row).collect()
}

#[test]
fn equal_shards_have_no_drift() {
    let db = Db::with_shards(3);
    db.in_each_shard(SCHEMA);
    drift(&db, ["--csv"]).assert(
        0,
        "shards,kind,object,has,expected\n",
        has("no drift · 3/3 shards · one snapshot"),
    );
}

/// A fault, and the rows that it makes.
const FAULTS: [(&str, &[&str]); 28] = [
    ("CREATE TABLE more (n int)", &["table more:  | -"]),
    ("DROP TABLE packages", &["table packages: - | ROW LEVEL SECURITY"]),
    (
        "ALTER TABLE packages SET (fillfactor = 70)",
        &["table packages: ROW LEVEL SECURITY WITH (fillfactor=70) | ROW LEVEL SECURITY"],
    ),
    ("ALTER TABLE origins ADD more int", &["column origins.more: integer | -"]),
    (
        "ALTER TABLE origins DROP size",
        &[
            "column origins.size: - | integer DEFAULT 0",
            "constraint origins.sized: - | CHECK ((size >= 0))",
        ],
    ),
    (
        "ALTER TABLE origins ALTER size TYPE bigint",
        &["column origins.size: bigint DEFAULT 0 | integer DEFAULT 0"],
    ),
    (
        "ALTER TABLE origins ALTER name DROP NOT NULL",
        &["column origins.name: text | text NOT NULL"],
    ),
    (
        "ALTER TABLE origins ALTER size SET DEFAULT 1",
        &["column origins.size: integer DEFAULT 1 | integer DEFAULT 0"],
    ),
    (
        "ALTER TABLE packages DROP origin; ALTER TABLE packages ADD origin bigint REFERENCES origins (id);
         ALTER TABLE packages DROP id; ALTER TABLE packages ADD id int PRIMARY KEY",
        &[
            "column order packages: origin, id | id, origin",
            "policy packages.own: - | PERMISSIVE FOR ALL TO PUBLIC USING ((id > 0))",
        ],
    ),
    (
        "ALTER TABLE packages DROP CONSTRAINT packages_origin_fkey",
        &["constraint packages.packages_origin_fkey: - | FOREIGN KEY (origin) REFERENCES origins(id)"],
    ),
    (
        "ALTER TABLE origins DROP CONSTRAINT sized, ADD CONSTRAINT sized CHECK (size > 0)",
        &["constraint origins.sized: CHECK ((size > 0)) | CHECK ((size >= 0))"],
    ),
    (
        "DROP INDEX by_name",
        &["index origins.by_name: - | CREATE INDEX by_name ON origins USING btree (lower(name)) \
           WHERE (m = 'ok'::mood)"],
    ),
    (
        "ALTER TABLE origins DISABLE TRIGGER touched",
        &["trigger origins.touched: CREATE TRIGGER touched BEFORE UPDATE ON origins FOR EACH ROW \
           EXECUTE FUNCTION touch() (disabled) | CREATE TRIGGER touched BEFORE UPDATE ON origins \
           FOR EACH ROW EXECUTE FUNCTION touch()"],
    ),
    (
        "DROP RULE kept ON packages",
        &["rule packages.kept: - | CREATE RULE kept AS\n    ON DELETE TO packages DO INSTEAD NOTHING;"],
    ),
    (
        "ALTER POLICY own ON packages USING (id > 1)",
        &["policy packages.own: PERMISSIVE FOR ALL TO PUBLIC USING ((id > 1)) | \
           PERMISSIVE FOR ALL TO PUBLIC USING ((id > 0))"],
    ),
    ("ALTER TYPE mood ADD VALUE 'odd'", &["enum mood: 'ok', 'bad', 'odd' | 'ok', 'bad'"]),
    ("ALTER DOMAIN positive SET NOT NULL", &["domain positive: integer NOT NULL | integer"]),
    (
        "CREATE OR REPLACE VIEW okay AS SELECT o.id, o.name FROM origins o",
        &["view okay: AS\n SELECT o.id,\n    o.name\n   FROM origins o; | \
           AS\n SELECT o.id,\n    o.name\n   FROM origins o\n  WHERE (o.m = 'ok'::mood);"],
    ),
    (
        "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        &["function touch(): CREATE OR REPLACE FUNCTION touch()\n RETURNS trigger\n LANGUAGE plpgsql\n\
           AS $function$BEGIN RETURN new; END$function$ | \
           CREATE OR REPLACE FUNCTION touch()\n RETURNS trigger\n LANGUAGE plpgsql\n\
           AS $function$BEGIN PERFORM pg_notify('{shard}', 'x'); RETURN new; END$function$"],
    ),
    ("CREATE FUNCTION more(n int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        &["function more(n integer): CREATE OR REPLACE FUNCTION more(n integer)\n RETURNS integer\n \
           LANGUAGE sql\nAS $function$SELECT 1$function$ | -"]),
    (
        "COMMENT ON COLUMN origins.name IS NULL",
        &["comment on column origins.name: - | as people write it"],
    ),
    (
        "GRANT SELECT ON packages TO public",
        &["privileges packages: \
           PUBLIC=SELECT, owner=DELETE/INSERT/REFERENCES/SELECT/TRIGGER/TRUNCATE/UPDATE | \
           owner=DELETE/INSERT/REFERENCES/SELECT/TRIGGER/TRUNCATE/UPDATE"],
    ),
    (
        "REVOKE EXECUTE ON FUNCTION touch() FROM public",
        &["privileges touch(): owner=EXECUTE | PUBLIC=EXECUTE, owner=EXECUTE"],
    ),
    (
        "GRANT UPDATE (size) ON origins TO public",
        &["column privileges origins.size: =w/postgres | -"],
    ),
    (
        "ALTER SEQUENCE origins_id_seq INCREMENT 2 MAXVALUE 9",
        &["sequence origins_id_seq: \
           AS bigint START 1 INCREMENT 2 MINVALUE 1 MAXVALUE 9 CACHE 1 OWNED BY origins.id | \
           AS bigint START 1 INCREMENT 1 MINVALUE 1 MAXVALUE 9223372036854775807 CACHE 1 OWNED BY origins.id"],
    ),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {shard} REVOKE SELECT ON TABLES FROM public",
        &["default privileges tables of postgres: - | =r/postgres"],
    ),
    (
        "ALTER TABLE packages OWNER TO pg_monitor",
        &["owner packages: pg_monitor | postgres"],
    ),
    (
        "DROP STATISTICS st",
        &["statistics origins.st: - | CREATE STATISTICS st (dependencies) ON id, name FROM origins"],
    ),
];

/// Each fault in a shard of its own: the others are the majority.
#[test]
fn every_kind_of_difference_is_found() {
    let db = Db::with_shards(30);
    db.in_each_shard(SCHEMA);
    let mut script = String::new();
    for (n, (fault, _)) in FAULTS.iter().enumerate() {
        let shard = format!("shard_{n}");
        let fault = fault.replace("{shard}", &shard);
        writeln!(
            script,
            "SET search_path TO {shard}; SET check_function_bodies = off; {fault};"
        )
        .unwrap();
    }
    // A policy stands in the way of dropping its column.
    db.sql(&script.replace(
        "ALTER TABLE packages DROP id;",
        "DROP POLICY own ON packages; ALTER TABLE packages DROP id;",
    ));
    let ran = drift(&db, ["--jsonl"]);
    ran.assert(
        1,
        has("\"shards\":\"shard_0\""),
        has("30 differences · 30/30 shards"),
    );
    let found = rows(&ran);
    for (n, (fault, expected)) in FAULTS.iter().enumerate() {
        let shard = format!("shard_{n}");
        let of_shard = found.iter().filter(|(shards, _)| *shards == shard);
        let of_shard: Vec<_> = of_shard.map(|(_, row)| row.as_str()).collect();
        assert_eq!(of_shard, *expected, "{fault}");
    }
    assert_eq!(
        found.len(),
        FAULTS.iter().map(|(_, rows)| rows.len()).sum::<usize>()
    );
}

#[test]
fn shards_that_differ_alike_are_one_row() {
    let db = Db::with_shards(12);
    db.in_each_shard("CREATE TABLE t (n int)");
    for n in [3, 4, 5, 9] {
        db.in_shard(n, "ALTER TABLE t ALTER n TYPE bigint");
    }
    db.in_shard(10, "ALTER TABLE t ADD more text");
    drift(&db, []).assert(
        1,
        "       shards       |  kind  | object |  has   | expected  \n\
         --------------------+--------+--------+--------+-----------\n \
          shard_10           | column | t.more | text   | (missing)\n \
          shard_3-5, shard_9 | column | t.n    | bigint | integer\n\
         (2 rows)\n\n",
        has("2 differences · 12/12 shards"),
    );
    drift(&db, ["--json", "--shards", "3-6"]).assert(
        1,
        "[\n{\"shards\":\"shard_6\",\"kind\":\"column\",\"object\":\"t.n\",\"has\":\"integer\",\
         \"expected\":\"bigint\"}\n]\n",
        has("1 difference · 4/4 shards of 12"),
    );
}

#[test]
fn what_is_not_to_be_compared_is_not() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (n int)");
    db.in_shard(
        1,
        "ALTER TABLE t OWNER TO pg_monitor; COMMENT ON TABLE t IS 'x'",
    );
    db.in_shard(2, "GRANT SELECT ON t TO pg_monitor");
    drift(
        &db,
        ["--csv", "--no-owner", "--no-privileges", "--no-comments"],
    )
    .assert(0, "shards,kind,object,has,expected\n", has("no drift"));
    drift(&db, ["--csv", "--no-privileges"]).assert(
        1,
        "shards,kind,object,has,expected\n\
         shard_1,owner,t,pg_monitor,postgres\n\
         shard_1,comment on table,t,x,\n",
        has_all(["2 differences", "3/3 shards"]),
    );
}
