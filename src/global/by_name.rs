//! Tables that are named by strings: `'origins'::regclass`. Postgres looks such a
//! name up in the schemas, where no sharded table is: it says NULL, or that there
//! is none, or finds another of that name in public. None of that is the answer.

use std::collections::BTreeSet;
use std::ops::Range;

use super::lexer::{Kind, Strings, Token, string_value};
use super::names::Text;
use super::refusal::Refusal;

/// What the server says of the functions that a statement calls.
#[derive(Debug, Clone, Default)]
pub struct Functions {
    /// They look up a relation by a name that they are given.
    pub look_up: BTreeSet<String>,
    /// They say NULL where there is none.
    pub or_null: BTreeSet<String>,
    /// They give another value each time.
    pub volatile: BTreeSet<String>,
}

/// Types whose constants are names of relations, and of their rows.
const TYPES: [&str; 2] = ["regclass", "regtype"];

/// The names without a schema that string constants may mean.
pub fn names(text: &Text<'_>, strings: Strings) -> BTreeSet<String> {
    (0..text.tokens.len())
        .filter_map(|index| name(text, strings, index))
        .chain(
            (0..text.tokens.len())
                .filter(|index| runs_sql(text, *index))
                .flat_map(|index| arguments(text, index))
                .flat_map(|index| names_in_sql(text, strings, index)),
        )
        .chain(
            (0..text.tokens.len())
                .filter(|_| makes_arrays_of_names(text))
                .flat_map(|index| names_in_array(text, strings, index)),
        )
        .collect()
}

/// Whether it casts to `regclass[]`, of whatever constants.
fn makes_arrays_of_names(text: &Text<'_>) -> bool {
    text.tokens.iter().enumerate().any(|(index, token)| {
        let name = token.identifier().unwrap_or_default();
        TYPES.contains(&name) && text.precedes_mark(index, '[')
            || name.strip_prefix('_').is_some_and(|of| TYPES.contains(&of))
    })
}

/// `origins`, and `{origins,"origin_members"}`.
fn names_in_array(text: &Text<'_>, strings: Strings, index: usize) -> Vec<String> {
    let Some(value) = constant(text, strings, index) else {
        return Vec::new();
    };
    let inside = Text::new(&value, strings);
    let names = inside.tokens.iter().filter_map(Token::identifier);
    names.map(str::to_owned).collect()
}

/// Functions of Postgres's own that run the SQL in a string, which is their first
/// argument; but that of `ts_rewrite` may be the second, or none.
const RUN_SQL: [&str; 5] = [
    "query_to_xml",
    "query_to_xmlschema",
    "query_to_xml_and_xmlschema",
    "ts_stat",
    "ts_rewrite",
];

fn runs_sql(text: &Text<'_>, index: usize) -> bool {
    let called = text.tokens[index].identifier();
    called.is_some_and(|name| RUN_SQL.contains(&name)) && text.precedes_mark(index, '(')
}

/// The tokens between the parentheses of a call.
fn arguments(text: &Text<'_>, called: usize) -> Range<usize> {
    called + 2..text.closing(called + 1).max(called + 2)
}

