//! Settings of a session, role or database that must not change a file: value formats, and the
//! order of a shard's rows.

use std::fs;
use std::path::Path;

use crate::support::{ANY, Db, Program, export, folder, has, manifest, shardq};

/// Values whose text depends on settings.
const VALUES: &str = "CREATE TABLE t AS SELECT {n} AS n, date '2020-03-05' AS day, \
    '{2020-03-05}'::date[] AS days, timestamptz '2020-03-05 12:00:00.5+00' AS at, \
    make_interval(days => -1, hours => 2) AS took, 0.1::float8 + 0.2 AS ratio, 1.1::float4 / 3 AS small, \
    '\\xdead5c00'::bytea AS raw, '{\\\\xdead}'::bytea[] AS raws, 'pg_class'::regclass AS class";

const COLUMNS: &str =
    "SELECT n, day, days, at, took, ratio, small, raw, raws, class FROM t ORDER BY n";

/// Set for the database, and by the user.
const DATABASE: [&str; 5] = [
    "DateStyle = 'SQL, DMY'",
    "IntervalStyle = 'sql_standard'",
    "extra_float_digits = 0",
    "bytea_output = escape",
    "quote_all_identifiers = on",
];
const SESSION: &str = "-c datestyle=German -c intervalstyle=iso_8601 -c extra_float_digits=-3 \
                       -c bytea_output=escape -c quote_all_identifiers=on";

fn set(db: &Db, settings: &[&str]) {
    for setting in settings {
        db.sql(&format!("ALTER DATABASE \"{}\" SET {setting}", db.name()));
    }
}

#[track_caller]
fn written(export: Program, file: &Path) -> String {
    export.args(["--force"]).run().assert(0, "", ANY);
    fs::read_to_string(file).unwrap()
}

#[test]
fn values_are_written_in_the_same_way_whatever_is_set() {
    let db = Db::with_shards(2);
    db.in_each_shard(VALUES);
    let folder = folder();
    let ways = [
        (&[][..], "t.csv", "t.csv"),
        (&[], "t.tsv", "t.tsv"),
        (&[], "t.jsonl", "t.jsonl"),
        (&["--excel"], "excel.csv", "excel.csv"),
        (
            &["--order", "arrival", "-j", "1"],
            "arrival.csv",
            "arrival.csv",
        ),
        (&["-g"], "one.csv", "one.csv"),
        (&["-g"], "one.jsonl", "one.jsonl"),
        (&["--per-shard"], "parts", "parts/shard=shard_1/part.csv"),
    ];
    let all = |options: &str| {
        ways.map(|(flags, target, file)| {
            let export = export(&db, COLUMNS, &folder.path().join(target))
                .args(flags)
                .env("PGOPTIONS", options);
            written(export, &folder.path().join(file))
        })
    };
    let plain = all("");
    set(&db, &DATABASE);
    assert_eq!(all(""), plain);
    assert_eq!(all(SESSION), plain);
    let parquet = folder.path().join("t.parquet");
    export(&db, COLUMNS, &parquet).run().assert(0, "", ANY);
    // A query prints what psql prints.
    let here = shardq(["query", "--csv", "-t", "SELECT day FROM t"]);
    here.db(&db)
        .run()
        .assert(0, "shard_0,05/03/2020\nshard_1,05/03/2020\n", ANY);
}

#[test]
fn a_database_with_other_settings_loads_the_same_values() {
    let (db, other) = (Db::with_shards(2), Db::with_shards(1));
    set(&db, &DATABASE);
    db.in_each_shard(VALUES);
    let folder = folder();
    for (ending, options) in [("csv", "FORMAT csv, HEADER"), ("tsv", "HEADER")] {
        let file = folder.path().join(format!("t.{ending}"));
        let text = written(export(&db, COLUMNS, &file), &file);
        other.sql("DROP TABLE IF EXISTS back");
        other.sql(
            "CREATE TABLE back (shard text, n int, day date, days date[], at timestamptz, \
             took interval, ratio float8, small float4, raw bytea, raws bytea[], class regclass)",
        );
        let load = format!("COPY back FROM STDIN ({options})");
        let psql = other.psql_program(["-v", "ON_ERROR_STOP=1", "-c", &load]);
        psql.stdin(text).run().assert(0, "", "");
        // Compared with values that do not depend on settings.
        assert_eq!(
            other.ask(
                "SELECT n, day = make_date(2020, 3, 5), days[1] = day, \
                 at = timestamptz '2020-03-05 12:00:00.5+00', \
                 took = make_interval(days => -1, hours => 2), \
                 ratio = 0.1::float8 + 0.2, small = 1.1::float4 / 3, raw = '\\xdead5c00', \
                 raws[1] = '\\xdead', class = 'pg_class'::regclass FROM back ORDER BY n"
            ),
            "0|t|t|t|t|t|t|t|t|t\n1|t|t|t|t|t|t|t|t|t"
        );
    }
}

