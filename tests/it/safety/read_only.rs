//! Read-only by structure: no statement changes any data, even as superuser.

use std::path::Path;

use crate::support::{Db, Ran, shardq};

/// Two shards full of data and of traps. If `first` is false the lowest shard is empty, so the
/// server cannot tell what kind of statement it is before it runs.
fn treasury(first: bool) -> Db {
    let db = Db::with_shards(2);
    let fill = "CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10);
        CREATE SEQUENCE s; CREATE MATERIALIZED VIEW mv AS SELECT random() AS r;
        CREATE VIEW v AS SELECT n FROM t;";
    if first {
        db.in_each_shard(fill);
    } else {
        db.in_shard(1, fill);
    }
    db.sql(
        "CREATE FUNCTION public.writes() RETURNS int LANGUAGE plpgsql AS
           $$ BEGIN DELETE FROM shard_1.t; RETURN 1; END $$;
         CREATE FUNCTION public.switches_and_writes() RETURNS int LANGUAGE plpgsql AS
           $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM shard_1.t; RETURN 1; END $$;
         CREATE FUNCTION public.resets_and_writes() RETURNS int LANGUAGE plpgsql AS
           $$ BEGIN RESET transaction_read_only; DELETE FROM shard_1.t; RETURN 1; END $$;
         CREATE FUNCTION public.sets_and_writes() RETURNS int LANGUAGE plpgsql
           SET transaction_read_only = off AS
           $$ BEGIN DELETE FROM shard_1.t; RETURN 1; END $$;
         CREATE FUNCTION public.commits() RETURNS int LANGUAGE plpgsql AS
           $$ BEGIN DELETE FROM shard_1.t; COMMIT; RETURN 1; END $$;
         CREATE PROCEDURE public.calls(INOUT a int) LANGUAGE plpgsql AS
           $$ BEGIN COMMIT; DELETE FROM shard_1.t; COMMIT; END $$;
         CREATE PROCEDURE public.rolls(INOUT a int) LANGUAGE plpgsql AS
           $$ BEGIN ROLLBACK; DELETE FROM shard_1.t; COMMIT; END $$;
         CREATE FUNCTION public.swallows() RETURNS int LANGUAGE plpgsql AS
           $$ BEGIN DELETE FROM shard_1.t; RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 0; END $$;",
    );
    db
}

/// Everything that could have changed.
const CONTENTS: &str = "
    SELECT (SELECT string_agg(n::text, ',') FROM shard_1.t),
        (SELECT r FROM shard_1.mv), (SELECT (last_value, is_called)::text FROM shard_1.s),
        (SELECT md5(string_agg((oid, relname, relfilenode)::text, ',' ORDER BY oid)) FROM pg_class),
        (SELECT md5(string_agg((oid, proname)::text, ',' ORDER BY oid)) FROM pg_proc),
        (SELECT md5(string_agg((oid, nspname)::text, ',' ORDER BY oid)) FROM pg_namespace),
        (SELECT count(*) FROM pg_largeobject_metadata),
        (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()),
        (SELECT setconfig::text FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase
         WHERE datname = current_database())";

