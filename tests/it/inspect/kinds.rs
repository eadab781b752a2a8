//! `shardq drift`, over objects that few schemas have: each difference is found, and drafted.

use std::fmt::Write as _;

use serde_json::Value;

use super::drift::drift;
use crate::support::{ANY, Db, has, shardq};

const SCHEMA: &str = "
    CREATE TABLE t (id int PRIMARY KEY, name text, region int);
    CREATE INDEX by_name ON t (name);
    CREATE TYPE pair AS (a int, b text);
    CREATE TYPE span AS RANGE (subtype = int);
    CREATE TYPE mood AS ENUM ('ok', 'bad');
    CREATE DOMAIN pos AS int CONSTRAINT more CHECK (value > 0);
    CREATE FUNCTION eq(pair, pair) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
    CREATE OPERATOR === (FUNCTION = eq, LEFTARG = pair, RIGHTARG = pair,
        COMMUTATOR = OPERATOR({shard}.===));
    CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
    CREATE PROCEDURE proc(i int) LANGUAGE sql AS 'SELECT 1';
    CREATE COLLATION coll FROM \"C\";
    CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple, accept = false);
    CREATE TEXT SEARCH CONFIGURATION conf (PARSER = default);
    ALTER TEXT SEARCH CONFIGURATION conf ADD MAPPING FOR asciiword WITH dict;
    CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM t;
    CREATE UNIQUE INDEX ON mv (count);
    CREATE VIEW v AS SELECT id FROM t;
    CREATE TABLE part (k int, v text) PARTITION BY RANGE (k);
    CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
    CREATE INDEX part_v ON part (v);
    CREATE TABLE par (id int);
    CREATE TABLE chi () INHERITS (par);
    CREATE SEQUENCE seq;
    ALTER PUBLICATION pub ADD TABLE t;
    CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION trg();
    ALTER DEFAULT PRIVILEGES IN SCHEMA {shard} GRANT SELECT ON TABLES TO public";

