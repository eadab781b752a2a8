//! Parquet as other readers see it: pyarrow, in a virtual environment of the test's own.

use crate::support::{ANY, Db, export, folder, has, has_all, read_parquet, verify};

#[test]
fn types_and_values_arrive_as_they_were() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TYPE mood AS ENUM ('fine'); \
         CREATE TABLE t (id int8, small int2, ratio float8, price numeric(38,4), bare numeric, \
           ok bool, day date, at timestamptz, local timestamp, name text, tags text[], \
           numbers int8[], addresses inet[], raw bytea, mood mood, doc jsonb); \
         INSERT INTO t VALUES \
          (721096797631602718, -1, 0.1, -1234567890123456789012345678901234.5678, 1e-30, true, \
           '0001-01-01', '2017-05-19 21:00:27.943001+02', '1969-12-31 23:59:59.999999', 'žluť', \
           ARRAY['a,\"b\"', NULL, ''], '{1,NULL,-9223372036854775808}', '{10.0.0.1}', '\\x00ff', \
           'fine', '{\"a\": 1}'), \
          (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL)",
    );
    let folder = folder();
    let file = folder.path().join("t.parquet");
    export(&db, "SELECT * FROM t ORDER BY id", &file)
        .run()
        .assert(0, "", has("4 rows · 2/2 shards"));
    verify(&file)
        .run()
        .assert(0, "", has_all(["4 rows", "2/2 shards"]));
    let Some(printed) = read_parquet(
        &file,
        "for f in t.schema: print(f.name, f.type)\n\
         for k, v in rows[0].items(): print(k, repr(v))\n\
         print([k for k, v in rows[1].items() if v is not None], rows[1]['numbers'], rows[2]['shard'])",
    ) else {
        return;
    };
    assert_eq!(
        printed,
        "shard string\nid int64\nsmall int16\nratio double\nprice decimal128(38, 4)\nbare string\n\
         ok bool\nday date32[day]\nat timestamp[us, tz=UTC]\nlocal timestamp[us]\nname string\n\
         tags list<item: string>\nnumbers list<item: int64>\naddresses string\nraw string\n\
         mood string\ndoc string\n\
         shard 'shard_0'\nid 721096797631602718\nsmall -1\nratio 0.1\n\
         price Decimal('-1234567890123456789012345678901234.5678')\n\
         bare '0.000000000000000000000000000001'\nok True\nday datetime.date(1, 1, 1)\n\
         at datetime.datetime(2017, 5, 19, 19, 0, 27, 943001, tzinfo=zoneinfo.ZoneInfo(key='UTC'))\n\
         local datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)\nname 'žluť'\n\
         tags ['a,\"b\"', None, '']\nnumbers [1, None, -9223372036854775808]\n\
         addresses '{10.0.0.1}'\nraw '\\\\x00ff'\nmood 'fine'\ndoc '{\"a\": 1}'\n\
         ['shard', 'numbers'] [] shard_1\n"
    );
}

#[test]
fn the_last_days_of_the_calendar_are_kept() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.parquet");
    let sql = "SELECT timestamp '9999-12-31' AS until, timestamp '9999-12-31 23:59:59.999999' AS last, \
               timestamptz '9999-12-31 23:59:59+00' AS at, timestamp '0001-01-01' AS first, date '9999-12-31' AS day";
    export(&db, sql, &file).run().assert(0, "", ANY);
    let Some(printed) = read_parquet(&file, "for v in rows[0].values(): print(v)") else {
        return;
    };
    assert_eq!(
        printed,
        "shard_0\n9999-12-31 00:00:00\n9999-12-31 23:59:59.999999\n\
         9999-12-31 23:59:59+00:00\n0001-01-01 00:00:00\n9999-12-31\n"
    );
}

#[test]
fn row_groups_are_bounded_and_zstd() {
    let db = Db::with_shards(2);
    let folder = folder();
    let file = folder.path().join("t.parquet");
    let sql = "SELECT n, md5(n::text) || md5((n + 1)::text) AS noise FROM generate_series(1, 600000) AS n";
    let ran = export(&db, sql, &file).run();
    ran.assert(0, "", has("1,200,000 rows"));
    assert!(
        ran.peak_memory_kib < 128 << 10,
        "{} KiB",
        ran.peak_memory_kib
    );
    let Some(printed) = read_parquet(
        &file,
        "m = file.metadata\n\
         groups = [m.row_group(i) for i in range(m.num_row_groups)]\n\
         print(len(groups) > 1, max(g.total_byte_size for g in groups) < 128 << 20, \
               groups[0].column(2).compression, m.num_rows, len(set(r['noise'] for r in rows)))",
    ) else {
        return;
    };
    assert_eq!(printed, "True True ZSTD 1200000 600000\n");
}

