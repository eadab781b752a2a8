//! Objects named by strings: `'origins'::regclass`. Postgres looks such a name up along the search
//! path, which does not include the shards: it returns NULL, fails, or finds an object of that name
//! in public. Each would be a wrong answer.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use tokio_postgres::SimpleQueryRow;

use super::lookups::{Calls, Finder, LookupForm, RUN_SQL};
use super::objects::{Kinds, Objects};
use super::unsupported::UnsupportedQuery;
use crate::pg::lexer::{StringSyntax, Token, TokenKind, string_value};
use crate::pg::query_text::Text;

/// What the catalog says about the functions that a statement calls.
#[derive(Debug, Clone, Default)]
pub struct Functions {
    looks_up: BTreeMap<String, Kinds>,
    gives_text: BTreeSet<String>,
    /// Functions that return NULL or false for a name that does not exist.
    or_null: BTreeSet<String>,
    pub volatile: BTreeSet<String>,
}

impl Functions {
    /// From the rows of `sql/global/functions.sql`.
    pub fn of(rows: &[&SimpleQueryRow]) -> Self {
        let mut functions = Self::default();
        for row in rows {
            let Some(name) = row.get(0) else {
                continue;
            };
            let kinds = row.get(1).map(Kinds::called).unwrap_or_default();
            functions.looks_up.insert(name.to_owned(), kinds);
            for (column, set) in [
                (2, &mut functions.gives_text),
                (3, &mut functions.or_null),
                (4, &mut functions.volatile),
            ] {
                if row.get(column) == Some("t") {
                    set.insert(name.to_owned());
                }
            }
        }
        functions
    }
}

impl Calls for Functions {
    fn looks_up(&self, function: &str) -> Kinds {
        self.looks_up.get(function).copied().unwrap_or_default()
    }

    fn gives_text(&self, function: &str) -> bool {
        self.gives_text.contains(function)
    }
}

/// Before anything is known about functions.
struct Unknown;

impl Calls for Unknown {
    fn looks_up(&self, _: &str) -> Kinds {
        Kinds::ANY
    }

    fn gives_text(&self, _: &str) -> bool {
        false
    }
}

/// The unqualified names in string constants that may be looked up.
pub fn names(text: &Text<'_>, strings: StringSyntax) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for lookup in Finder::find(text, &Unknown).found {
        if lookup.kinds.has(Kinds::SQL) {
            names.extend(names_in_sql(text, strings, lookup.index));
        }
        names.extend(names_in(text, strings, lookup.index, LookupForm::Several));
    }
    names
}

/// The unqualified names in one string constant.
fn names_in(text: &Text<'_>, strings: StringSyntax, index: usize, form: LookupForm) -> Vec<String> {
    /// More tokens than any name has: even a function with a hundred arguments has fewer.
    const MOST_TOKENS: usize = 1_000;
    let value = constant(text, strings, index).unwrap_or_default();
    let inside = text.tokens_of(&value, strings);
    // An array of names, or a document that contains some.
    let list = value.trim_start().starts_with(['{', '[']);
    // Postgres reads a name in a string as one identifier, possibly surrounded by spaces.
    if form == LookupForm::One && inside.len() != 1 || inside.len() > MOST_TOKENS && !list {
        return Vec::new();
    }
    let is_point = |at: Option<usize>| {
        let token = at.and_then(|at| inside.get(at));
        token.is_some_and(|token| token.is_mark('.'))
    };
    let alone = |at: &usize| !is_point(at.checked_sub(1)) && !is_point(Some(at + 1));
    let name = |at: usize| match inside[at].kind {
        TokenKind::Operator => Some(&value[inside[at].span.clone()]),
        _ => inside[at].identifier(),
    };
    let names = (0..inside.len()).filter(alone).filter_map(name);
    names.map(str::to_owned).collect()
}

fn executes_sql_argument(text: &Text<'_>, index: usize) -> bool {
    let called = text.tokens[index].identifier();
    called.is_some_and(|name| RUN_SQL.contains(&name)) && text.precedes_mark(index, '(')
}

fn arguments(text: &Text<'_>, called: usize) -> Range<usize> {
    called + 2..text.closing(called + 1).max(called + 2)
}