/// A fault, and the kinds of the differences that it makes. `{shard}` is the shard.
const FAULTS: [(&str, &str); 68] = [
    ("COMMENT ON INDEX by_name IS 'x'", "comment on index"),
    ("COMMENT ON CONSTRAINT t_pkey ON t IS 'x'", "comment on constraint"),
    ("COMMENT ON CONSTRAINT more ON DOMAIN pos IS 'x'", "comment on constraint"),
    ("COMMENT ON FUNCTION trg() IS 'x'", "comment on function"),
    ("COMMENT ON TYPE mood IS 'x'", "comment on enum"),
    ("COMMENT ON DOMAIN pos IS 'x'", "comment on domain"),
    ("COMMENT ON SCHEMA {shard} IS 'x'", "comment on schema"),
    ("COMMENT ON OPERATOR === (pair, pair) IS 'x'", "comment on operator"),
    ("COMMENT ON AGGREGATE total(int) IS 'x'", "comment on aggregate"),
    ("COMMENT ON PROCEDURE proc(int) IS 'x'", "comment on procedure"),
    ("COMMENT ON VIEW v IS 'x'", "comment on view"),
    ("COMMENT ON COLUMN v.id IS 'x'", "comment on column"),
    ("COMMENT ON MATERIALIZED VIEW mv IS 'x'", "comment on materialized view"),
    ("COMMENT ON COLLATION coll IS 'x'", "comment on collation"),
    ("COMMENT ON TEXT SEARCH CONFIGURATION conf IS 'x'", "comment on text search configuration"),
    ("COMMENT ON TRIGGER ct ON t IS 'x'", "comment on trigger"),
    ("COMMENT ON COLUMN pair.a IS 'x'", "comment on column"),
    ("COMMENT ON TYPE pair IS 'x'", "comment on composite type"),
    ("REVOKE USAGE ON TYPE mood FROM public", "privileges"),
    ("GRANT USAGE ON TYPE span TO pg_monitor", "privileges"),
    ("REVOKE USAGE ON TYPE pair FROM public", "privileges"),
    ("REVOKE EXECUTE ON FUNCTION trg() FROM public", "privileges"),
    ("GRANT EXECUTE ON PROCEDURE proc(int) TO pg_monitor WITH GRANT OPTION", "privileges"),
    ("GRANT USAGE ON SCHEMA {shard} TO pg_monitor", "privileges"),
    ("GRANT USAGE ON SEQUENCE seq TO pg_monitor", "privileges"),
    ("GRANT SELECT (id) ON t TO pg_monitor", "column privileges"),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {shard} GRANT EXECUTE ON FUNCTIONS TO pg_monitor",
        "default privileges",
    ),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {shard} REVOKE SELECT ON TABLES FROM public",
        "default privileges",
    ),
    ("DROP OPERATOR === (pair, pair)", "operator"),
    ("ALTER OPERATOR === (pair, pair) SET (RESTRICT = eqsel)", "operator"),
    ("CREATE OPERATOR !== (FUNCTION = eq, LEFTARG = pair, RIGHTARG = pair)", "operator"),
    (
        "DROP AGGREGATE total(int);
         CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '1')",
        "aggregate",
    ),
    ("DROP AGGREGATE total(int)", "aggregate"),
    ("DROP PROCEDURE proc(int)", "procedure"),
    ("CREATE FUNCTION more(pair) RETURNS int LANGUAGE sql AS 'SELECT 1'", "function"),
    ("ALTER FUNCTION trg() SET work_mem = '1MB'", "function"),
    ("DROP COLLATION coll", "collation"),
    ("ALTER TEXT SEARCH DICTIONARY dict (accept = true)", "text search dictionary"),
    (
        "ALTER TEXT SEARCH CONFIGURATION conf ADD MAPPING FOR word WITH simple;
         ALTER TEXT SEARCH CONFIGURATION conf ALTER MAPPING FOR asciiword WITH dict, simple",
        "text search configuration",
    ),
    ("DROP TEXT SEARCH CONFIGURATION conf", "text search configuration"),
    (
        "DROP TEXT SEARCH DICTIONARY dict CASCADE",
        "text search configuration, text search dictionary",
    ),
    (
        "DROP MATERIALIZED VIEW mv; CREATE MATERIALIZED VIEW mv AS SELECT count(*) + 1 AS count FROM t;
         REVOKE ALL ON mv FROM public",
        "materialized view, index",
    ),
    ("ALTER PUBLICATION pub DROP TABLE t", "publication"),
    ("ALTER TABLE part DETACH PARTITION part_1", "table"),
    ("DROP TABLE part_1", "table"),
    ("DROP TABLE part", "partitioned table, table"),
    ("ALTER INDEX part_v RENAME TO part_w", "index, index"),
    ("ALTER TABLE chi NO INHERIT par", "table"),
    ("DROP TYPE span", "range"),
    ("DROP TYPE pair CASCADE", "operator, function, composite type"),
    ("DROP DOMAIN pos", "domain"),
    ("ALTER DOMAIN pos DROP CONSTRAINT more", "constraint"),
    ("DROP TABLE t CASCADE", "materialized view, table, view"),
    ("ALTER TABLE t ALTER id SET STATISTICS 5", "column"),
    ("ALTER TABLE t ALTER name SET STORAGE external, ALTER name SET (n_distinct = 5)", "column"),
    ("ALTER TABLE t CLUSTER ON by_name", "index"),
    ("ALTER INDEX by_name SET (fillfactor = 50)", "index"),
    ("ALTER TABLE t REPLICA IDENTITY FULL", "table"),
    ("ALTER TABLE par SET UNLOGGED", "table"),
    ("ALTER TABLE t SET (fillfactor = 70); ALTER TABLE t ENABLE ROW LEVEL SECURITY", "table"),
    ("ALTER TABLE t ENABLE ALWAYS TRIGGER ct", "trigger"),
    ("ALTER TABLE t ADD CONSTRAINT ck CHECK (id > 0) NOT VALID", "constraint"),
    ("ALTER VIEW v SET (security_barrier = true)", "view"),
    ("ALTER VIEW v ALTER id SET DEFAULT 5", "column default"),
    ("ALTER FUNCTION trg() OWNER TO pg_monitor", "owner"),
    ("ALTER SCHEMA {shard} OWNER TO pg_monitor", "owner"),
    ("ALTER OPERATOR === (pair, pair) OWNER TO pg_monitor", "owner of operator"),
    ("ALTER COLLATION coll OWNER TO pg_monitor", "owner of collation"),
];

