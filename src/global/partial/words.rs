//! The words that a statement may consist of besides its columns for its parts to
//! be computed apart: nothing that could differ from one session to another, or
//! depend on rows of another shard.

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

/// A string that means another instant to each session (`'now'::timestamptz`).
pub fn is_of_the_moment(string: &str) -> bool {
    let lower = string.to_lowercase();
    ["now", "today", "tomorrow", "yesterday"]
        .iter()
        .any(|word| lower.contains(word))
}