/// The table names in a string constant that is executed as SQL.
fn names_in_sql(text: &Text<'_>, strings: StringSyntax, index: usize) -> Vec<String> {
    let Some(sql) = constant(text, strings, index) else {
        return Vec::new();
    };
    let inside = text.of_string(&sql, strings);
    inside
        .table_names()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Rejects executed SQL that is not a constant.
fn check_sql(text: &Text<'_>, called: usize) -> Result<(), UnsupportedQuery> {
    let by = format!("{}()", text.tokens[called].identifier().unwrap_or_default());
    let arguments = arguments(text, called);
    // A constant may also be concatenated, or come from a column; that does not count.
    let is_constant = |index: usize| {
        let ends = [',', ')']
            .iter()
            .any(|mark| text.precedes_mark(index, *mark));
        let token = text.tokens.get(index);
        ends && token.is_some_and(|token| token.kind == TokenKind::String)
    };
    let known = if by == "ts_rewrite()" {
        // With three arguments it executes no SQL.
        let inside = text.depth(arguments.start);
        let separates = |at: &usize| text.tokens[*at].is_mark(',') && text.depth(*at) == inside;
        arguments.clone().filter(separates).count() > 1 || is_constant(arguments.end - 1)
    } else {
        is_constant(arguments.start)
    };
    if known {
        Ok(())
    } else {
        Err(UnsupportedQuery::UnknownSqlString(by))
    }
}

/// The functions to look up in the catalog: those with a string argument, those that return NULL
/// for a missing name, those whose result is cast, and those without arguments, since volatile
/// functions mostly are. Looking up all of them would cost a millisecond.
pub fn functions<'t>(text: &'t Text<'_>) -> BTreeSet<&'t str> {
    let mut strings = vec![0];
    for token in &text.tokens {
        let before = strings[strings.len() - 1];
        strings.push(before + usize::from(token.kind == TokenKind::String));
    }
    let called = text.tokens.iter().enumerate().filter_map(|(index, token)| {
        let name = token.identifier()?;
        text.precedes_mark(index, '(')
            .then(|| (name, arguments(text, index)))
    });
    let of_interest = |arguments: Range<usize>| {
        let end = arguments.end.min(text.tokens.len());
        let behind = text.tokens.get(end + 1);
        let is_cast = behind.is_some_and(|token| token.is_mark(':') || token.is_word("as"));
        arguments.is_empty() || is_cast || strings[end] > strings[arguments.start.min(end)]
    };
    called
        .filter(|(name, arguments)| {
            let looks_up = ["to_reg", "pg_input_"];
            looks_up.iter().any(|start| name.starts_with(start)) || of_interest(arguments.clone())
        })
        .map(|(name, _)| name)
        .collect()
}

/// Rejects what looks up a shard's object by name, and what reveals the search path.
///
/// # Errors
/// The first such lookup.
pub fn check(
    text: &Text<'_>,
    strings: StringSyntax,
    functions: &Functions,
    objects: &Objects,
) -> Result<(), UnsupportedQuery> {
    let lookups = Finder::find(text, functions);
    for lookup in lookups.found {
        if lookup.kinds.has(Kinds::SQL) {
            let mut names = names_in_sql(text, strings, lookup.index).into_iter();
            if let Some(name) = names.find(|name| objects.has(Kinds::RELATION, name)) {
                let by = lookup.by;
                return Err(UnsupportedQuery::InSqlString { name, by });
            }
        }
        let names = names_in(text, strings, lookup.index, lookup.form);
        let mut names = names.into_iter();
        if let Some(name) = names.find(|name| objects.has(lookup.kinds, name)) {
            let by = lookup.by;
            return Err(UnsupportedQuery::ByName { name, by });
        }
    }
    if let Some(by) = lookups.unknown.into_iter().next() {
        return Err(UnsupportedQuery::ByUnknownName(by));
    }
    for (index, token) in text.tokens.iter().enumerate() {
        let Some(called) = token
            .identifier()
            .filter(|_| text.precedes_mark(index, '('))
        else {
            continue;
        };
        if executes_sql_argument(text, index) {
            check_sql(text, index)?;
        }
        check_setting(text, strings, index, called)?;
        let arguments = arguments(text, index);
        let mut given = text.tokens[arguments].iter();
        let is_constant = given.all(|token| token.kind == TokenKind::String || token.is_mark(','));
        if functions.or_null.contains(called) && !is_constant {
            return Err(UnsupportedQuery::ByUnknownName(format!("{called}()")));
        }
    }
    let is_path = |index: usize| is_search_path(text, strings, index);
    if ["pg_settings", "pg_show_all_settings"]
        .iter()
        .any(|name| text.mentions(name))
        && (0..text.tokens.len()).any(is_path)
    {
        return Err(UnsupportedQuery::Schema("search_path".to_owned()));
    }
    Ok(())
}

/// Rejects calls that read or set `search_path`, or a setting whose name is not a constant.
fn check_setting(
    text: &Text<'_>,
    strings: StringSyntax,
    index: usize,
    called: &str,
) -> Result<(), UnsupportedQuery> {
    if called.starts_with("pg_") && called.ends_with("_is_visible") {
        return Err(UnsupportedQuery::Schema(format!("{called}()")));
    }
    if !["current_setting", "set_config"].contains(&called) {
        return Ok(());
    }
    let first = index + 2;
    let is_constant = text
        .tokens
        .get(first)
        .is_some_and(|token| token.kind == TokenKind::String)
        && [',', ')']
            .iter()
            .any(|mark| text.precedes_mark(first, *mark));
    if !is_constant {
        Err(UnsupportedQuery::UnknownSetting(format!("{called}()")))
    } else if is_search_path(text, strings, first) {
        Err(UnsupportedQuery::Schema("search_path".to_owned()))
    } else {
        Ok(())
    }
}

fn is_search_path(text: &Text<'_>, strings: StringSyntax, index: usize) -> bool {
    constant(text, strings, index).is_some_and(|it| it.eq_ignore_ascii_case("search_path"))
}

/// The value of a string constant.
fn constant(text: &Text<'_>, strings: StringSyntax, index: usize) -> Option<String> {
    let token: &Token<'_> = &text.tokens[index];
    let is_string = token.kind == TokenKind::String;
    is_string.then(|| string_value(&text.sql[token.span.clone()], strings))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions() -> Functions {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let kinds = |functions: &[(&str, &str)]| {
            let known = |(name, kinds): &(&str, &str)| ((*name).to_owned(), Kinds::called(kinds));
            functions.iter().map(known).collect()
        };
        Functions {
            looks_up: kinds(&[
                ("pg_relation_size", "relation"),
                ("to_regclass", "relation"),
                ("to_regtype", "type"),
                ("to_regprocedure", "function,type"),
                ("pg_input_is_valid", "any"),
            ]),
            gives_text: set(&["format", "lower"]),
            or_null: set(&["to_regclass", "to_regtype", "pg_input_is_valid"]),
            volatile: BTreeSet::new(),
        }
    }

    fn refused(sql: &str) -> bool {
        let text = Text::new(sql, StringSyntax::StandardConforming);
        let objects = Objects::with(&[
            (Kinds::RELATION, "origins"),
            (Kinds::TYPE, "origins"),
            (Kinds::TYPE, "_origins"),
            (Kinds::TYPE, "mood"),
            (Kinds::RELATION, "origins_pkey"),
            (Kinds::called("function"), "own"),
            (Kinds::called("operator"), "==="),
        ]);
        check(
            &text,
            StringSyntax::StandardConforming,
            &functions(),
            &objects,
        )
        .is_err()
    }

    #[test]
    fn a_sharded_table_is_not_to_be_found_by_its_name() {
        for sql in [
            "SELECT 'origins'::regclass",
            "SELECT ' \"origins\" '::pg_catalog.regclass",
            "SELECT ('Origins')::text::regclass::oid",
            "SELECT CAST (E'or\\x69gins' AS regclass)",
            "SELECT CAST ('origins' AS pg_catalog.regclass)",
            "SELECT regclass 'origins'",
            "SELECT regclass('origins')",
            "SELECT 'origins'::regtype",
            "SELECT pg_relation_size('origins', 'main')",
            "SELECT pg_catalog.pg_relation_size(($$origins$$))",
            "SELECT to_regclass('origins') IS NULL",
            "SELECT to_regclass('ori' || 'gins')",
            "SELECT to_regclass(relname) FROM pg_class",
            "SELECT ts_stat('SELECT 1 FROM origins')",
            "SELECT ts_stat('SELECT 1 FROM ' || relname) FROM pg_class",
            "SELECT ts_rewrite(q, 'TABLE ' || relname) FROM pg_class",
            "SELECT ts_stat(",
            "SELECT to_regtype('origins[]')",
            "SELECT to_regtype('_origins')",
            "SELECT to_regclass('origins_pkey')",
            "SELECT to_regtype('mood[3]')",
            "SELECT to_regprocedure('own(int)')",
            "SELECT to_regprocedure('lower(mood)')",
            "SELECT 'own'::regproc",
            "SELECT regoperator '===(int, int)'",
            "SELECT 'mood'::varchar(10)::regtype",
            "SELECT pg_input_is_valid('ok', 'mood')",
            "SELECT pg_input_is_valid('origins', 'regclass')",
            "SELECT pg_input_is_valid('ok', name) FROM pg_class",
            "SELECT '{mood,int}'::regtype[]",
            "SELECT ARRAY['int', 'mood']::pg_catalog._regtype",
            "SELECT CAST(ARRAY['mood'] AS regtype[])",
            "SELECT * FROM json_to_record('{\"a\": \"origins\"}') AS t (a regclass)",
            "SELECT format('%I', 'x')::regclass",
            "SELECT format('%I', 'x')::text::regclass",
            "SELECT ('ori' || 'gins')::regclass",
            "SELECT CAST('ori' || 'gins' AS regclass)",
            "SELECT CAST(lower(relname) AS regclass) FROM pg_class",
            "SELECT relname::text::regclass FROM pg_class",
            "SELECT coalesce(NULL, 'x')::regclass",
            "SELECT current_setting('search' || '_path')",
            "SELECT current_setting(name) FROM pg_settings",
            "SELECT set_config('search_path', 'x', true)",
            "SELECT setting FROM pg_settings WHERE name = 'search_path'",
            "SELECT 1 FROM pg_class WHERE pg_table_is_visible(oid)",
        ] {
            assert!(refused(sql), "{sql}");
        }
    }

    #[test]
    fn other_names_and_other_strings_are_no_business_of_ours() {
        for sql in [
            "SELECT 'origins'",
            "SELECT 'origins'::text AS regclass",
            "SELECT 'origins' regclass",
            "SELECT cast('origins' AS text)",
            "SELECT length('origins')",
            "SELECT 'shard_0.origins'::regclass",
            "SELECT to_regclass('public.origins')",
            "SELECT pg_relation_size('other')",
            "SELECT ts_stat('SELECT 1 FROM public.origins')",
            "SELECT ts_rewrite(f(q, 1), t, s) FROM rules",
            "SELECT oid::regclass FROM pg_class WHERE relname = 'origins'",
            "SELECT pg_relation_size(oid) FROM pg_class WHERE relname = 'origins'",
            "SELECT to_regtype('int[]'), to_regtype('public.mood')",
            "SELECT to_regclass('mood'), 'origins'::regproc",
            "SELECT count(oid::regclass) FROM pg_class WHERE relname IN ('origins', 'mood')",
            "SELECT (SELECT oid FROM pg_class WHERE relname = 'origins')::regclass",
            "SELECT max(oid)::regclass, (oid)::regclass, (1 + 2)::regclass FROM pg_class",
            "SELECT CAST(oid AS regclass), CAST((oid) AS regtype) FROM pg_class",
            "SELECT pg_typeof(x) = 'int', 'mood' FROM a WHERE y = 'mood'",
            "SELECT current_setting('TimeZone'), current_setting('work_mem', true)",
            "SELECT setting FROM pg_settings WHERE name = 'work_mem'",
            "SELECT 'mood'::text, pg_input_is_valid('x', 'int')",
        ] {
            assert!(!refused(sql), "{sql}");
        }
    }
}
