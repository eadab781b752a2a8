//! Byte-for-byte output of psql and COPY, compared with the real programs.

use std::fmt::Write as _;

use proptest::prelude::*;
use shardq::output::format::{Finish, Format, RenderOptions, Renderer};
use shardq::pg::row_batch::Column;
use tokio_postgres::SimpleQueryMessage;

use crate::support::{Db, shardq};

/// The server's result, to be printed by the renderers alone.
fn answer(db: &Db, sql: &str) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let (client, connection) = tokio_postgres::Config::new()
            .host(db.variable("PGHOST"))
            .port(db.variable("PGPORT").parse().unwrap())
            .user(db.variable("PGUSER"))
            .dbname(db.name())
            .connect(tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let columns = client.prepare(sql).await.unwrap();
        let columns = columns.columns().iter().map(|column| Column {
            name: column.name().to_owned(),
            type_oid: column.type_().oid(),
            modifier: -1,
        });
        let messages = client.simple_query(sql).await.unwrap();
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|i| row.get(i).map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        });
        Answer {
            columns: columns.collect(),
            rows: rows.collect(),
        }
    })
}

struct Answer {
    columns: Vec<Column>,
    rows: Vec<Vec<Option<String>>>,
}

impl Answer {
    fn rendered(&self, format: Format, options: &RenderOptions) -> String {
        let mut out = Vec::new();
        let mut renderer = Renderer::new(format, options.clone());
        renderer.begin(&self.columns, &mut out).unwrap();
        for row in &self.rows {
            let values = row.iter().map(Option::as_deref);
            renderer.row(values, &mut out).unwrap();
        }
        let mut block = Vec::new();
        while renderer.finish(&mut block) == Finish::More {
            out.append(&mut block);
        }
        out.append(&mut block);
        String::from_utf8(out).unwrap()
    }
}

/// Compares all output options of psql and COPY for a query's result.
fn assert_same(db: &Db, sql: &str, null: &str) {
    let answer = answer(db, sql);

    let plain = RenderOptions::default();
    let null_text = RenderOptions {
        null: Some(null.to_owned()),
        ..plain.clone()
    };
    let tuples_only = RenderOptions {
        tuples_only: true,
        ..null_text.clone()
    };
    let copy = |options: &str| format!("COPY ({sql}) TO STDOUT ({options})");
    let quoted = format!("'{}'", null.replace('\\', "\\\\").replace('\'', "''"));
    let sql = || sql.to_owned();
    let cases = [
        (Format::Table, &plain, vec![sql()]),
        (Format::Expanded, &plain, vec!["\\x on".into(), sql()]),
        (
            Format::Expanded,
            &null_text,
            vec![format!("\\pset null {quoted}"), sql()],
        ),
        (Format::Expanded, &tuples_only, vec!["\\t on".into(), sql()]),
        (Format::Table, &tuples_only, vec!["\\x off".into(), sql()]),
        (Format::Table, &null_text, vec!["\\t off".into(), sql()]),
        (Format::Csv, &plain, vec![copy("FORMAT csv, HEADER")]),
        (
            Format::Csv,
            &null_text,
            vec![copy(&format!("FORMAT csv, HEADER, NULL '{null}'"))],
        ),
        (
            Format::Csv,
            &tuples_only,
            vec![copy(&format!("FORMAT csv, NULL '{null}'"))],
        ),
        (Format::Tsv, &plain, vec![copy("HEADER")]),
        (
            Format::Tsv,
            &null_text,
            vec![copy(&format!("HEADER, NULL '{null}'"))],
        ),
        (
            Format::Tsv,
            &tuples_only,
            vec![copy(&format!("NULL '{null}'"))],
        ),
    ];
    let mut commands = Vec::new();
    let mut ours = String::new();
    for (i, (format, options, case)) in cases.into_iter().enumerate() {
        commands.push(format!("\\echo == {i}"));
        commands.extend(case);
        let rendered = answer.rendered(format, options);
        write!(ours, "== {i}\n{rendered}").unwrap();
    }
    let commands = commands.iter().flat_map(|command| ["-c", command]);
    let theirs = db.psql_program([]).args(commands).run().output();
    let differ = ours.lines().zip(theirs.lines()).find(|(a, b)| a != b);
    assert!(
        ours == theirs,
        "{}\nfirst line that differs, ours and psql's: {differ:#?}\n\nours:\n{ours}",
        sql()
    );
}

