//! Operators, functions and types in `public` that are a better match than Postgres's own change
//! nothing unless the statement itself calls them. A scan of our SQL catches new names without a
//! schema.

use std::fmt::Write as _;
use std::path::Path;

use shardq::pg::lexer::StringSyntax;
use shardq::pg::query_text::Text;

use crate::support::{Db, has, shardq};

/// The same rows in `shard_0` to `shard_2` and, whole, in `whole`.
fn db() -> Db {
    let db = Db::with_shards(3);
    let table =
        "CREATE TABLE t (id bigint PRIMARY KEY, name text, x int, n numeric, r real, at date)";
    db.sql(&format!(
        "CREATE SCHEMA whole; SET search_path TO whole; {table};
         INSERT INTO t SELECT i, 'name ' || i % 5, nullif(i % 7, 3), i / 8.0, i, date '2024-01-01' + i
         FROM generate_series(1, 50) AS i;"
    ));
    db.in_each_shard(&format!(
        "{table}; INSERT INTO t SELECT * FROM whole.t WHERE id % 3 = {{n}};
         CREATE TABLE child (id bigint PRIMARY KEY, t_id bigint REFERENCES t (id));
         INSERT INTO child SELECT id + 3, id FROM t"
    ));
    db.sql("CREATE TABLE whole.child AS SELECT id + 3 AS id, id AS t_id FROM whole.t");
    db
}

/// Creates every operator that our SQL uses, for pairs of types that Postgres has none for, and the
/// functions and types that it uses.
fn plant(db: &Db) {
    const COMPARISONS: [&str; 7] = ["=", "<>", "<", ">", "<=", ">=", "~"];
    const PAIRS: [[&str; 2]; 12] = [
        ["numeric", "int"],
        ["numeric", "bigint"],
        ["bigint", "numeric"],
        ["int", "numeric"],
        ["bigint", "int"],
        ["name", "text"],
        ["name", "unknown"],
        ["\"char\"", "text"],
        ["smallint", "int"],
        ["oid", "int"],
        ["oid", "regtype"],
        ["text", "name"],
    ];
    let mut script = String::from(
        "SET search_path TO public, pg_catalog;
         CREATE TYPE public.int8 AS ENUM ('wrong'); CREATE TYPE public.numeric AS ENUM ('wrong');
         CREATE DOMAIN public.text AS pg_catalog.text CHECK (VALUE <> VALUE);
         CREATE TYPE public.regtype AS ENUM ('wrong'); CREATE TYPE public.name AS ENUM ('wrong');
         SET search_path TO public;
         CREATE FUNCTION public.unnest(bigint[]) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 1::bigint';
         CREATE FUNCTION public.array_agg(name) RETURNS text LANGUAGE sql AS $$SELECT 'wrong'::text$$;
         CREATE FUNCTION public.format(text, name, name) RETURNS text LANGUAGE sql AS $$SELECT 'wrong'::text$$;
         CREATE FUNCTION public.current_setting(text, text) RETURNS text LANGUAGE sql AS $$SELECT 'wrong'::text$$;\n",
    );
    for [left, right] in PAIRS {
        let id = format!("{left}_{right}").replace('"', "");
        if right != "unknown" {
            writeln!(
                script,
                "CREATE FUNCTION public.no_{id}(pg_catalog.{left}, {right}) RETURNS boolean
                 LANGUAGE plpgsql AS 'BEGIN RAISE ''{id}''; END';
                 CREATE FUNCTION public.zero_{id}(pg_catalog.{left}, {right}) RETURNS pg_catalog.numeric
                 LANGUAGE sql AS 'SELECT -777::pg_catalog.numeric';",
                left = spelled(left),
                right = qualified(right),
            )
            .unwrap();
            for (operators, function) in [(&COMPARISONS[..], "no"), (&["+", "-", "*", "/"], "zero")]
            {
                for operator in operators {
                    writeln!(
                        script,
                        "DO $$BEGIN CREATE OPERATOR public.{operator} (FUNCTION = public.{function}_{id},
                         LEFTARG = pg_catalog.{left}, RIGHTARG = {right});
                         EXCEPTION WHEN duplicate_function THEN NULL; END$$;",
                        left = spelled(left),
                        right = qualified(right),
                    )
                    .unwrap();
                }
            }
        }
    }
    db.sql(&script);
}

