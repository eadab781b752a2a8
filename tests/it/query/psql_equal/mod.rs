//! Every value is exactly what psql prints: the tests ask psql for the same. `side_by_side` runs both.

mod side_by_side;

use side_by_side::{FORMATS, Session, TWO_FORMATS, same};

use crate::support::types::{self, Sample};
use crate::support::{Db, has_all, shardq};

/// The built-in types of this server.
fn built_in(db: &Db) -> Vec<Sample> {
    let mut samples = types::BUILT_IN.to_vec();
    // A server may be built without xml.
    if db.psql_program(["-c", "SELECT '<a/>'::xml"]).run().status == 0 {
        samples.push(types::XML);
    }
    samples
}

fn with_built_in_types() -> Db {
    let db = Db::with_shards(2);
    let samples = built_in(&db);
    db.in_shard(0, &types::table(&samples, 0));
    db.in_shard(1, &types::table(&samples, 3));
    db
}

#[test]
fn the_sample_has_every_type_of_the_server() {
    let db = Db::empty();
    let names: Vec<_> = built_in(&db)
        .iter()
        .map(|(name, _)| format!("'{name}'::regtype"))
        .chain(
            types::NOT_WRITABLE
                .iter()
                .map(|name| format!("'{name}'::regtype")),
        )
        .collect();
    let missing = db.ask(&format!(
        "SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace \
         AND typtype IN ('b', 'r', 'm') \
         AND NOT EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = pg_type.oid) \
         AND oid <> ALL (ARRAY[{}])",
        names.join(", ")
    ));
    assert_eq!(
        missing, "",
        "give tests/it/support/types.rs values of these"
    );
}

#[test]
fn every_built_in_type_prints_as_in_psql_in_every_format() {
    let db = with_built_in_types();
    let sql = "SELECT * FROM t ORDER BY row";
    Session::default().assert_same_in_shard(&db, FORMATS, 1, sql);
}

#[test]
fn the_merged_result_is_what_a_hand_written_union_all_prints() {
    let db = with_built_in_types();
    Session::default().assert_same(
        &db,
        FORMATS,
        &[],
        "SELECT * FROM t",
        "SELECT 'shard_0'::text AS shard, * FROM shard_0.t UNION ALL SELECT 'shard_1', * FROM shard_1.t",
    );
}

#[test]
fn settings_of_the_session_shape_values_as_in_psql() {
    let db = with_built_in_types();
    let with = |options| Session {
        options,
        ..Session::default()
    };
    let sessions = [
        with(
            "-c datestyle=SQL,DMY -c intervalstyle=sql_standard -c bytea_output=escape -c timezone=Asia/Kathmandu",
        ),
        with(
            "-c datestyle=German -c intervalstyle=iso_8601 -c extra_float_digits=-10 -c xmlbinary=hex",
        ),
        with(
            "-c datestyle=Postgres,MDY -c intervalstyle=postgres_verbose -c extra_float_digits=0 -c timezone=America/St_Johns",
        ),
        Session {
            env: &[("PGTZ", "Europe/Prague"), ("PGDATESTYLE", "ISO, YMD")],
            ..Session::default()
        },
    ];
    let plain = Session::default().ours(&db, &["--csv"], "SELECT * FROM t");
    for session in sessions {
        let ours = session.ours(&db, &["--csv"], "SELECT * FROM t");
        assert_ne!(ours, plain, "{}: has no effect", session.options);
        let copy = "COPY (SELECT 'shard_0' AS shard, * FROM shard_0.t UNION ALL \
                    SELECT 'shard_1', * FROM shard_1.t) TO STDOUT (FORMAT csv, HEADER)";
        same(&[session.options], &ours, &session.psqls(&db, &[], copy));
    }
}