const ATTACKS: &[&str] = &[
    // Directly.
    "DELETE FROM t",
    "DELETE FROM t RETURNING n",
    "INSERT INTO t VALUES (99) RETURNING n",
    "UPDATE t SET n = -n RETURNING n",
    "/* SELECT */ -- SELECT\n DELETE FROM t RETURNING n",
    "MERGE INTO t USING (SELECT 1) AS x ON true WHEN MATCHED THEN DELETE",
    "TRUNCATE t",
    "WITH gone AS (DELETE FROM t RETURNING n) SELECT * FROM gone",
    "WITH new AS (UPDATE t SET n = n + 100 RETURNING n) SELECT count(*) FROM new",
    "WITH a AS (SELECT 1), b AS (INSERT INTO t SELECT 50 RETURNING n) SELECT * FROM a, b",
    "SELECT n INTO stolen FROM t",
    "CREATE TABLE stolen AS SELECT n FROM t",
    "CREATE TEMP TABLE stolen AS SELECT n FROM t",
    "SELECT nextval('s'), n FROM t",
    "SELECT setval('s', 77), n FROM t",
    "REFRESH MATERIALIZED VIEW mv",
    "ALTER SYSTEM SET work_mem = '1MB'",
    "ALTER DATABASE postgres SET work_mem = '1MB'",
    "DROP SCHEMA shard_1 CASCADE",
    "VACUUM t",
    "COPY t FROM PROGRAM 'echo 99'",
    "COPY t FROM STDIN",
    "COPY t TO STDOUT",
    "COPY t TO PROGRAM 'touch /tmp/shardq_was_here'",
    "COPY t TO '/tmp/shardq_was_here'",
    "IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z",
    "NOTIFY shardq",
    // By locks.
    "LOCK TABLE t",
    "SELECT n FROM t FOR UPDATE",
    "SELECT n FROM t FOR KEY SHARE",
    // By leaving the transaction.
    "COMMIT",
    "COMMIT; DELETE FROM t",
    "COMMIT; DELETE FROM t; BEGIN; SELECT 1",
    "END; DELETE FROM shard_1.t; SELECT 1",
    "/* a comment */ COMMIT; DELETE FROM t RETURNING n",
    "ROLLBACK; DELETE FROM t RETURNING n",
    "ABORT",
    "ROLLBACK TO SAVEPOINT task; DELETE FROM t RETURNING n",
    "RELEASE SAVEPOINT task",
    "RELEASE SAVEPOINT task; SET TRANSACTION READ WRITE; DELETE FROM t RETURNING n",
    "COMMIT AND CHAIN",
    "PREPARE TRANSACTION 'x'",
    "BEGIN; SELECT 1",
    "SELECT n FROM t; DELETE FROM t RETURNING n",
    ";; COMMIT; ; DELETE FROM t RETURNING n;",
    "; ;",
    ";",
    "-- nothing",
    // By disabling read-only mode.
    "SET TRANSACTION READ WRITE",
    "SET transaction_read_only = off",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "RESET transaction_read_only",
    "SELECT set_config('transaction_read_only', 'off', false), public.writes(), n FROM t",
    "SELECT set_config('transaction_read_only', 'off', true), public.writes(), n FROM t",
    "WITH off AS MATERIALIZED (SELECT set_config('transaction_read_only', 'off', false)), \
     w AS (DELETE FROM t RETURNING n) SELECT * FROM off, w",
    "UPDATE pg_settings SET setting = 'off' WHERE name = 'transaction_read_only' RETURNING name",
    // By side effects of a function.
    "SELECT public.writes(), n FROM t",
    "SELECT public.switches_and_writes(), n FROM t",
    "SELECT public.sets_and_writes(), n FROM t",
    "SELECT public.commits(), n FROM t",
    "EXPLAIN ANALYZE SELECT public.writes(), n FROM t",
    "CALL public.calls(1)",
    "CALL public.rolls(1)",
    "DO $$ BEGIN COMMIT; DELETE FROM shard_1.t; COMMIT; END $$",
    "EXPLAIN ANALYZE DELETE FROM t",
    "EXPLAIN ANALYZE INSERT INTO t SELECT 60",
    "PREPARE p AS DELETE FROM t",
    "EXECUTE p",
    "DECLARE c CURSOR WITH HOLD FOR SELECT public.writes()",
    "LISTEN shardq",
    "DISCARD ALL",
    "SELECT query_to_xml('DELETE FROM t', true, true, ''), n FROM t",
    // By swallowing the SQL that follows, or by closing what surrounds it.
    "DELETE FROM t RETURNING n --",
    "SELECT 1; COMMIT; DELETE FROM t --",
    "SELECT 1 /*",
    "SELECT 1 /* /* */",
    "*/ DELETE FROM t RETURNING n /*",
    "SELECT 'abc",
    "SELECT $$abc",
    "SELECT $x$ $$ $y$",
    "SELECT \"abc",
    "SELECT E'\\'; DELETE FROM shard_1.t; --",
    "SELECT U&'\\",
    "SELECT 1 \\; DELETE FROM t",
    "SELECT 1 \\g",
    "public\"; COMMIT; DELETE FROM t; --",
    "',false); COMMIT; DELETE FROM t; --",
    "{statement}; COMMIT; DELETE FROM t",
    // By a fake end of the statement.
    "SELECT 1;\nCOMMIT;\nDELETE FROM t;\n",
    "SELECT 1\r;\u{a0}DELETE FROM t",
    "SELECT 1；DELETE FROM t",
];

