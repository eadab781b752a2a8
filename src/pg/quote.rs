//! Quotes identifiers and literals for SQL. No other module does.

use std::fmt;

#[derive(Debug, Clone, Copy)]
pub struct Identifier<'a>(pub &'a str);

impl fmt::Display for Identifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A string constant for the simple protocol, which has no parameters. Correct under any
/// `standard_conforming_strings`: with a backslash it becomes an `E''` string.
#[derive(Debug, Clone, Copy)]
pub struct Literal<'a>(pub &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = self.0.replace('\'', "''");
        if quoted.contains('\\') {
            write!(f, " E'{}'", quoted.replace('\\', "\\\\"))
        } else {
            write!(f, "'{quoted}'")
        }
    }
}

pub fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// The name that an identifier in SQL stands for, by Postgres's rules: unquoted it folds to lower
/// case (ASCII only), quoted it is kept.
pub fn parse_identifier(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('"') {
        let name = inner.strip_suffix('"')?.replace("\"\"", "\u{0}");
        return (!name.is_empty() && !name.contains('"')).then(|| name.replace('\u{0}', "\""));
    }
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let is_plain = text.chars().all(plain) && !text.starts_with(|c: char| c.is_ascii_digit());
    (is_plain && !text.is_empty()).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(Identifier(r#"a"b"#).to_string(), r#""a""b""#);
        assert_eq!(Literal("it's").to_string(), "'it''s'");
        assert_eq!(Literal(r"a\'b").to_string(), r" E'a\\''b'");
    }
}
