//! Machine-readable formats: CSV and TSV load back into Postgres as the same rows, and JSON matches
//! Postgres's own JSON functions.

use proptest::prelude::*;
use serde_json::Value;

use crate::support::{ANY, Db, has, has_all, shardq, types};

/// Few cases, because each one queries a server.
const CASES: u32 = 16;

fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Text made of pieces that break writers and readers.
fn nasty() -> impl Strategy<Value = Option<String>> {
    let piece = prop_oneof![
        2 => "[a-z]{1,6}",
        3 => prop::sample::select(vec![
            "\n", "\t", "\r", "\r\n", "\u{1b}", "\u{7f}", "\u{8}", "\u{b}", "\u{c}", "\u{2028}", "\u{feff}", "\\",
            "\\.", "\\N", "\"", "\"\"", "'", ",", ";", "|", " ", "日本", "😀", "e\u{301}", "NULL", "null", "{}",
        ]).prop_map(str::to_owned),
    ];
    prop::option::weighted(
        0.9,
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat()),
    )
}

fn literal(text: Option<&String>) -> String {
    text.map_or("NULL".to_owned(), |text| {
        format!("'{}'", text.replace('\'', "''"))
    })
}

fn number<T: ToString>(number: Option<T>) -> String {
    number.map_or("NULL".to_owned(), |n| format!("'{}'", n.to_string()))
}

/// The formats that `COPY` reads, with its options for each.
const COPIES: [(&str, &str); 2] = [
    ("--csv", "FORMAT csv, HEADER MATCH"),
    ("--tsv", "HEADER MATCH"),
];

/// Rows that only one of two relations has, as psql shows them.
fn difference(one: &str, other: &str) -> String {
    format!(
        "(SELECT 'more' AS which, * FROM (TABLE {one} EXCEPT ALL TABLE {other}) AS d) \
             UNION ALL (SELECT 'less', * FROM (TABLE {other} EXCEPT ALL TABLE {one}) AS d)"
    )
}

#[test]
fn csv_and_tsv_load_back_as_the_same_rows() {
    let db = Db::with_shards(2);
    db.sql(
        "CREATE TABLE public.back (shard text, a text, n numeric, b text, list text[], raw bytea)",
    );
    let row = (nasty(), prop::option::of(any::<i64>()), nasty(), nasty());
    proptest!(cases(), |(rows in prop::collection::vec(row, 1..8))| {
        let values: Vec<_> = rows.iter().map(|(a, n, b, element)| {
            let element = literal(element.as_ref());
            format!(
                "({}, {}::numeric, {}, ARRAY[{element}, '']::text[], convert_to({element}, 'UTF8'))",
                literal(a.as_ref()), number(*n), literal(b.as_ref()),
            )
        }).collect();
        let sql = format!("SELECT * FROM (VALUES {}) AS v(a, n, b, list, raw)", values.join(",\n"));
        for (flag, options) in COPIES {
            let answer = shardq(["query", "-q", flag, "-f", "-"]).db(&db).stdin(sql.as_str()).run().output();
            let load = format!("COPY public.back FROM STDIN ({options})");
            let asked = format!("CREATE TEMP VIEW asked AS SELECT shard, v.* FROM unnest(ARRAY['shard_0', 'shard_1']) AS shard, ({sql}) AS v");
            let left = db
                .psql_program(["-At", "-v", "ON_ERROR_STOP=1", "-c", "TRUNCATE public.back", "-c", &load, "-c", &asked])
                .args(["-c", &difference("public.back", "asked")])
                .stdin(answer.as_str())
                .run();
            left.assert(0, "", "");
        }
    });
}