#[test]
fn every_kind_of_object_is_compared_and_drafted() {
    let db = Db::empty();
    let mut script = "SET client_min_messages TO error; CREATE PUBLICATION pub;".to_owned();
    for n in 0..=2 * FAULTS.len() {
        let shard = format!("shard_{n}");
        let (fault, _) = FAULTS.get(n).unwrap_or(&("", ""));
        let sql = format!("{SCHEMA};\n{fault};").replace("{shard}", &shard);
        writeln!(
            script,
            "CREATE SCHEMA {shard}; SET search_path TO {shard}; {sql}"
        )
        .unwrap();
    }
    db.sql(&script);
    let ran = drift(&db, ["--jsonl"]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    let mut found = vec![Vec::new(); FAULTS.len()];
    for line in ran.stdout.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        for shard in row["shards"].as_str().unwrap().split(", ") {
            let (first, last) = shard.split_once('-').unwrap_or((shard, ""));
            let first: usize = first.trim_start_matches("shard_").parse().unwrap();
            let last = last.parse().unwrap_or(first);
            for kinds in &mut found[first..=last] {
                kinds.push(row["kind"].as_str().unwrap().to_owned());
            }
        }
    }
    for ((fault, kinds), found) in FAULTS.iter().zip(found) {
        assert_eq!(found.join(", "), *kinds, "{fault}");
    }
    let draft = drift(&db, ["--sql"]);
    assert!(!draft.stdout.contains("not drafted"), "{}", draft.stdout);
    db.sql(&draft.stdout);
    drift(&db, ["--csv"]).assert(0, "shards,kind,object,has,expected\n", has("no drift"));
}

/// A table for rows and columns, and whole schemas.
#[test]
fn publications_of_postgres_15_are_compared() {
    let db = Db::with_shards(5);
    db.sql("SET client_min_messages TO error; CREATE PUBLICATION pub; CREATE PUBLICATION whole");
    db.in_each_shard(
        "CREATE TABLE t (id int, name text); ALTER PUBLICATION pub ADD TABLE t WHERE (id > 0);
         ALTER PUBLICATION whole ADD TABLES IN SCHEMA shard_{n}",
    );
    db.in_shard(
        1,
        "ALTER PUBLICATION pub DROP TABLE t; ALTER PUBLICATION pub ADD TABLE t WHERE (id > 1)",
    );
    db.in_shard(
        2,
        "ALTER PUBLICATION whole DROP TABLES IN SCHEMA shard_2; ALTER PUBLICATION pub DROP TABLE t;
         ALTER PUBLICATION pub ADD TABLE t (id)",
    );
    drift(&db, ["--csv"]).assert(
        1,
        "shards,kind,object,has,expected\n\
         shard_1,publication,t.pub,WHERE ((id > 1)),WHERE ((id > 0))\n\
         shard_2,publication,t.pub,(id),WHERE ((id > 0))\n\
         shard_2,publication,whole,,TABLES IN SCHEMA\n",
        has("3 differences"),
    );
    db.in_shard(2, "ALTER PUBLICATION pub DROP TABLE t");
    let draft = shardq(["drift", "--sql"]).db(&db).run();
    db.sql(&draft.stdout);
    drift(&db, ["--csv"]).assert(0, ANY, has("no drift"));
}