#[test]
fn every_type_stands_where_psql_puts_it() {
    let db = Db::empty();
    assert_same(
        &db,
        r#"SELECT 1::int2 a, -2::int4 b, 721096797631602688::int8 c, 1.5::float4 d, 'NaN'::float8 e,
            1.50::numeric(10,2) f, 7::oid g, '8'::xid h, '9'::xid8 i, '10'::cid j, 11::money k,
            true, 'x'::"char", 'n'::name, 'text'::text, 'c'::char(5), 'v'::varchar,
            date '2017-05-19', timestamptz '2017-05-19 12:00+00', interval '1 day 2 hours', time '12:34',
            '\xdeadbeef'::bytea, '{1,2,NULL}'::int[], '{"a b",""}'::text[], '{"a": 1}'::json,
            '{"a":  1}'::jsonb, '10.0.0.1/8'::inet, point '(1,2)', int4range '[1,5)', '101'::bit(3),
            '(1,2)'::tid, '1/2'::pg_lsn, 'a & b'::tsquery, gen_random_uuid() IS NOT NULL, 'pg_class'::regclass,
            row(1, 'x', NULL), NULL
        UNION ALL
        SELECT 100, 200, 3, 'Infinity', 1e20, NULL, 70000, '80', '90', '100', 1100::money,
            false, 'y', 'longer name', '', 'cc', '', 'infinity', 'epoch', '1 year', '1:02:03.5',
            '', '{}', '{NULL}', '[1, 2]', '[1, 2]', '::1', point '(1e10,2)', 'empty', '111',
            '(10,20)', '10/20', 'b', false, 'pg_proc', row(2, '', 'y'), 'z'"#,
        "(null)",
    );
}

#[test]
fn control_characters_print_as_psql_prints_them() {
    let db = Db::empty();
    // psql 15 gives the soft hyphen (173) a column, psql 16 none.
    assert_same(
        &db,
        "SELECT chr(n) || 'x' AS value, n FROM generate_series(1, 300) n WHERE n <> 173",
        "",
    );
}

#[test]
fn tabs_and_line_breaks_print_as_psql_prints_them() {
    let db = Db::empty();
    assert_same(
        &db,
        "SELECT * FROM (VALUES
            (E'a\\tb', E'one\\ntwo\\n', 1, E'x\\ny'),
            (E'\\t', E'\\n', 22, ''),
            (E'日本\\tb', E'\\r\\n', NULL, E'last\\nlonger'),
            (E'\\n\\n', 'a', 4, NULL)
        ) AS v(\"tab\there\", \"two\nlines\", \"n\nn\nn\", \"last\ncolumn\")",
        "nothing",
    );
}

#[test]
fn scripts_of_any_width_line_up_as_in_psql() {
    let db = Db::empty();
    assert_same(
        &db,
        "SELECT * FROM (VALUES
            ('日本語', 'x', 1), ('žluťoučký kůň', 'y', 2), ('😀 smile', 'z', 3), (E'e\\u0301', 'w', 4),
            ('שלום', 'v', 5), ('مرحبا', 'u', 6), ('한국어', 't', 7), (E'\\u00A0', 's', 8), ('ｆｕｌｌ', '', 9),
            ('ไทย', '', 10), ('देवनागरी', '', 11), (E'\\uFFFD', '', 12), ('🇨🇿', '', 13)
        ) AS v(\"名前\", \"😀\", \"žluť\")",
        "∅",
    );
}

#[test]
fn every_character_has_the_width_that_psql_gives_it() {
    let db = Db::empty();
    // Widths are those of Unicode in psql 15; later versions use another one.
    let version = db.psql(["--version"]);
    if !version.contains(" 15.") {
        return;
    }
    // Sixteen per line, for speed. psql prints nothing for non-characters.
    db.create_shards([0]);
    let sql = "SELECT min(i) AS first, string_agg(chr(i), '' ORDER BY i) AS c, 'x' AS x
         FROM generate_series(1, 1114111) i
         WHERE i NOT BETWEEN 55296 AND 57343 AND i % 65536 < 65534
         GROUP BY i / 16 ORDER BY 1";
    let psqls = db.psql(["-c", sql]);
    let ours = shardq(["query", "-q", "--no-shard-column", sql]);
    let ours = ours.db(&db).run().output();
    let differ = ours.lines().zip(psqls.lines()).find(|(a, b)| a != b);
    assert!(ours == psqls, "ours and psql's: {differ:#?}");
}