#[test]
fn types_that_each_shard_defines_for_itself_print_as_in_psql() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('', 'so so', 'it''s \"fine\"', 'žluť', 'a,b');
         CREATE DOMAIN positive AS int CHECK (value > 0);
         CREATE TYPE pair AS (a text, b mood, c int[]);
         CREATE TYPE moods AS RANGE (subtype = mood);
         CREATE TABLE t (m mood, ms mood[], p positive, ps positive[], r pair, rs pair[], g moods, gs moods[]);
         INSERT INTO t VALUES
            ('', '{a\\,b,NULL,\"\"}', {n} + 1, '{1,2}', ROW('x \"y\", z', 'so so', '{1,NULL}'),
             ARRAY[ROW('', NULL, '{}'), NULL]::pair[], '[\"\",žluť)', '{\"[so so,)\",empty}'),
            ('it''s \"fine\"', '{}', NULL, NULL, NULL, '{}', 'empty', NULL),
            (NULL, NULL, 7, '{}', ROW(NULL, NULL, NULL), NULL, NULL, '{}')",
    );
    for shard in [0, 1] {
        Session::default().assert_same_in_shard(
            &db,
            TWO_FORMATS,
            shard,
            "SELECT *, t, ROW(1, 'x', NULL, m), ARRAY(SELECT ROW(n, m) FROM generate_series(1, 2) n) FROM t",
        );
    }
    Session { search_path: "shard_0", ..Session::default() }.assert_same(
        &db,
        FORMATS,
        &[],
        "SELECT * FROM t",
        "SELECT 'shard_0'::text AS shard, * FROM shard_0.t UNION ALL \
         SELECT 'shard_1', m::text::mood, ms::text::mood[], p, ps::int[], r::text::pair, rs::text::pair[], \
         g::text::moods, gs::text::moods[] FROM shard_1.t",
    );
}

#[test]
fn types_of_extensions_print_as_in_psql() {
    let samples: &[(&str, Sample)] = &[
        ("citext", ("public.citext", &["Core", "", "a,b", "ŽLUŤ"])),
        (
            "hstore",
            ("public.hstore", &["", "a=>1, b=>NULL, \"c d\"=>\"e\\\"f\""]),
        ),
        ("ltree", ("public.ltree", &["a.b.c", ""])),
        ("cube", ("public.cube", &["(1,2),(3,4)", "0"])),
        ("seg", ("public.seg", &["1.50 .. 2", "<3"])),
        ("isn", ("public.isbn", &["978-0-393-04002-9"])),
    ];
    let db = Db::with_shards(2);
    let available = db.ask("SELECT name FROM pg_available_extensions");
    let (extensions, samples): (Vec<_>, Vec<_>) = samples
        .iter()
        .filter(|(extension, _)| available.lines().any(|line| line == *extension))
        .copied()
        .unzip();
    for extension in extensions {
        db.sql(&format!("CREATE EXTENSION {extension} SCHEMA public"));
    }
    for shard in [0, 1] {
        db.in_shard(shard, &types::table(&samples, shard as usize));
        Session::default().assert_same_in_shard(&db, TWO_FORMATS, shard, "SELECT * FROM t");
    }
}

#[test]
fn objects_are_named_as_the_shards_search_path_sees_them() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t (); CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    db.sql("CREATE TABLE public.elsewhere ()");
    for shard in [0, 1] {
        Session::default().assert_same_in_shard(
            &db,
            TWO_FORMATS,
            shard,
            "SELECT 't'::regclass, 't[]'::regtype, 'f'::regproc, 'f(t)'::regprocedure, \
             'public.elsewhere'::regclass, 'shard_1.t'::regclass, current_schemas(true)",
        );
    }
}

#[test]
fn values_that_only_the_catalogs_have_print_as_in_psql() {
    let db = Db::with_shards(1);
    db.in_shard(
        0,
        "CREATE TABLE t AS SELECT n % 3 AS a, (n % 3)::text AS b FROM generate_series(1, 99) n;
         ALTER TABLE t ALTER a SET DEFAULT 1 + 1;
         GRANT SELECT ON t TO PUBLIC;
         CREATE STATISTICS s ON a, b FROM t;
         ANALYZE t",
    );
    for sql in [
        "SELECT * FROM pg_statistic WHERE starelid = 't'::regclass ORDER BY staattnum",
        "SELECT * FROM pg_statistic_ext_data JOIN pg_statistic_ext ON oid = stxoid",
        "SELECT * FROM pg_attrdef",
        "SELECT relacl, relkind, relnamespace::regnamespace FROM pg_class WHERE oid = 't'::regclass",
        "SELECT * FROM pg_type ORDER BY oid",
        "SELECT * FROM pg_settings WHERE name ~ '^(date|bytea)' ORDER BY name",
    ] {
        Session::default().assert_same_in_shard(&db, TWO_FORMATS, 0, sql);
    }
}