fn spelled(name: &str) -> &str {
    match name {
        "int" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        other => other,
    }
}

fn qualified(name: &str) -> String {
    format!("pg_catalog.{}", spelled(name))
}

/// Statements that call no operator themselves.
const STATEMENTS: [&str; 12] = [
    "SELECT count(*), sum(x), avg(x), min(x), max(n) FROM t",
    "SELECT avg(id), avg(n), sum(n), sum(id) FROM t",
    "SELECT variance(x), var_pop(x), var_samp(n), variance(id) FROM t",
    "SELECT name, avg(n), variance(n) FROM t GROUP BY name ORDER BY name",
    "SELECT name, count(DISTINCT x), avg(DISTINCT x) FROM t GROUP BY name ORDER BY 1",
    "SELECT id, name FROM t ORDER BY name DESC, id LIMIT 7 OFFSET 2",
    "SELECT stddev(x), stddev_pop(n) FROM t",
    "SELECT count(*) FROM t WHERE t.name IS NULL",
    "SELECT count(*) FROM t JOIN child ON t.id = child.t_id",
    "SELECT count(*), bool_and(true) FROM t JOIN child USING (id)",
    "SELECT avg(r), sum(r) FROM t",
    "SELECT array_agg(at ORDER BY at) FROM t",
];

#[test]
fn hostile_names_in_public_change_no_answer() {
    let db = db();
    plant(&db);
    // A path where unqualified names are found before Postgres's own.
    db.sql(&format!(
        "ALTER DATABASE \"{}\" SET search_path TO public, pg_catalog",
        db.name()
    ));
    for sql in STATEMENTS {
        let expected = db.psql([
            "--csv",
            "--tuples-only",
            "--command",
            &format!("SET search_path TO whole, public; {sql}"),
        ]);
        for strategy in ["auto", "one"] {
            for path in [&[][..], &["--search-path", "{shard}, public"]] {
                shardq(["query", "-g", "-t", "--csv", "--strategy", strategy, sql])
                    .args(path)
                    .db(&db)
                    .run()
                    .assert(0, expected.as_str(), has("3/3 shards"));
            }
        }
    }
    let aggregates = &STATEMENTS[..4];
    for sql in aggregates {
        shardq(["query", "-g", "--explain", sql])
            .db(&db)
            .run()
            .assert(0, has("-- partial results"), "");
    }
}

#[test]
fn the_sql_that_we_compose_names_where_everything_is() {
    let db = db();
    for sql in STATEMENTS {
        for strategy in ["auto", "one"] {
            // Operators of the statement itself are not ours.
            if sql.contains('=') || sql.contains("USING") {
                continue;
            }
            let explained = shardq(["query", "-g", "--explain", "--strategy", strategy, sql])
                .db(&db)
                .run()
                .output();
            // The user's own calls.
            let users = Text::new(sql, StringSyntax::StandardConforming);
            let found: Vec<_> = unqualified(&explained)
                .into_iter()
                .filter(|name| !users.mentions(name))
                .collect();
            assert_eq!(found, Vec::<String>::new(), "{explained}");
        }
    }
}

#[test]
fn the_sql_of_global_queries_names_where_everything_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/global");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let sql = std::fs::read_to_string(&path).unwrap();
        let found = unqualified(&sql);
        assert_eq!(found, Vec::<String>::new(), "{}", path.display());
        read += 1;
    }
    assert!(read > 8, "{read}");
}

