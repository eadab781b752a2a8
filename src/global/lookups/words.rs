//! The words that look up names, as far as tokens tell: functions, and `reg…` types.

use super::LookupForm;
use crate::global::objects::Kinds;
use crate::pg::lexer::TokenKind;
use crate::pg::query_text::{RESERVED, Text};

/// Unreserved words that may precede a parenthesis without being a function.
pub(super) const NO_FUNCTIONS: [&str; 12] = [
    "coalesce", "exists", "filter", "greatest", "is", "least", "nullif", "over", "row", "rows",
    "values", "within",
];

/// Built-in functions that execute SQL passed as a string. It is the first argument, except for
/// `ts_rewrite`: there it is the second, or absent.
pub const RUN_SQL: [&str; 5] = [
    "query_to_xml",
    "query_to_xmlschema",
    "query_to_xml_and_xmlschema",
    "ts_stat",
    "ts_rewrite",
];

/// Text types: a name of such a type is looked up when cast to a `reg…` type.
pub(super) const TEXTS: [&str; 5] = ["bpchar", "char", "name", "text", "varchar"];

/// The name of the function that this parenthesis calls.
pub(super) fn called<'t>(text: &'t Text<'_>, open: usize) -> Option<&'t str> {
    let name = text.tokens.get(open.checked_sub(1)?)?;
    match &name.kind {
        TokenKind::Identifier(word) => {
            let word = word.as_ref();
            let keyword = RESERVED.contains(&word) || NO_FUNCTIONS.contains(&word);
            (!keyword || word == "cast").then_some(word)
        }
        TokenKind::Quoted(name) => Some(name),
        _ => None,
    }
}

/// The `reg…` type at this token: the kinds that it names, and whether it is an array.
pub(super) fn names_of(text: &Text<'_>, index: usize) -> Option<(Kinds, LookupForm)> {
    let name = text.tokens.get(index)?.identifier()?;
    let (name, array) = match name.strip_prefix('_') {
        Some(element) => (element, true),
        None => (name, text.precedes_mark(index, '[')),
    };
    let kinds = Kinds::of_type(name);
    let form = if array || kinds != Kinds::RELATION {
        LookupForm::Several
    } else {
        LookupForm::One
    };
    (!kinds.is_none()).then_some((kinds, form))
}

/// The number of strings and `||` before each token.
pub(super) fn texts(text: &Text<'_>) -> Vec<usize> {
    let mut count = 0;
    let counts = text.tokens.iter().map(|token| {
        let before = count;
        let is_text = token.kind == TokenKind::String || &text.sql[token.span.clone()] == "||";
        count += usize::from(is_text);
        before
    });
    counts.collect()
}