#[test]
fn csv_is_psqls_too_where_nothing_is_null_or_empty() {
    let db = Db::with_shards(1);
    db.in_shard(0, "CREATE TABLE t AS SELECT * FROM (VALUES (1, E'a,b\\n\"c\"', 1.50), (2, ' ', 'NaN')) AS v(n, \"the text\", \"a,\"\"b\")");
    let sql = "SELECT * FROM t";
    let ours = Session::default().ours(&db, &["--csv", "--no-shard-column"], sql);
    let there = Session {
        search_path: "shard_0",
        ..Session::default()
    };
    same(&["--csv"], &ours, &there.psqls(&db, &["--csv"], sql));
}

#[test]
fn long_values_and_many_rows_print_as_in_psql() {
    let db = Db::with_shards(2);
    for sql in [
        "SELECT repeat('žluť,', 20000), n FROM generate_series(1, 2) n",
        "SELECT n, md5(n::text), NULLIF(n % 7, 0) FROM generate_series(1, 5000) n",
    ] {
        Session::default().assert_same_in_shard(&db, TWO_FORMATS, 1, sql);
    }
}

#[test]
fn a_database_in_another_encoding_answers_in_utf_8() {
    let db = Db::empty();
    let latin = format!("{}_latin2", db.name());
    db.sql(&format!(
        "CREATE DATABASE \"{latin}\" ENCODING 'LATIN2' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    ));
    let there = |sql| {
        let psql = db.psql_program(["-d", &latin, "-c", sql]);
        psql.env("PGCLIENTENCODING", "UTF8").run().output()
    };
    there("CREATE SCHEMA shard_0");
    let sql = "SELECT 'žluťoučký kůň' AS \"kůň\", chr(177) AS \"ą\"";
    let ours = shardq(["query", "-q", "--no-shard-column", "-d", &latin, sql]);
    ours.db(&db).run().assert(0, &there(sql), "");
}

#[test]
fn bytes_that_are_not_utf_8_can_be_seen_as_the_hint_says() {
    let db = Db::empty();
    let ascii = format!("{}_ascii", db.name());
    db.sql(&format!(
        "CREATE DATABASE \"{ascii}\" ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    ));
    db.psql([
        "-d",
        &ascii,
        "-c",
        r"CREATE SCHEMA shard_0; CREATE TABLE shard_0.t AS SELECT E'caf\xe9 \\'::text AS name",
    ]);
    let hint = "encode(convert_to(column_name, 'SQL_ASCII'), 'escape')";
    let told = || {
        has_all([
            "ERROR 22021: invalid byte sequence for encoding \"UTF8\": 0xe9",
            "a database with encoding SQL_ASCII can hold any bytes; to view them, select",
            hint,
        ])
    };
    let ask = |args: &[&str]| {
        shardq(["query", "-q", "-t", "--csv", "-d", &ascii])
            .args(args)
            .db(&db)
            .run()
    };
    ask(&["SELECT name FROM t"]).assert(1, "", told());
    ask(&["-g", "SELECT name FROM t"]).assert(1, "", told());
    let export = shardq(["export", "-o-", "-d", &ascii, "SELECT name FROM t"]);
    export.db(&db).run().assert(1, "", told());
    let shown = hint.replace("column_name", "name");
    ask(&[&format!("SELECT {shown} FROM t")]).assert(0, "shard_0,caf\\351 \\\\\n", "");
    ask(&["-g", &format!("SELECT {shown} FROM t")]).assert(0, "caf\\351 \\\\\n", "");
}
