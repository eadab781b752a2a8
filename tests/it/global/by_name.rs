//! Lookups of a table by a name in a string, or along the session's search path, are rejected,
//! because sharded tables cannot be found there.

use super::{answered, refused};
use crate::support::{Db, has, has_all, shardq};

/// Two shards with a table each; one in public, and an older table there with the sharded table's
/// name.
fn db() -> Db {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE origins (id int); INSERT INTO origins VALUES ({n})");
    db.sql(
        "CREATE TABLE public.notes (id int); CREATE TABLE public.origins (id int);
         CREATE FUNCTION public.size(regclass) RETURNS bigint LANGUAGE sql
             AS 'SELECT pg_catalog.pg_relation_size($1)'",
    );
    db
}

#[test]
fn a_sharded_table_is_not_looked_up_by_its_name() {
    let db = db();
    for (sql, by) in [
        ("SELECT to_regclass('origins')", "to_regclass()"),
        (
            "SELECT count(*) FROM origins WHERE to_regclass('\"origins\"') IS NULL",
            "to_regclass()",
        ),
        ("SELECT to_regtype('Origins')", "to_regtype()"),
        ("SELECT 'origins'::regclass::oid", "a regclass"),
        ("SELECT CAST(E'or\\x69gins' AS regclass)", "cast()"),
        ("SELECT pg_relation_size('origins')", "pg_relation_size()"),
        (
            "SELECT pg_catalog.pg_total_relation_size($$origins$$)",
            "pg_total_relation_size()",
        ),
        ("SELECT obj_description('origins'::regclass)", "a regclass"),
        ("SELECT size('origins')", "size()"),
        (
            "SELECT has_table_privilege('origins', 'select')",
            "has_table_privilege()",
        ),
        (
            "SELECT row_security_active('origins')",
            "row_security_active()",
        ),
        (
            "SELECT pg_get_serial_sequence('origins', 'id')",
            "pg_get_serial_sequence()",
        ),
    ] {
        let what = format!("{by} looks up 'origins'");
        refused(&db, sql, &[&what, "'shard_0.origins'", "without --global"]);
    }
    refused(
        &db,
        "SELECT to_regclass(relname) FROM pg_class",
        &["to_regclass()", "whatever name it is given"],
    );
}

#[test]
fn other_tables_and_other_strings_are_what_postgres_says_they_are() {
    let db = db();
    for (sql, answer) in [
        ("SELECT to_regclass('notes')", "notes"),
        ("SELECT to_regclass('nosuch')", "\"\""),
        ("SELECT to_regclass('shard_1.origins')", "shard_1.origins"),
        ("SELECT 'public.origins'::regclass::oid > 0", "t"),
        (
            "SELECT size('notes'), pg_relation_size('public.origins')",
            "0,0",
        ),
        ("SELECT length('origins')", "7"),
        (
            "SELECT count(oid::regclass) FROM pg_class WHERE relname = 'origins'",
            "3",
        ),
    ] {
        answered(&db, sql, answer.trim_matches('"'));
    }
}

#[test]
fn sql_in_a_string_reads_no_sharded_table() {
    let db = db();
    for (sql, by) in [
        (
            "SELECT query_to_xml('SELECT count(*) FROM origins', true, false, '')",
            "query_to_xml()",
        ),
        (
            "SELECT pg_catalog.query_to_xmlschema($$TABLE \"origins\"$$, true, false, '')",
            "query_to_xmlschema()",
        ),
        (
            "SELECT count(*) FROM ts_stat('SELECT to_tsvector(id::text) FROM origins')",
            "ts_stat()",
        ),
        (
            "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery FROM origins')",
            "ts_rewrite()",
        ),
    ] {
        let what = format!("{by} runs the SQL in its string, where \"origins\"");
        refused(&db, sql, &[&what, "without --global"]);
    }
    refused(
        &db,
        "SELECT * FROM ts_stat('SELECT to_tsvector(id::text) FROM ori' || 'gins')",
        &["ts_stat()", "whatever SQL"],
    );
    for (sql, answer) in [
        (
            "SELECT count(*) FROM ts_stat('SELECT to_tsvector(id::text) FROM public.origins')",
            "0",
        ),
        (
            "SELECT count(*) FROM ts_stat('SELECT to_tsvector(id::text) FROM notes')",
            "0",
        ),
        ("SELECT ts_rewrite('a'::tsquery, 'a', 'c')", "'c'"),
    ] {
        answered(&db, sql, answer);
    }
}

#[test]
fn where_the_session_looks_is_not_where_the_rows_are() {
    let db = db();
    for sql in [
        "SELECT current_schema, count(*) FROM origins GROUP BY 1",
        "SELECT pg_catalog.current_schema() FROM origins",
        "SELECT current_schemas(false) FROM origins",
        "SELECT current_setting('search_path') FROM origins",
        "SELECT current_setting('Search_Path') FROM origins",
        "SELECT \"current_schema\"() FROM origins",
        "SELECT pg_catalog.\"current_schemas\"(true) FROM origins",
    ] {
        refused(
            &db,
            sql,
            &["where this session looks", "select the column shard"],
        );
    }
    answered(&db, "SELECT count(*) AS current_schema FROM origins", "2");
}

