//! `shardq drift`: every kind of difference is found, and equal shards have none.

use std::fmt::Write as _;

use serde_json::Value;

use shardq::sandbox::Options;

use crate::support::{ANY, Db, Ran, eventually, has, has_all, private_server, shardq};

/// One of everything, in each shard. The function names its shard in a string.
pub const SCHEMA: &str = "
    CREATE TYPE mood AS ENUM ('ok', 'bad');
    CREATE DOMAIN positive AS int CHECK (value > 0);
    CREATE TABLE origins (
        id bigserial PRIMARY KEY, name text NOT NULL, m mood DEFAULT 'ok', p positive,
        size int DEFAULT 0, CONSTRAINT sized CHECK (size >= 0));
    CREATE TABLE packages (id int PRIMARY KEY, origin bigint REFERENCES origins (id));
    CREATE INDEX by_name ON origins (lower(name)) WHERE m = 'ok';
    CREATE VIEW okay AS SELECT o.id, o.name FROM origins o, origins p WHERE o.m = 'ok';
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
        "CREATE OR REPLACE VIEW okay AS SELECT o.id, o.name FROM origins o, origins p",
        &["view okay: AS\n SELECT o.id,\n    o.name\n   FROM origins o,\n    origins p; | \
           AS\n SELECT o.id,\n    o.name\n   FROM origins o,\n    origins p\n  WHERE (o.m = 'ok'::mood);"],
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
        &["column privileges origins.size: PUBLIC=UPDATE | -"],
    ),
    (
        "ALTER SEQUENCE origins_id_seq INCREMENT 2 MAXVALUE 9",
        &["sequence origins_id_seq: \
           AS bigint START 1 INCREMENT 2 MINVALUE 1 MAXVALUE 9 CACHE 1 OWNED BY origins.id | \
           AS bigint START 1 INCREMENT 1 MINVALUE 1 MAXVALUE 9223372036854775807 CACHE 1 OWNED BY origins.id"],
    ),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {shard} REVOKE SELECT ON TABLES FROM public",
        &["default privileges tables of postgres: - | PUBLIC=SELECT"],
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
        // A privilege that Postgres 17 added.
        let of_shard = of_shard.map(|(_, row)| row.replace("INSERT/MAINTAIN/", "INSERT/"));
        assert_eq!(of_shard.collect::<Vec<_>>(), *expected, "{fault}");
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

/// Schemas whose names are words of their own definitions, and with characters that need quotes.
const HOSTILE: [&str; 11] = [
    "tenant_1",
    "tenant_10",
    "tenant_2",
    "Tenant-A",
    "name",
    "origins",
    "a.b",
    "text",
    "x$1",
    "tenant_1_old",
    "it's",
];

/// What definitions can say, in each of these schemas.
fn hostile() -> Db {
    let db = Db::empty();
    db.sql("CREATE FUNCTION public.pub(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i'");
    let mut script = String::new();
    for name in HOSTILE {
        let quoted = name.replace('"', "\"\"");
        writeln!(
            script,
            "CREATE SCHEMA \"{quoted}\"; SET search_path TO \"{quoted}\", public;
             CREATE TYPE mood AS ENUM ('ok', 'bad');
             CREATE DOMAIN posint AS int CHECK (value > 0);
             CREATE TYPE pair AS (a int, m mood);
             CREATE TABLE origins (
                 id bigserial PRIMARY KEY, name text NOT NULL COLLATE \"C\", m mood DEFAULT 'ok',
                 p posint, pr pair, g int GENERATED ALWAYS AS (1 + 1) STORED,
                 j jsonb DEFAULT '{{\"a\": 1}}', i int GENERATED BY DEFAULT AS IDENTITY);
             CREATE TABLE child (
                 id int PRIMARY KEY, o bigint REFERENCES origins (id) ON DELETE CASCADE,
                 EXCLUDE USING btree (id WITH =));
             CREATE TABLE part (k int, v text) PARTITION BY RANGE (k);
             CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
             CREATE INDEX ON part (v);
             CREATE INDEX ON origins (lower(name)) WHERE m = 'ok';
             CREATE VIEW v AS SELECT name.id, name.name, o2.m FROM origins name JOIN origins o2 ON o2.id = name.id;
             CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM origins;
             CREATE FUNCTION f(x origins) RETURNS mood LANGUAGE plpgsql SET search_path FROM CURRENT
                 AS $x$ BEGIN PERFORM 1 FROM \"{quoted}\".origins; RETURN x.m; END $x$;
             CREATE FUNCTION lookup(t text DEFAULT 'origins') RETURNS bigint LANGUAGE sql
                 AS 'SELECT count(*) FROM origins';
             CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
             CREATE TRIGGER t BEFORE INSERT ON origins FOR EACH ROW
                 WHEN (new.m IS DISTINCT FROM 'bad') EXECUTE FUNCTION trg();
             CREATE RULE r AS ON DELETE TO child DO INSTEAD NOTHING;
             ALTER TABLE origins ENABLE ROW LEVEL SECURITY;
             CREATE POLICY pol ON origins FOR SELECT USING (m = 'ok' AND pub(1) = 1);
             CREATE STATISTICS st (dependencies) ON id, name FROM origins;
             COMMENT ON TABLE origins IS 'text of origins';
             CREATE TABLE \"name.with.dots\" (id int);
             CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
             CREATE TABLE inh () INHERITS (child);"
        )
        .unwrap();
    }
    db.sql(&script);
    db
}