#[test]
fn every_type_loads_back_as_the_same_values() {
    let db = Db::with_shards(2);
    for shard in [0, 1] {
        db.in_shard(shard, &types::table(types::BUILT_IN, shard as usize));
    }
    for (flag, options) in COPIES {
        let answer = shardq(["query", "-q", flag, "SELECT * FROM t"])
            .db(&db)
            .run()
            .output();
        db.sql("DROP TABLE IF EXISTS public.back; CREATE TABLE public.back (shard text, LIKE shard_0.t)");
        let load = format!("COPY public.back FROM STDIN ({options})");
        db.psql_program(["-c", &load])
            .stdin(answer)
            .run()
            .assert(0, "", ANY);
        // Compared as text, because not every type has equality.
        let left = db.ask(
            "WITH asked AS (SELECT 'shard_0' AS shard, * FROM shard_0.t UNION ALL SELECT 'shard_1', * FROM shard_1.t)
             SELECT b.shard, b.row FROM public.back AS b FULL JOIN asked AS a USING (shard, row)
             WHERE a::text IS DISTINCT FROM b::text",
        );
        assert_eq!(left, "", "{flag}");
    }
}

#[test]
fn null_and_the_empty_string_stay_apart() {
    let db = Db::with_shards(1);
    let sql = "SELECT NULL AS a, '' AS b, '\\N' AS c, 'NULL' AS d";
    let csv = "shard,a,b,c,d\nshard_0,,\"\",\\N,NULL\n";
    let tsv = "shard\ta\tb\tc\td\nshard_0\t\\N\t\t\\\\N\tNULL\n";
    let null = "shard,a,b,c,d\nshard_0,NULL,,\\N,\"NULL\"\n";
    shardq(["query", "-q", "--csv", sql])
        .db(&db)
        .run()
        .assert(0, csv, "");
    shardq(["query", "-q", "--tsv", sql])
        .db(&db)
        .run()
        .assert(0, tsv, "");
    shardq(["query", "-q", "--csv", "--null", "NULL", sql])
        .db(&db)
        .run()
        .assert(0, null, "");
}

/// The result of `--json` and `--jsonl`, which must be the same.
#[track_caller]
fn json(db: &Db, sql: &str) -> Vec<Value> {
    let ask = |flag| {
        shardq(["query", "-q", flag, "-f", "-"])
            .db(db)
            .stdin(sql)
            .run()
            .output()
    };
    let lines = ask("--jsonl");
    let lines: Vec<Value> = lines
        .split_terminator('\n')
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let array: Value = serde_json::from_str(&ask("--json")).unwrap();
    assert_eq!(array, Value::Array(lines.clone()));
    lines
}

#[test]
fn json_says_what_to_json_says() {
    let db = Db::with_shards(2);
    let row = (
        nasty(),
        prop::option::of(any::<i64>()),
        prop::option::of(any::<f64>()),
        prop::option::of(any::<bool>()),
        nasty(),
    );
    proptest!(cases(), |(rows in prop::collection::vec(row, 1..8))| {
        let values: Vec<_> = rows.iter().map(|(text, int, float, bool, inner)| {
            let (text, inner) = (literal(text.as_ref()), literal(inner.as_ref()));
            format!(
                "({text}, {int}::int8, {float}::float8, {bool}::bool, {int}::numeric / 3, \
                 jsonb_build_object('a', {inner}::text, 'b', ARRAY[{bool}, NULL]::bool[]), \
                 json_build_array({int}::int8, {inner}::text), ({int}::int8 % 1000)::int2, {float}::float8::numeric)",
                int = number(*int), float = number(*float), bool = number(*bool),
            )
        }).collect();
        let sql = format!("SELECT * FROM (VALUES {}) AS v(t, i, f, b, n, jb, j, \"small\"\"\n\", m)", values.join(",\n"));
        let expected = db.psql_program(["-At", "-f", "-"]).stdin(format!(
            "SELECT row_to_json(r) FROM (SELECT shard, v.* FROM unnest(ARRAY['shard_0', 'shard_1']) AS shard, ({sql}) AS v) AS r"
        ));
        // JSON values inside row_to_json may contain line breaks.
        let expected = expected.run().output();
        let expected: Vec<Value> = serde_json::Deserializer::from_str(&expected).into_iter().map(Result::unwrap).collect();
        prop_assert_eq!(json(&db, &sql), expected);
    });
}

