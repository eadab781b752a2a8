//! The words that a statement may consist of besides its columns for its parts to
//! be computed apart: nothing that could differ from one session to another, or
//! depend on rows of another shard.

use crate::pg::lexer::{Token, TokenKind};
use crate::pg::query_text::RESERVED;

/// Keywords inside expressions.
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

/// Functions that give the same for the same arguments, whoever asks and when.
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

/// Aggregates of which the parts can be put together again; of stddev only those of
/// distinct values.
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

/// Types that a value may be cast to.
pub const TYPES: [&str; 9] = [
    "bigint", "boolean", "bool", "date", "int", "integer", "numeric", "smallint", "text",
];

pub const OPERATORS: [&str; 17] = [
    "=", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "~", "!~", "~*", "!~*",
];

/// Besides what is reserved, what is no column without quotes. `system_user` is one
/// up to version 15.
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

/// The column that a token may name where it is not qualified: `user` is none, and
/// `"user"` may be one.
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

/// A string that means another instant to each session (`'now'::timestamptz`).
pub fn is_relative_time(string: &str) -> bool {
    let lower = string.to_lowercase();
    ["now", "today", "tomorrow", "yesterday"]
        .iter()
        .any(|word| lower.contains(word))
}

pub type NotDecomposable = &'static str;