const ALL: [&str; 4] = ["--schemas", "*", "--exclude-schemas", "public"];

#[test]
fn names_that_occur_in_definitions_are_no_drift() {
    let db = hostile();
    shardq(["drift", "--csv"]).args(ALL).db(&db).run().assert(
        0,
        "shards,kind,object,has,expected\n",
        has("no drift · 11/11 shards"),
    );
}

#[test]
fn differences_between_hostile_names_are_found() {
    let db = hostile();
    db.sql(
        "ALTER TABLE text.origins ALTER j TYPE text;
         ALTER TABLE name.child DROP CONSTRAINT child_o_fkey;
         ALTER TABLE name.child ADD CONSTRAINT child_o_fkey FOREIGN KEY (o) REFERENCES text.origins (id) ON DELETE CASCADE;
         DROP INDEX origins.origins_lower_idx;
         ALTER TABLE \"a.b\".\"name.with.dots\" ADD more int;
         ALTER TYPE tenant_1.mood ADD VALUE 'x';
         CREATE OR REPLACE FUNCTION \"Tenant-A\".lookup(t text DEFAULT 'origins') RETURNS bigint
             LANGUAGE sql AS 'SELECT 1::bigint';
         CREATE OR REPLACE VIEW \"it's\".v AS SELECT name.id, name.name, o2.m
             FROM \"it's\".origins name JOIN \"it's\".origins o2 ON o2.id > name.id;
         COMMENT ON TABLE x$1.origins IS 'x';",
    );
    let ran = shardq(["drift", "--jsonl"]).args(ALL).db(&db).run();
    ran.assert(1, has("column"), has("8 differences · 11/11 shards"));
    let found: Vec<_> = rows(&ran)
        .into_iter()
        .map(|(shards, row)| format!("{shards} {}", row.split(':').next().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            "name constraint child.child_o_fkey",
            "Tenant-A function lookup(t text)",
            "tenant_1 enum mood",
            "a.b column name.with.dots.more",
            "text column origins.j",
            "origins index origins.origins_lower_idx",
            "x$1 comment on table origins",
            "it's view v",
        ]
    );
}

#[test]
fn a_locked_table_is_a_finding_and_not_a_wait() {
    let db = Db::with_shards(4);
    db.in_each_shard("CREATE TABLE t (n int PRIMARY KEY); CREATE VIEW v AS SELECT n FROM t; CREATE TABLE u (n int)");
    let mut migration = db.session();
    migration.run("BEGIN; LOCK TABLE shard_2.t IN ACCESS EXCLUSIVE MODE");
    let process = migration.run("SELECT pg_backend_pid()");
    let process = process.trim();
    let locked = format!("shard_2,locked,t,locked by process {process},\n");
    let ran = drift(&db, ["--csv"]);
    ran.assert(
        3,
        format!("shards,kind,object,has,expected\n{locked}shard_2,locked,v,locked by process {process},\n").as_str(),
        has_all([
            &format!("shardq: warning: shard_2.t is locked by process {process} (postgres, psql, idle in transaction"),
            "2 tables not read · 3/4 shards, missing: shard_2",
        ]),
    );
    assert!(ran.elapsed.as_secs() < 10, "{:?}", ran.elapsed);
    // What differs elsewhere is found all the same.
    db.in_shard(3, "ALTER TABLE t ADD more int; ALTER TABLE u ADD more int");
    drift(&db, ["--csv"]).assert(
        1,
        has_all([
            &locked,
            "shard_3,column,t.more,integer,\n",
            "shard_3,column,u.more,integer,\n",
        ]),
        has("2 differences, 2 tables not read · 3/4 shards"),
    );
    migration.run("ROLLBACK");
    drift(&db, ["--csv", "--shards", "0-2"]).assert(0, ANY, has("no drift"));
}