/// No WITH is put in front of their bodies, so they do not read the sharded tables.
#[test]
fn functions_and_views_see_the_database_as_it_is() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (id int); INSERT INTO t VALUES ({n})");
    db.sql(
        "SET check_function_bodies = off;
         CREATE FUNCTION public.total() RETURNS bigint STABLE LANGUAGE sql
             AS 'SELECT count(*) FROM t';
         CREATE FUNCTION public.total_plpgsql() RETURNS bigint STABLE LANGUAGE plpgsql
             AS 'BEGIN RETURN (SELECT count(*) FROM t); END';
         CREATE VIEW public.first AS SELECT * FROM shard_0.t",
    );
    for function in ["total()", "total_plpgsql()"] {
        refused(
            &db,
            &format!("SELECT {function} FROM t"),
            &[
                "relation \"t\" does not exist",
                "a function or a view sees the database as it is",
            ],
        );
    }
    answered(&db, "SELECT count(*) FROM first", "1");
}

#[test]
fn what_changes_from_call_to_call_is_one_statements_business() {
    let db = db();
    for (sql, function) in [
        (
            "SELECT count(*) FROM origins WHERE random() < 0.5",
            "random()",
        ),
        (
            "SELECT max(clock_timestamp()) FROM origins",
            "clock_timestamp()",
        ),
        (
            "SELECT gen_random_uuid() FROM origins ORDER BY 1 LIMIT 1",
            "gen_random_uuid()",
        ),
    ] {
        shardq(["query", "-g", "--strategy", "partial", sql])
            .db(&db)
            .run()
            .assert(
                1,
                "",
                has_all([
                    &*format!("{function} returns a different value on each call"),
                    "remove the flag",
                ]),
            );
        shardq(["query", "-g", "--explain", sql])
            .db(&db)
            .run()
            .assert(0, has("-- one statement: "), "");
    }
    answered(
        &db,
        "SELECT count(DISTINCT random()) = count(*) FROM origins",
        "t",
    );
}

/// Any kind of object in a shard that a string can name. `pg_input_is_valid` is known by its name,
/// because it exists only from version 16.
#[test]
fn nothing_of_the_shards_is_looked_up_by_its_name() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN amount AS int; CREATE SEQUENCE counter;
         CREATE TABLE own (id int PRIMARY KEY, mood mood); INSERT INTO own VALUES ({n}, 'ok');
         CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
         CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int);
         CREATE COLLATION here (LOCALE = 'C');
         CREATE TEXT SEARCH CONFIGURATION words (COPY = pg_catalog.simple)",
    );
    for (sql, name, by) in [
        ("SELECT to_regtype('own[]')", "own", "to_regtype()"),
        ("SELECT to_regtype('_own')", "_own", "to_regtype()"),
        (
            "SELECT to_regclass('own_pkey')",
            "own_pkey",
            "to_regclass()",
        ),
        ("SELECT to_regtype('mood')", "mood", "to_regtype()"),
        ("SELECT 'amount'::regtype", "amount", "a regtype"),
        ("SELECT to_regproc('twice')", "twice", "to_regproc()"),
        (
            "SELECT to_regprocedure('twice(int)')",
            "twice",
            "to_regprocedure()",
        ),
        ("SELECT to_regoper('===')", "===", "to_regoper()"),
        (
            "SELECT to_regcollation('here')",
            "here",
            "to_regcollation()",
        ),
        ("SELECT to_tsvector('words', 'a')", "words", "to_tsvector()"),
        ("SELECT nextval('counter')", "counter", "nextval()"),
        (
            "SELECT has_sequence_privilege('counter', 'usage')",
            "counter",
            "has_sequence_privilege()",
        ),
        (
            "SELECT has_function_privilege('twice(int)', 'execute')",
            "twice",
            "has_function_privilege()",
        ),
        (
            "SELECT has_type_privilege('mood', 'usage')",
            "mood",
            "has_type_privilege()",
        ),
        (
            "SELECT pg_get_object_address('table', '{own}', '{}')",
            "own",
            "pg_get_object_address()",
        ),
        ("SELECT '{own,int}'::regtype[]", "own", "an array of names"),
    ] {
        refused(&db, sql, &[&format!("{by} looks up '{name}'"), "--global"]);
    }
    for (sql, by) in [
        ("SELECT format('%I', 'own')::regclass", "a cast to regclass"),
        ("SELECT format('%s', 'o')::regclass", "a cast to regclass"),
        ("SELECT ('ow' || 'n')::regclass", "a cast to regclass"),
        (
            "SELECT to_regtype(typname::text) FROM pg_type",
            "to_regtype()",
        ),
        (
            "SELECT current_setting('search' || '_path')",
            "current_setting()",
        ),
    ] {
        let found = shardq(["query", "-g", sql]).db(&db).run();
        found.assert(1, "", has_all([by, "--global"]));
    }
    for (sql, answer) in [
        ("SELECT to_regtype('int[]')", "integer[]"),
        ("SELECT to_regclass('mood') IS NULL", "t"),
        ("SELECT to_regtype('shard_0.mood')", "shard_0.mood"),
        ("SELECT to_tsvector('simple', 'word')", "'word':1"),
        ("SELECT current_setting('TimeZone') <> ''", "t"),
        (
            "SELECT count(*) FROM pg_class WHERE relname IN ('own', 'own_pkey')",
            "4",
        ),
    ] {
        answered(&db, sql, answer);
    }
}
