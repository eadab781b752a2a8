//! The words behind a command's name, by psql's rules: quotes, escapes in single quotes, and
//! variables outside of quotes. Pure.
//!
//! Source: `src/bin/psql/psqlscanslash.l` of Postgres.

use crate::pg::lexer::StringSyntax;
use crate::pg::variables::Variables;

/// A command's name and arguments.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// Without the backslash.
    pub name: String,
    pub arguments: Vec<String>,
    /// What follows in the same line: another command.
    pub rest: String,
    /// All behind the name, as it was typed.
    pub tail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    #[error("unterminated quoted string")]
    Unterminated,
    #[error("shardq runs no program in backticks; use \\set NAME VALUE with the value itself")]
    Backticks,
}

impl Words {
    /// Reads a command from its backslash on.
    pub fn read(text: &str, variables: &Variables) -> Result<Self, WordsError> {
        let text = text.strip_prefix('\\').unwrap_or(text);
        let end = text.find(|c: char| c.is_whitespace() || c == '\\' || c == '\'' || c == '"');
        // `\\` separates commands.
        let (name, tail) = text.split_at(end.unwrap_or(text.len()));
        let mut words = Self {
            name: name.to_owned(),
            arguments: Vec::new(),
            rest: String::new(),
            tail: tail.trim().to_owned(),
        };
        let mut rest = tail.trim_start();
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix("\\\\") {
                behind.clone_into(&mut words.rest);
                break;
            }
            if rest.starts_with('\\') {
                rest.clone_into(&mut words.rest);
                break;
            }
            let (word, behind) = word(rest, variables)?;
            words.arguments.push(word);
            rest = behind.trim_start();
        }
        Ok(words)
    }
}

/// The first word, and what is behind it.
fn word<'a>(text: &'a str, variables: &Variables) -> Result<(String, &'a str), WordsError> {
    let mut word = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            c if c.is_whitespace() => break,
            '\\' => break,
            '`' => return Err(WordsError::Backticks),
            '\'' => rest = single_quoted(&rest[1..], &mut word)?,
            '"' => {
                let end = rest[1..].find('"').ok_or(WordsError::Unterminated)?;
                word += &rest[1..=end];
                rest = &rest[end + 2..];
            }
            ':' => {
                // The reference ends where the blank is, or earlier.
                let end = reference_end(rest);
                let (value, _) =
                    variables.substitute(&rest[..end], StringSyntax::StandardConforming);
                word += &value;
                rest = &rest[end..];
            }
            c => {
                word.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    Ok((word, rest))
}

/// Behind the variable that the text begins with; behind the colon if it names none.
fn reference_end(text: &str) -> usize {
    let behind = &text[1..];
    let (open, close) = match behind.chars().next() {
        Some('\'') => (1, "'"),
        Some('"') => (1, "\""),
        Some('{') if behind.starts_with("{?") => (2, "}"),
        _ => (0, ""),
    };
    let name = &behind[open..];
    let is_of_name = |c: char| Variables::is_name(c.encode_utf8(&mut [0; 4]));
    let length = name.find(|c| !is_of_name(c)).unwrap_or(name.len());
    if length == 0 || !name[length..].starts_with(close) {
        return 1;
    }
    1 + open + length + close.len()
}

/// Adds a string in single quotes, of which the first was read. Returns what is behind it.
fn single_quoted<'a>(text: &'a str, word: &mut String) -> Result<&'a str, WordsError> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if text[at + 1..].starts_with('\'') => {
                word.push('\'');
                chars.next();
            }
            '\'' => return Ok(&text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => word.push('\n'),
                Some((_, 't')) => word.push('\t'),
                Some((_, 'r')) => word.push('\r'),
                Some((_, 'b')) => word.push('\u{8}'),
                Some((_, 'f')) => word.push('\u{c}'),
                Some((_, other)) => word.push(other),
                None => return Err(WordsError::Unterminated),
            },
            c => word.push(c),
        }
    }
    Err(WordsError::Unterminated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Vec<String>, String), WordsError> {
        let mut variables = Variables::default();
        variables.set("a", "it's");
        Words::read(text, &variables).map(|words| (words.name, words.arguments, words.rest))
    }

    #[test]
    fn words_are_psqls() {
        for (text, name, arguments, rest) in [
            (r"\x", "x", &[][..], ""),
            (r"\echo a  'b ''c\n' d", "echo", &["a", "b 'c\n", "d"], ""),
            (r#"\d "A b""#, "d", &["A b"], ""),
            (
                r"\echo :a :'a' x:a :b '::a'",
                "echo",
                &["it's", "'it''s'", "xit's", ":b", "::a"],
                "",
            ),
            (r"\x \t", "x", &[], r"\t"),
            (r"\x on\\SELECT 1;", "x", &["on"], "SELECT 1;"),
            (r"\?", "?", &[], ""),
            (r"\echo ''", "echo", &[""], ""),
        ] {
            let arguments: Vec<_> = arguments.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(
                read(text),
                Ok((name.to_owned(), arguments, rest.to_owned())),
                "{text}"
            );
        }
        assert_eq!(read(r"\echo 'a"), Err(WordsError::Unterminated));
        assert_eq!(read(r"\set d `date`"), Err(WordsError::Backticks));
    }
}