/// A session that waits for the lock is in front of us in the queue.
#[test]
fn a_lock_that_is_awaited_counts_too() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (n int); CREATE VIEW v AS SELECT n FROM t");
    let mut reader = db.session();
    reader.run("BEGIN; SELECT * FROM shard_1.t");
    let alter = db
        .psql_program(["--command", "ALTER TABLE shard_1.t ADD more int"])
        .spawn();
    db.until_waiting("Lock", 1);
    drift(&db, ["--csv"]).assert(
        3,
        has("shard_1,locked,t,locked by process "),
        has("2/3 shards"),
    );
    reader.run("ROLLBACK");
    alter.finish().assert(0, ANY, ANY);
}

/// Each view takes a lock, and another for its table: 600, where there is room for few more than
/// 10 * 10.
#[test]
fn a_server_with_room_for_few_locks_is_read_in_parts() {
    let few = [
        ("max_locks_per_transaction", "10"),
        ("max_connections", "10"),
    ];
    let server = private_server(Options {
        settings: few.map(|(name, value)| (name.into(), value.into())).into(),
        ..Options::default()
    });
    let db = Db::on(&server);
    db.sql(
        "DO $$BEGIN FOR n IN 0..299 LOOP
             EXECUTE format('CREATE SCHEMA shard_%s', n);
             EXECUTE format('CREATE TABLE shard_%s.t (n int)', n);
             EXECUTE format('CREATE VIEW shard_%1$s.v AS SELECT t.n FROM shard_%1$s.t, shard_%1$s.t u', n);
             COMMIT;
         END LOOP; END$$",
    );
    db.in_shard(7, "DROP VIEW v");
    db.in_shard(290, "CREATE TABLE more (n int); ALTER TABLE t ADD more int");
    let expected = "shards,kind,object,has,expected\n\
        shard_290,table,more,\"\",\n\
        shard_290,column,t.more,integer,\n\
        shard_7,view,v,,\"AS\n SELECT t.n\n   FROM t,\n    t u;\"\n";
    drift(&db, ["--csv"]).assert(1, expected, has("3 differences · 300/300 shards"));
}

/// Tables that come and go make the server look up what is there no more.
#[test]
fn concurrent_ddl_is_no_failure() {
    let db = Db::with_shards(8);
    db.in_each_shard("CREATE TABLE t (n int PRIMARY KEY, m text DEFAULT 'x')");
    let script = "DO $$BEGIN FOR i IN 1..100000 LOOP
            CREATE INDEX more ON shard_0.t (m); COMMIT; DROP INDEX shard_0.more; COMMIT;
        END LOOP; END$$";
    let migration = db.psql_program(["--command", script]).spawn();
    for _ in 0..20 {
        let ran = drift(&db, ["--csv"]);
        assert!([0, 1, 3].contains(&ran.status), "{ran:?}");
        assert!(!ran.stderr.contains("error"), "{ran:?}");
    }
    migration.signal("TERM");
}