/// Names that tables may be meant by in the SQL that a string constant is.
fn names_in_sql(text: &Text<'_>, strings: Strings, index: usize) -> Vec<String> {
    let Some(sql) = constant(text, strings, index) else {
        return Vec::new();
    };
    let inside = Text::new(&sql, strings);
    inside
        .table_names()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Refuses SQL in a string that may read a sharded table.
fn check_sql(
    text: &Text<'_>,
    strings: Strings,
    called: usize,
    is_sharded: impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    let by = format!("{}()", text.tokens[called].identifier().unwrap_or_default());
    let arguments = arguments(text, called);
    let mut named = arguments
        .clone()
        .flat_map(|index| names_in_sql(text, strings, index));
    if let Some(name) = named.find(|name| is_sharded(name)) {
        return Err(Refusal::InSqlString { name, by });
    }
    // Constants may be put together from parts, or come from a column.
    let is_constant = |index: usize| {
        let ends = [',', ')']
            .iter()
            .any(|mark| text.precedes_mark(index, *mark));
        let token = text.tokens.get(index);
        ends && token.is_some_and(|token| token.kind == Kind::String)
    };
    let known = if by == "ts_rewrite()" {
        // With three arguments it runs none.
        let open = |at: &usize| text.tokens[*at].is_mark('(');
        let closed = |at: &usize| text.tokens[*at].is_mark(')');
        let depth = |at: usize| {
            let before = arguments.start..at;
            before.clone().filter(open).count() - before.filter(closed).count()
        };
        let separates = |at: &usize| text.tokens[*at].is_mark(',') && depth(*at) == 0;
        arguments.clone().filter(separates).count() > 1 || is_constant(arguments.end - 1)
    } else {
        is_constant(arguments.start)
    };
    if known {
        Ok(())
    } else {
        Err(Refusal::UnknownSqlString(by))
    }
}

/// Functions that the server has to be asked about: those that are given a string, and
/// those that say NULL of a name. Besides, those that are given nothing: what changes
/// from call to call mostly is. To ask about all costs a millisecond.
pub fn functions<'t>(text: &'t Text<'_>) -> BTreeSet<&'t str> {
    let called = text.tokens.iter().enumerate().filter_map(|(index, token)| {
        let name = token.identifier()?;
        text.precedes_mark(index, '(')
            .then(|| (name, arguments(text, index)))
    });
    let of_interest = |arguments: Range<usize>| {
        let mut tokens = text.tokens[arguments.clone()].iter();
        arguments.is_empty() || tokens.any(|token| token.kind == Kind::String)
    };
    called
        .filter(|(name, arguments)| name.starts_with("to_reg") || of_interest(arguments.clone()))
        .map(|(name, _)| name)
        .collect()
}

/// Refuses what looks up a sharded table by its name.
///
/// # Errors
/// The first such look.
pub fn check(
    text: &Text<'_>,
    strings: Strings,
    functions: &Functions,
    is_sharded: impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    let sharded = |index: usize| name(text, strings, index).filter(|name| is_sharded(name));
    if makes_arrays_of_names(text) {
        let mut names =
            (0..text.tokens.len()).flat_map(|index| names_in_array(text, strings, index));
        if let Some(name) = names.find(|name| is_sharded(name)) {
            let by = "an array of names".to_owned();
            return Err(Refusal::ByName { name, by });
        }
    }
    for (index, token) in text.tokens.iter().enumerate() {
        if let Some(name) = sharded(index)
            && let Some(cast) = cast(text, index)
        {
            return Err(Refusal::ByName {
                name,
                by: format!("a {cast}"),
            });
        }
        let Some(called) = token
            .identifier()
            .filter(|_| text.precedes_mark(index, '('))
        else {
            continue;
        };
        if runs_sql(text, index) {
            check_sql(text, strings, index, &is_sharded)?;
        }
        let arguments = arguments(text, index);
        let by = || format!("{called}()");
        // CAST ('origins' AS regclass)
        let casts = token.is_word("cast")
            && text.tokens[..arguments.end]
                .last()
                .and_then(Token::identifier)
                .is_some_and(|last| TYPES.contains(&last));
        if (functions.look_up.contains(called) || TYPES.contains(&called) || casts)
            && let Some(name) = arguments.clone().find_map(sharded)
        {
            return Err(Refusal::ByName { name, by: by() });
        }
        let is_constant = arguments.len() == 1 && text.tokens[arguments.start].kind == Kind::String;
        let path = |index: usize| {
            constant(text, strings, index).is_some_and(|it| it.eq_ignore_ascii_case("search_path"))
        };
        if called == "current_setting" && arguments.clone().any(path) {
            return Err(Refusal::Schema("search_path".to_owned()));
        }
        if functions.or_null.contains(called) && !is_constant {
            return Err(Refusal::ByUnknownName(by()));
        }
    }
    Ok(())
}

/// The name without a schema that a string constant may mean.
fn name(text: &Text<'_>, strings: Strings, index: usize) -> Option<String> {
    let value = constant(text, strings, index)?;
    // As Postgres reads a name in a string: one identifier, with space around it.
    let inside = Text::new(&value, strings);
    match &inside.tokens[..] {
        [only] => only.identifier().map(str::to_owned),
        _ => None,
    }
}

/// What a string constant says.
fn constant(text: &Text<'_>, strings: Strings, index: usize) -> Option<String> {
    let token = &text.tokens[index];
    let is_string = token.kind == Kind::String;
    is_string.then(|| string_value(&text.sql[token.span.clone()], strings))?
}

/// The type of names that a constant is cast to.
fn cast<'t>(text: &'t Text<'_>, index: usize) -> Option<&'t str> {
    let token = |at: usize| text.tokens.get(at);
    let is = |at: usize, mark: char| token(at).is_some_and(|token| token.is_mark(mark));
    let of_names = |at: usize| {
        let word = token(at)?.identifier()?;
        TYPES.contains(&word).then_some(word)
    };
    // regclass 'origins'
    if let Some(found) = index.checked_sub(1).and_then(of_names) {
        return Some(found);
    }
    // ('origins')::text::pg_catalog.regclass
    let mut at = index + 1;
    loop {
        while is(at, ')') {
            at += 1;
        }
        if !is(at, ':') || !is(at + 1, ':') {
            return None;
        }
        at += if is(at + 3, '.') { 4 } else { 2 };
        if let Some(found) = of_names(at) {
            return Some(found);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions() -> Functions {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Functions {
            look_up: set(&["pg_relation_size", "to_regclass"]),
            or_null: set(&["to_regclass"]),
            volatile: BTreeSet::new(),
        }
    }

    fn refused(sql: &str) -> bool {
        let text = Text::new(sql, Strings::Conforming);
        let is_sharded = |name: &str| name == "origins";
        check(&text, Strings::Conforming, &functions(), is_sharded).is_err()
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
        ] {
            assert!(!refused(sql), "{sql}");
        }
    }
}