#[test]
fn the_scan_finds_what_it_is_for() {
    for (sql, found) in [
        ("SELECT 1 > 2", ">"),
        ("SELECT a::text", "text"),
        ("SELECT lower(a)", "lower"),
        ("SELECT a IN (1)", "in"),
        ("SELECT nullif(a, 0)", "nullif"),
        ("SELECT a IS DISTINCT FROM b", "distinct"),
        ("SELECT CASE a WHEN 1 THEN 2 END", "case"),
        ("SELECT 1 FROM pg_class", "pg_class"),
        (
            "SELECT 1 FROM pg_catalog.a JOIN pg_catalog.b USING (c)",
            "using",
        ),
        ("SELECT a BETWEEN 1 AND 2", "between"),
    ] {
        assert_eq!(unqualified(sql), [found], "{sql}");
    }
    for sql in [
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_class AS c (a, b)",
        "WITH RECURSIVE x (a) AS (SELECT 1) SELECT coalesce(a, 1)::pg_catalog.int8 FROM x",
        "SELECT a OPERATOR(pg_catalog.=) ANY (b), CASE WHEN c THEN d END, 'x'::\"s\".\"t\" FROM s.x",
    ] {
        assert_eq!(unqualified(sql), Vec::<String>::new(), "{sql}");
    }
}

/// Words before a parenthesis that are not functions.
const NO_FUNCTIONS: [&str; 29] = [
    "all",
    "and",
    "any",
    "array",
    "as",
    "by",
    "coalesce",
    "else",
    "exists",
    "filter",
    "from",
    "greatest",
    "lateral",
    "least",
    "materialized",
    "not",
    "on",
    "operator",
    "or",
    "over",
    "rows",
    "select",
    "then",
    "union",
    "values",
    "when",
    "where",
    "within",
    "with",
];

/// Syntax that looks up an operator along the search path.
const IMPLYING: [&str; 9] = [
    "between", "cast", "ilike", "in", "like", "natural", "nullif", "similar", "using",
];

/// The names in our SQL that are looked up along the search path.
fn unqualified(sql: &str) -> Vec<String> {
    let text = Text::new(sql, StringSyntax::StandardConforming);
    let tokens = &text.tokens;
    let written = |index: usize| &sql[tokens[index].span.clone()];
    let is = |index: Option<usize>, word: &str| {
        index
            .and_then(|index| tokens.get(index))
            .is_some_and(|t| t.is_word(word))
    };
    let ctes = text.cte_names();
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1);
        let qualified = text.follows_mark(index, '.');
        let named = token.identifier().is_some();
        let cast = index > 1 && text.follows_mark(index, ':') && text.follows_mark(index - 1, ':');
        let star = written(index) == "*"
            && (qualified || text.follows_mark(index, '(') || is(before, "select"));
        let alias = is(before, "as") || token.identifier().is_some_and(|it| ctes.contains(&it));
        let from = is(before, "from") && !is(index.checked_sub(2), "distinct");
        let source = from || is(before, "join");
        let no_source = ["rows", "lateral", "only"];
        let wrong = if matches!(token.kind, shardq::pg::lexer::TokenKind::Operator) {
            let sets = is(index.checked_sub(2), "local");
            !(star || sets || qualified && is(index.checked_sub(2), "pg_catalog"))
        } else if !named || qualified {
            false
        } else if IMPLYING.contains(&written(index).to_lowercase().as_str()) && !cast {
            true
        } else if token.is_word("distinct") {
            is(before, "is") || is(before, "not")
        } else if token.is_word("case") {
            !is(Some(index + 1), "when")
        } else if cast {
            !text.precedes_mark(index, '.')
        } else if source && !text.precedes_mark(index, '.') {
            let name = token.identifier().unwrap_or_default();
            let cte = ctes.contains(&name);
            !cte && !no_source.contains(&name)
        } else {
            text.precedes_mark(index, '(')
                && !alias
                && !NO_FUNCTIONS.iter().any(|word| token.is_word(word))
        };
        if wrong {
            found.push(
                token
                    .identifier()
                    .map_or(written(index), |name| name)
                    .to_owned(),
            );
        }
    }
    found
}