#[test]
fn a_value_that_its_type_cannot_hold_is_refused_and_not_bent() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.parquet");
    for (sql, column, value) in [
        ("SELECT 'NaN'::numeric(10,2) AS price", "price", "NaN"),
        ("SELECT 'infinity'::timestamptz AS at", "at", "infinity"),
        (
            "SELECT timestamp '10000-01-01' AS at",
            "at",
            "10000-01-01 00:00:00, which Parquet cannot hold as a timestamp of the years 1 to 9999",
        ),
        ("SELECT date '0001-01-01 BC' AS day", "day", "0001-01-01 BC"),
        ("SELECT '{{1},{2}}'::int[] AS matrix", "matrix", "{{1},{2}}"),
    ] {
        let hint = format!("cast it in the query: {column}::text");
        export(&db, sql, &file).run().assert(
            1,
            "",
            has_all([
                format!("column \"{column}\" of shard_0 holds {value}").as_str(),
                hint.as_str(),
                "t.parquet was not written",
            ]),
        );
        assert!(!file.exists());
        export(
            &db,
            &format!("SELECT {column}::text FROM ({sql}) AS s"),
            &file,
        )
        .run()
        .assert(0, "", ANY);
        std::fs::remove_file(&file).unwrap();
        std::fs::remove_file(folder.path().join("t.parquet.manifest.json")).unwrap();
    }
}

#[test]
fn the_same_rows_are_the_same_bytes_however_they_arrive() {
    let db = Db::with_shards(2);
    let folder = folder();
    let file = |name: &str| folder.path().join(name);
    let sql = "SELECT n, md5(n::text) AS noise FROM generate_series(1, 20000) AS n";
    export(&db, sql, &file("at_once.parquet"))
        .run()
        .assert(0, "", has("40,000 rows · 2/2 shards"));
    let hesitant = "SELECT n, md5(n::text) AS noise FROM generate_series(1, 20000) AS n \
                    WHERE n % 3000 <> 0 OR pg_sleep(0.02) IS NOT NULL";
    export(&db, hesitant, &file("bit_by_bit.parquet"))
        .run()
        .assert(0, "", has("40,000 rows · 2/2 shards"));
    let bytes = |name| std::fs::read(file(name)).unwrap();
    assert!(bytes("at_once.parquet") == bytes("bit_by_bit.parquet"));
}

/// Whether a timestamp can be stored depends on the timestamp, not on the session's time zone.
#[test]
fn a_moment_is_kept_or_refused_in_every_time_zone_alike() {
    let db = Db::with_shards(1);
    let folder = folder();
    let file = folder.path().join("t.parquet");
    let zones = [
        "UTC",
        "America/New_York",
        "Asia/Kolkata",
        "Etc/GMT+12",
        "Etc/GMT-14",
    ];
    let moments = [
        ("9999-12-31 23:59:59.999999+00", true),
        ("10000-01-01 00:00:00+00", false),
        ("0001-01-01 00:00:00+00", true),
        ("0001-12-31 23:59:59.999999+00 BC", false),
        ("0002-12-31 23:59:59+00 BC", false),
    ];
    for zone in zones {
        for (moment, is_kept) in moments {
            let sql = format!(
                "SELECT timestamptz '{moment}' AS at, ARRAY[timestamptz '{moment}'] AS all"
            );
            let ran = export(&db, &sql, &file)
                .args(["--force"])
                .env("PGTZ", zone)
                .run();
            if !is_kept {
                ran.assert(1, "", has("column \"at\" of shard_0 holds"));
                continue;
            }
            ran.assert(0, "", ANY);
            let epoch = db.ask(&format!(
                "SELECT (extract(epoch FROM timestamptz '{moment}') * 1000000)::bigint"
            ));
            let script = "c = t.column(1).chunk(0).cast('int64'); print(c[0].as_py())\n\
                          l = t.column(2).chunk(0).flatten().cast('int64'); print(l[0].as_py())";
            let Some(printed) = read_parquet(&file, script) else {
                return;
            };
            assert_eq!(printed, format!("{epoch}\n{epoch}\n"), "{moment} in {zone}");
        }
    }
}

#[test]
fn a_value_that_cannot_be_held_is_no_reason_to_resume() {
    let db = Db::with_shards(2);
    db.in_each_shard("CREATE TABLE t (price numeric(10,2)); INSERT INTO t VALUES ({n})");
    let folder = folder();
    let out = folder.path().join("out");
    let parts = |sql| export(&db, sql, &out).args(["--per-shard", "--format", "parquet"]);
    parts("SELECT price FROM t").run().assert(0, "", ANY);
    db.in_shard(1, "UPDATE t SET price = 'NaN'");
    let advice = "change the statement as described above, and export again with --force\n";
    let ran = parts("SELECT price FROM t").args(["--force"]).run();
    let stays = format!("out is unchanged; {advice}");
    ran.assert(
        1,
        "",
        has_all(["cast it in the query: price::text", stays.as_str()]),
    );
    assert!(!ran.stderr.contains("--resume"), "{}", ran.stderr);

    std::fs::remove_dir_all(&out).unwrap();
    let ran = parts("SELECT price FROM t").run();
    ran.assert(1, "", has(&format!("out is not complete; {advice}")));
    assert!(!ran.stderr.contains("--resume"), "{}", ran.stderr);
    // As the message advised.
    let changed = parts("SELECT price::text FROM t").args(["--force"]);
    changed.run().assert(0, "", has("2/2 shards"));
    verify(&out).run().assert(0, "", has("2/2 shards"));
}