#[test]
fn format_characters_line_up_as_in_psql() {
    let db = Db::empty();
    assert_same(
        &db,
        "SELECT * FROM (VALUES
            (E'zero\\u200Bwidth', 'x', 1), (E'\\uFEFFmark', 'y', 2), (E'soft\\u00ADhyphen', 'z', 3),
            (E'👩\\u200D👩\\u200D👧 family', 'w', 4), (E'\\u202Eright to left\\u202C', 'v', 5),
            (E'\\u2066isolated\\u2069', 'u', 6), (E'e\\u0301\\u0302\\u20DD', 't', 7), (E'❤\\uFE0F', 's', 8),
            (E'\\u061C', '', 9), (E'\\u2060\\u180E', '', 10), (E'\\u0085\\u001B', '', 11), (E'\\u1160\\u115F', '', 12),
            (E'a\\u200B\\tb', '', 13), (E'a\\u0301\\tb', '', 14)
        ) AS v(\"名\u{200b}前\", \"e\u{301}\", \"x\u{ad}y\")",
        "",
    );
}

#[test]
fn names_of_columns_are_data_too() {
    let db = Db::empty();
    assert_same(
        &db,
        "SELECT 1 AS \"a\"\"b\", 2 AS \"a,b\", 3 AS \"\x1b[31m\", 4 AS \"a\\b\", 5 AS \"a|b\",
            6 AS \" \", 7 AS \"a\nb\", 8 AS \"same\", 9 AS \"same\", 10",
        "",
    );
    assert_same(&db, "SELECT 1 AS \"\\.\"", "");
    assert_same(&db, "SELECT 1 AS \"null\"", "null");
}

#[test]
fn values_that_look_like_syntax_are_quoted_as_copy_quotes_them() {
    let db = Db::empty();
    assert_same(
        &db,
        "SELECT * FROM (VALUES ('\\.'), (''), (NULL), ('x')) AS v(a)",
        "x",
    );
    assert_same(
        &db,
        "SELECT * FROM (VALUES ('\\.', ''), (NULL, 'null'), (' a ', '\"'), ('\\N', ''','), (E'\\r', E'\\n')) AS v(a, b)",
        "null",
    );
}

#[test]
fn long_values_and_many_rows_print_as_in_psql() {
    let db = Db::empty();
    assert_same(&db, "SELECT repeat('x', 100000) AS long, 1 AS n", "");
    for rows in [1, 9, 10, 1001] {
        assert_same(
            &db,
            &format!("SELECT n AS i FROM generate_series(1, {rows}) n"),
            "",
        );
    }
}

#[test]
fn a_record_s_label_may_be_wider_than_the_record() {
    let db = Db::empty();
    for name in ["a", "abcdefghij", "abcdefghijkl", "abcdefghijklmn"] {
        for value in ["", "12", "12345678901\n2"] {
            assert_same(
                &db,
                &format!("SELECT '{value}' AS {name} FROM generate_series(1, 10)"),
                "",
            );
        }
    }
}

#[test]
fn results_without_rows_or_columns_print_as_in_psql() {
    let db = Db::empty();
    assert_same(&db, "SELECT 1 AS a, 'x' AS b WHERE false", "");
    assert_same(&db, "SELECT", "");
    assert_same(&db, "SELECT FROM generate_series(1, 3)", "");
    assert_same(&db, "SELECT WHERE false", "");
}

/// Text made of pieces that break renderers.
fn nasty(pieces: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,6}",
        2 => prop::sample::select(vec![
            "\n", "\t", "\r", "\u{1b}", "\u{85}", "\u{7f}", "\u{8}", "\u{b}", "\\", "\\.", "\\N",
            "\"", "'", ",", "|", "+", " ", "-", "日本", "😀", "e\u{301}", "ž", "\u{a0}", "ש", "null",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, pieces).prop_map(|pieces| pieces.concat())
}

#[test]
fn any_result_prints_as_in_psql() {
    let db = Db::empty();
    let row = (
        prop::option::of(nasty(0..6)),
        prop::option::of(any::<i64>()),
        prop::option::of(nasty(0..6)),
    );
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(
        names in prop::collection::vec(nasty(1..5), 3),
        rows in prop::collection::vec(row, 0..6),
        null in prop::sample::select(vec!["", "null", "∅", "\\N"]),
    )| {
        let text = |value: &Option<String>| value.as_ref().map_or("NULL".to_owned(), |text| {
            format!("'{}'", text.replace('\'', "''"))
        });
        let mut values = String::new();
        for (a, n, b) in &rows {
            let n = n.map_or("NULL".to_owned(), |n| format!("'{n}'"));
            write!(values, ", ({}, {n}, {})", text(a), text(b)).unwrap();
        }
        let names: Vec<_> = names
            .iter()
            .map(|name| format!("\"{}\"", name.replace('"', "\"\"")))
            .collect();
        let sql = format!(
            "SELECT * FROM (VALUES (NULL::text, NULL::numeric, NULL::text){values} OFFSET 1) AS v({})",
            names.join(", "),
        );
        assert_same(&db, &sql, null);
    });
}