#[test]
fn json_has_numbers_booleans_nulls_and_documents() {
    let db = Db::with_shards(1);
    let sql = r#"SELECT 1.50 AS n, 721096797631602718 AS id, true AS b, NULL AS nothing, '{"a": [1, {"b": null}]}'::jsonb AS doc,
        '{"a":
          1.0}'::json AS raw, 'NaN'::float8 AS nan, '-Infinity'::numeric AS inf, '{1,2}'::int[] AS list, '$1'::money AS m"#;
    let expected = concat!(
        r#"{"shard":"shard_0","n":1.50,"id":721096797631602718,"b":true,"nothing":null,"doc":{"a": [1, {"b": null}]},"#,
        r#""raw":{"a":           1.0},"nan":"NaN","inf":"-Infinity","list":"{1,2}","m":"$1.00"}"#,
        "\n"
    );
    shardq(["query", "-q", "--jsonl", sql])
        .db(&db)
        .run()
        .assert(0, expected, "");
    let expected = format!("[\n{expected}]\n");
    shardq(["query", "-q", "--json", sql])
        .db(&db)
        .run()
        .assert(0, &expected, "");
}

#[test]
fn bigints_are_strings_where_asked_for() {
    let db = Db::with_shards(1);
    let sql =
        "SELECT 721096797631602718 AS id, 1.5 AS n, 7 AS i, 0.5::float8 AS f, NULL::int8 AS none";
    let expected =
        r#"{"shard":"shard_0","id":"721096797631602718","n":"1.5","i":7,"f":0.5,"none":null}"#;
    shardq(["query", "-q", "--jsonl", "--bigint-as-string", sql])
        .db(&db)
        .run()
        .assert(0, &format!("{expected}\n"), "");
}

#[test]
fn json_without_rows_is_an_empty_array() {
    let db = Db::with_shards(2);
    let sql = "SELECT 1 AS n WHERE false";
    shardq(["query", "-q", "--json", sql])
        .db(&db)
        .run()
        .assert(0, "[]\n", "");
    shardq(["query", "-q", "--jsonl", sql])
        .db(&db)
        .run()
        .assert(0, "", "");
}

#[test]
fn two_columns_of_one_name_are_refused_in_json_with_what_to_do() {
    let db = Db::with_shards(2);
    for flag in ["--json", "--jsonl"] {
        shardq(["query", flag, "SELECT 1, 2"]).db(&db).run().assert(
            1,
            "",
            has_all(["two columns are named \"?column?\"", "AS other_name"]),
        );
    }
    let csv = "shard,?column?,?column?\nshard_0,1,2\nshard_1,1,2\n";
    shardq(["query", "--csv", "SELECT 1, 2"])
        .db(&db)
        .run()
        .assert(0, csv, ANY);
}

#[test]
fn a_column_called_shard_is_refused_in_json_with_what_to_do() {
    let db = Db::with_shards(1);
    let sql = "SELECT 'mine' AS shard";
    for flag in ["--json", "--jsonl"] {
        let refused = shardq(["query", flag, sql]).db(&db).run();
        refused.assert(
            1,
            "",
            has_all([
                "the query already has a column \"shard\"",
                "--shard-column NAME",
                "--no-shard-column",
            ]),
        );
    }
    let own = "{\"shard\":\"mine\"}\n";
    shardq(["query", "--jsonl", "--no-shard-column", sql])
        .db(&db)
        .run()
        .assert(0, own, has("1/1 shards"));
    let renamed = "{\"of\":\"shard_0\",\"shard\":\"mine\"}\n";
    shardq(["query", "--jsonl", "--shard-column", "of", sql])
        .db(&db)
        .run()
        .assert(0, renamed, has("1/1 shards"));
}
