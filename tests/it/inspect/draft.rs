//! `shardq drift --sql`: what it prints makes the shards alike, once somebody runs it.

use super::drift::{SCHEMA, drift};
use crate::support::{ANY, Db, has, has_all};

/// What a draft can undo, each in a shard of its own.
const FAULTS: [&str; 21] = [
    "DROP TABLE packages",
    "DROP TABLE origins CASCADE",
    "ALTER TABLE origins DROP size CASCADE",
    "DROP VIEW okay; ALTER TABLE origins ALTER name TYPE varchar(9), ALTER name DROP NOT NULL",
    "ALTER TABLE origins ALTER size TYPE bigint, ALTER size SET DEFAULT 7, ALTER size SET NOT NULL",
    "ALTER TABLE packages DROP CONSTRAINT packages_origin_fkey",
    "ALTER TABLE origins DROP CONSTRAINT sized, ADD CONSTRAINT sized CHECK (size > 0)",
    "DROP INDEX by_name",
    "DROP INDEX by_name; CREATE INDEX by_name ON origins (name)",
    "CREATE INDEX more ON origins (size)",
    "ALTER TABLE origins DISABLE TRIGGER touched",
    "DROP RULE kept ON packages",
    "ALTER POLICY own ON packages USING (id > 1)",
    "ALTER TYPE mood RENAME TO old; CREATE TYPE mood AS ENUM ('ok');
     DROP VIEW okay; DROP INDEX by_name; ALTER TABLE origins ALTER m DROP DEFAULT;
     ALTER TABLE origins ALTER m TYPE mood USING 'ok'; DROP TYPE old; ALTER TABLE origins ALTER m SET DEFAULT 'ok'",
    "CREATE OR REPLACE VIEW okay AS SELECT o.id, o.name FROM origins o",
    "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
    "COMMENT ON COLUMN origins.name IS NULL; COMMENT ON TABLE packages IS 'x'",
    "GRANT SELECT ON packages TO public; REVOKE SELECT ON origins FROM public",
    "ALTER SEQUENCE origins_id_seq INCREMENT 2 MAXVALUE 9",
    "ALTER TABLE packages OWNER TO pg_monitor; GRANT INSERT ON packages TO pg_monitor WITH GRANT OPTION",
    "DROP STATISTICS st",
];

#[test]
fn what_is_drafted_makes_shards_alike() {
    let db = Db::with_shards(25);
    db.in_each_shard(SCHEMA);
    for (n, fault) in FAULTS.iter().enumerate() {
        db.in_shard(u32::try_from(n).unwrap(), fault);
    }
    let draft = drift(&db, ["--sql"]);
    draft.assert(
        1,
        has_all([
            "-- A draft, to be reviewed",
            "\n-- shard_7\nBEGIN;\nSET LOCAL lock_timeout = 1000;\n",
            "\nCREATE INDEX by_name ON \"shard_7\".origins USING btree (lower(name)) WHERE (m = 'ok'::\"shard_7\".mood);\nCOMMIT;\n",
        ]),
        has("25/25 shards"),
    );
    db.sql(&draft.stdout);
    drift(&db, ["--csv"]).assert(
        0,
        "shards,kind,object,has,expected\n",
        has("no drift · 25/25 shards"),
    );
}

#[test]
fn what_would_delete_data_is_a_comment() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (n int)");
    db.in_shard(1, "CREATE TABLE more (n int); ALTER TABLE t ADD more int");
    drift(&db, ["--sql"]).assert(
        1,
        has_all([
            "\n-- DROP TABLE \"shard_1\".\"more\"; -- with its data\n",
            "\n-- ALTER TABLE \"shard_1\".\"t\" DROP COLUMN \"more\"; -- with its data\nCOMMIT;\n",
        ]),
        has("2 differences"),
    );
    drift(&db, ["--sql", "--json"]).assert(2, "", ANY);
}