/// ISO output does not change how dates in the statement are parsed.
#[test]
fn dates_in_the_statement_are_read_as_the_database_has_it() {
    let db = Db::with_shards(1);
    set(&db, &DATABASE);
    let folder = folder();
    let file = folder.path().join("t.csv");
    let text = written(export(&db, "SELECT date '05/03/2020' AS day", &file), &file);
    assert_eq!(text, "shard,day\nshard_0,2020-03-05\n");
}

/// Makes Postgres plan parallel workers even for small tables.
const WORKERS: &str = "-c parallel_setup_cost=0 -c parallel_tuple_cost=0 \
                       -c min_parallel_table_scan_size=0 -c max_parallel_workers_per_gather=4";

#[test]
fn rows_come_in_the_same_order_where_workers_would_mix_them() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 100000) AS g");
    let sql = "SELECT id FROM t WHERE id % 2 = 0";
    let plan = db
        .psql_program(["-At", "-c", &format!("EXPLAIN {sql}")])
        .env("PGOPTIONS", format!("{WORKERS} -c search_path=shard_0"))
        .run()
        .output();
    assert!(plan.contains("Gather"), "{plan}");
    let folder = folder();
    let file = folder.path().join("t.csv");
    let first = written(export(&db, sql, &file), &file);
    for _ in 0..4 {
        let again = export(&db, sql, &file).env("PGOPTIONS", WORKERS);
        assert!(
            written(again, &file) == first,
            "the rows come in another order"
        );
    }
}

#[test]
fn one_statement_over_all_shards_and_any_order_keep_their_workers() {
    let db = Db::with_shards(1);
    let sql = "SELECT current_setting('synchronize_seqscans') AS scans, \
               current_setting('max_parallel_workers_per_gather') AS workers";
    let folder = folder();
    for (flags, target, file, settings) in [
        (&["--no-shard-column"][..], "t.csv", "t.csv", "off,0"),
        (&["--per-shard"], "t", "t/shard=shard_0/part.csv", "off,0"),
        (
            &["--no-shard-column", "--order", "arrival"],
            "a.csv",
            "a.csv",
            "on,4",
        ),
        (&["-g"], "g.csv", "g.csv", "off,4"),
    ] {
        let export = export(&db, sql, &folder.path().join(target)).args(flags);
        let text = written(export.env("PGOPTIONS", WORKERS), &folder.path().join(file));
        assert_eq!(text, format!("scans,workers\n{settings}\n"), "{flags:?}");
    }
    shardq(["query", "--csv", "-t", sql])
        .db(&db)
        .env("PGOPTIONS", WORKERS)
        .run()
        .assert(0, "shard_0,on,4\n", ANY);
}

/// Settings that are part of a value's meaning are kept and recorded in the manifest.
#[test]
fn settings_that_stay_are_recorded_and_the_same_for_all_runs_of_an_export() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t AS SELECT timestamptz '2020-03-05 12:00+00' AS at");
    let folder = folder();
    let file = folder.path().join("t.csv");
    let kolkata = |export: Program| export.env("PGTZ", "Asia/Kolkata");
    let text = written(kolkata(export(&db, "SELECT at FROM t", &file)), &file);
    assert!(text.contains("2020-03-05 17:30:00+05:30"), "{text}");
    assert_eq!(
        manifest(&file)["settings"],
        serde_json::json!({
            "TimeZone": "Asia/Kolkata",
            "lc_monetary": db.ask("SHOW lc_monetary"),
        })
    );
    let out = folder.path().join("out");
    let parts = || export(&db, "SELECT at FROM t", &out).args(["--per-shard"]);
    kolkata(parts()).run().assert(0, "", ANY);
    fs::remove_file(out.join("shard=shard_1/part.csv")).unwrap();
    let resume = || parts().args(["--resume"]);
    resume().env("PGTZ", "UTC").run().assert(
        1,
        "",
        has("the setting TimeZone was Asia/Kolkata, and is now UTC"),
    );
    kolkata(resume()).run().assert(0, "", has("2/2 shards"));
}