/// Accepted by the server, and undone by the rollback.
const UNDONE: &[&str] = &[
    // Before Postgres 16, large objects can be written in read-only transactions.
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    // Postgres checks the query, not the creation of the table.
    "EXPLAIN ANALYZE CREATE TABLE stolen AS SELECT 1",
    // Before Postgres 16, RESET bypasses read-only mode.
    "SELECT public.resets_and_writes()",
    "SELECT set_config('transaction_read_only', NULL, true), public.writes()",
    "SELECT public.swallows()",
    "SELECT set_config('work_mem', '1MB', false), set_config('role', 'pg_monitor', false)",
    "SELECT set_config('search_path', 'pg_temp', false)",
    "SELECT set_config('statement_timeout', '1', false)",
];

/// Runs statements one by one, and compares the contents after each.
#[track_caller]
fn try_all(
    db: &Db,
    options: &[&str],
    attacks: &[&str],
    pgoptions: &str,
    check: impl Fn(&Ran) -> bool,
) {
    let mut observer = db.session();
    let before = observer.run(CONTENTS);
    assert!(before.starts_with("1,2,3,4,5,6,7,8,9,10|"), "{before}");
    for sql in attacks {
        let ran = shardq(["query", "--search-path", "{shard}, public"])
            .args(options)
            .args(["--", sql])
            .env("PGOPTIONS", pgoptions)
            .db(db)
            .run();
        assert!(check(&ran), "{sql}: {ran:#?}");
        assert_eq!(observer.run(CONTENTS), before, "{sql}");
    }
}

fn refused(ran: &Ran) -> bool {
    let usage = ran.stderr.contains("is a psql command");
    ran.status == if usage { 2 } else { 1 }
        && ran.stdout.is_empty()
        && ran.stderr.starts_with("shardq: error: ")
}

#[test]
fn nothing_that_would_write_changes_anything_and_all_of_it_is_refused() {
    try_all(&treasury(true), &[], ATTACKS, "", refused);
    assert!(!Path::new("/tmp/shardq_was_here").exists());
}

#[test]
fn nor_where_each_shard_is_read_at_its_own_instant() {
    try_all(&treasury(true), &["--no-snapshot"], ATTACKS, "", refused);
}

#[test]
fn nor_where_the_server_cannot_tell_the_statement_before_it_runs() {
    try_all(&treasury(false), &[], ATTACKS, "", refused);
}

#[test]
fn what_a_server_lets_pass_is_undone() {
    let db = treasury(true);
    try_all(&db, &[], UNDONE, "", |_| true);
    try_all(&db, &["--no-snapshot"], UNDONE, "", |_| true);
}

#[test]
fn a_backslash_hides_nothing_whatever_it_means_to_the_server() {
    const TRICKS: &[&str] = &[
        r"SELECT '\'; COMMIT; DELETE FROM t; --'",
        r"SELECT '\'; COMMIT; DELETE FROM t; SELECT '",
        r"SELECT '\\'; COMMIT; DELETE FROM t; --'",
        r"SELECT E'\'; COMMIT; DELETE FROM t; --'",
        r"SELECT '\",
        r"SELECT 1 AS \'; COMMIT; DELETE FROM t; --",
    ];
    let db = treasury(true);
    for conforming in ["on", "off"] {
        let options = format!("-c standard_conforming_strings={conforming} -c backslash_quote=on");
        try_all(&db, &[], TRICKS, &options, |_| true);
    }
}

#[test]
fn what_others_put_in_public_is_not_called() {
    let db = treasury(true);
    // Each is a better match than Postgres's own, or precedes it in the path.
    for (operator, left, right) in [
        ("~", "name", "name"),
        ("~", "text", "text"),
        ("||", "text", "text"),
        (">=", "oid", "int4"),
    ] {
        db.sql(&format!(
            "CREATE FUNCTION public.trap({left}, {right}) RETURNS bool LANGUAGE plpgsql AS
               $$ BEGIN RAISE 'trapped'; END $$;
             CREATE OPERATOR public.{operator}
               (FUNCTION = public.trap, LEFTARG = {left}, RIGHTARG = {right})"
        ));
        db.sql("CREATE TYPE public.mine AS ENUM ('x')");
        let answered = |ran: &Ran| ran.status == 0 && !ran.stderr.contains("trapped");
        let custom = ["SELECT NULL::mine"];
        try_all(
            &db,
            &[],
            &custom,
            "-c search_path=public,pg_catalog",
            answered,
        );
        db.sql("DROP FUNCTION public.trap CASCADE; DROP TYPE public.mine");
    }
}