#[test]
fn migrations_are_compared_by_what_was_applied() {
    let db = Db::with_shards(4);
    db.in_each_shard(
        "CREATE TABLE django_migrations (
             id serial PRIMARY KEY, app text, name text, applied timestamptz DEFAULT clock_timestamp());
         INSERT INTO django_migrations (app, name) VALUES ('builds', '0001_initial');
         CREATE TABLE builds (id int)",
    );
    for n in [0, 1, 3] {
        db.in_shard(
            n,
            "INSERT INTO django_migrations (app, name) VALUES ('builds', '0002_size');
             ALTER TABLE builds ADD size bigint",
        );
    }
    drift(&db, ["--csv"]).assert(
        1,
        "shards,kind,object,has,expected\n\
         shard_2,column,builds.size,,bigint\n\
         shard_2,migration,\"django_migrations.builds,0002_size\",,applied\n",
        has("2 differences · 4/4 shards · one snapshot"),
    );
    // As a migration leaves it that failed after its record was written.
    db.in_shard(
        2,
        "INSERT INTO django_migrations (app, name) VALUES ('builds', '0002_size')",
    );
    drift(&db, ["--csv"]).assert(
        1,
        "shards,kind,object,has,expected\nshard_2,column,builds.size,,bigint\n",
        has_all([
            "shardq: warning: shard_2: django_migrations records the same migrations as in most \
             shards, but the schema differs: a migration was applied in part, or the schema was \
             changed by hand\n",
            "1 difference · 4/4 shards",
        ]),
    );
    drift(&db, ["--csv", "--no-migrations"]).assert(1, ANY, has("1 difference · 4/4 shards"));
}

#[test]
fn a_table_of_migrations_can_be_named() {
    let db = Db::with_shards(3);
    db.in_each_shard(
        "CREATE TABLE \"Applied\" (what text, day date);
         INSERT INTO \"Applied\" VALUES ('a', date '2024-01-01' + {n})",
    );
    drift(&db, ["--csv"]).assert(0, ANY, has("no drift"));
    db.in_shard(1, "INSERT INTO \"Applied\" VALUES ('b', '2024-01-01')");
    drift(&db, ["--csv", "--migrations", "\"Applied\""]).assert(
        1,
        "shards,kind,object,has,expected\nshard_1,migration,Applied.b,applied,\n",
        has("1 difference"),
    );
    drift(&db, ["--migrations", "nothing"]).assert(
        1,
        "",
        "shardq: error: no selected shard has a table \"nothing\"\n",
    );
}

#[test]
fn migrations_that_may_not_be_read_are_not_taken_for_equal() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE schema_migrations (version text)");
    let reader = "drift_reader";
    db.sql(&format!(
        "DROP ROLE IF EXISTS {reader}; CREATE ROLE {reader} LOGIN;
         GRANT USAGE ON SCHEMA shard_0, shard_1 TO {reader};
         GRANT SELECT ON shard_0.schema_migrations TO {reader}"
    ));
    let ran = shardq(["drift", "--csv", "--no-privileges", "-U", reader])
        .db(&db)
        .run();
    ran.assert(
        3,
        "shards,kind,object,has,expected\nshard_1,unreadable,schema_migrations,permission denied,\n",
        has("1 table not read · 1/2 shards, missing: shard_1"),
    );
    db.sql(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}"));
}

/// Also if it is the shard whose definition the others are compared with. Since Postgres 16, the text
/// of a view of one table has names of columns alone.
#[test]
fn a_reference_to_another_shard_is_a_difference() {
    let db = Db::with_shards(3);
    db.in_each_shard("CREATE TABLE t (n int); CREATE VIEW v AS SELECT t.n FROM t, t u");
    db.in_shard(
        2,
        "CREATE OR REPLACE VIEW v AS SELECT t.n FROM shard_0.t, shard_0.t u",
    );
    drift(&db, ["--csv"]).assert(
        1,
        "shards,kind,object,has,expected\n\
         shard_2,view,v,\"AS\n SELECT t.n\n   FROM shard_0.t,\n    shard_0.t u;\",\"AS\n SELECT t.n\n   \
         FROM t,\n    t u;\"\n",
        has("1 difference · 3/3 shards"),
    );
}

#[test]
fn ctrl_c_cancels_what_runs_on_the_server() {
    let db = Db::with_shards(2);
    let sleep = "SELECT 'shard_0' FROM pg_sleep(60)";
    let running = shardq(["drift", "--schemas-from", sleep])
        .env("PGAPPNAME", "interrupted")
        .db(&db)
        .spawn();
    db.until_waiting("PgSleep", 1);
    running.signal("INT");
    let ran = running.finish();
    ran.assert(
        130,
        "",
        "shardq: error: interrupted; nothing is left running on the server\n",
    );
    eventually("nothing runs", || db.backends("interrupted").is_empty());
}
