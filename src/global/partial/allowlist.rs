//! The words allowed besides columns in a statement that is computed in partials: nothing that
//! could differ between sessions, or depend on rows of another shard.

use crate::pg::lexer::{Token, TokenKind};
use crate::pg::query_text::RESERVED;

pub const KEYWORDS: [&str; 20] = [
    "and",
    "or",
    "not",
    "is",
    "null",
    "true",
    "false",
    "like",
    "ilike",
    "between",
    "in",
    "case",
    "when",
    "then",
    "else",
    "end",
    "isnull",
    "notnull",
    "symmetric",
    "unknown",
];

/// Functions that always return the same result for the same arguments, in any session.
pub const FUNCTIONS: [&str; 22] = [
    "abs",
    "ceil",
    "coalesce",
    "floor",
    "greatest",
    "least",
    "left",
    "length",
    "lower",
    "ltrim",
    "md5",
    "mod",
    "nullif",
    "position",
    "replace",
    "right",
    "round",
    "rtrim",
    "split_part",
    "starts_with",
    "substr",
    "upper",
];

/// Aggregates that can be combined from partials; stddev only over distinct values.
pub const AGGREGATES: [&str; 17] = [
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "max",
    "min",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

pub const TYPES: [&str; 9] = [
    "bigint", "boolean", "bool", "date", "int", "integer", "numeric", "smallint", "text",
];

pub const OPERATORS: [&str; 17] = [
    "=", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "~", "!~", "~*", "!~*",
];

/// Unreserved words that are not a column unless quoted. `system_user` can be one up to version 15.
const NO_COLUMNS: [&str; 24] = [
    "authorization",
    "binary",
    "collation",
    "concurrently",
    "cross",
    "current_schema",
    "freeze",
    "full",
    "ilike",
    "inner",
    "is",
    "isnull",
    "join",
    "left",
    "like",
    "natural",
    "notnull",
    "outer",
    "overlaps",
    "right",
    "similar",
    "system_user",
    "tablesample",
    "verbose",
];

/// The column that an unqualified token may name: `user` is a keyword, `"user"` may be a column.
pub fn column_name<'t>(token: &'t Token<'_>) -> Option<&'t str> {
    match &token.kind {
        TokenKind::Identifier(word) => {
            let word = word.as_ref();
            let keyword =
                RESERVED.contains(&word) || KEYWORDS.contains(&word) || NO_COLUMNS.contains(&word);
            (!keyword).then_some(word)
        }
        TokenKind::Quoted(name) => Some(name),
        _ => None,
    }
}

/// A string that depends on the current time (`'now'::timestamptz`).
pub fn is_relative_time(string: &str) -> bool {
    let lower = string.to_lowercase();
    ["now", "today", "tomorrow", "yesterday"]
        .iter()
        .any(|word| lower.contains(word))
}

pub type NotDecomposable = &'static str;
