//! Parses libpq's key=value connection strings: `host=db1 dbname='a b'`.

use std::iter::Peekable;
use std::str::Chars;

use super::{Parameters, SettingsError};

/// # Errors
/// In libpq's words, but without values: they may contain a password.
pub(super) fn parse(text: &str) -> Result<Parameters, SettingsError> {
    let mut parameters = Parameters::default();
    let mut rest = text.chars().peekable();
    loop {
        skip_spaces(&mut rest);
        if rest.peek().is_none() {
            return Ok(parameters);
        }
        let mut keyword = String::new();
        while let Some(c) = rest.next_if(|&c| c != '=' && !is_space(c)) {
            keyword.push(c);
        }
        skip_spaces(&mut rest);
        if rest.next_if_eq(&'=').is_none() {
            return Err(SettingsError::MissingEquals {
                // An unknown word may be the second word of a password.
                word: Parameters::keyword(&keyword),
            });
        }
        skip_spaces(&mut rest);
        let value = if rest.next_if_eq(&'\'').is_some() {
            quoted(&mut rest)?
        } else {
            bare(&mut rest)
        };
        parameters.set(&keyword, &value)?;
    }
}

fn quoted(rest: &mut Peekable<Chars<'_>>) -> Result<String, SettingsError> {
    let mut value = String::new();
    loop {
        match rest.next().ok_or(SettingsError::UnterminatedQuote)? {
            '\'' => return Ok(value),
            '\\' => value.extend(rest.next()),
            c => value.push(c),
        }
    }
}

fn bare(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut value = String::new();
    while let Some(c) = rest.next_if(|&c| !is_space(c)) {
        match c {
            '\\' => value.extend(rest.next()),
            c => value.push(c),
        }
    }
    value
}

fn skip_spaces(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|&c| is_space(c)).is_some() {}
}

/// C's `isspace` includes the vertical tab; Rust's does not.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\x0b'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn strings_mean_what_they_mean_to_libpq() {
        #[rustfmt::skip]
        let cases: [(&str, Parameters); 10] = [
            // The examples of libpq's manual.
            ("host=localhost port=5432 dbname=mydb connect_timeout=10",
                [("host", "localhost"), ("port", "5432"), ("dbname", "mydb"), ("connect_timeout", "10")].into()),
            ("", [].into()),
            ("  \t\n\x0b ", [].into()),
            ("  host = db1\tport\n=\n5433 ", [("host", "db1"), ("port", "5433")].into()),
            (r"dbname='a \'b\' \\ c'", [("dbname", r"a 'b' \ c")].into()),
            (r"dbname=a\ b\\\'c", [("dbname", r"a b\'c")].into()),
            ("host='' user=''", [("host", ""), ("user", "")].into()),
            // The closing quote ends the value; the next keyword may follow directly.
            ("user='a'dbname=b", [("user", "a"), ("dbname", "b")].into()),
            ("user=a user=b", [("user", "b")].into()),
            ("password=a=b'c requiressl=1", [("password", "a=b'c"), ("sslmode", "require")].into()),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn messages_are_those_of_libpq() {
        let cases = [
            ("foo=1", "invalid connection option \"foo\""),
            ("=1", "invalid connection option \"\""),
            (
                "host=a dbname",
                "missing \"=\" after \"dbname\" in connection info string",
            ),
            (
                "dbname='a",
                "unterminated quoted string in connection info string",
            ),
            (
                r"dbname='a\",
                "unterminated quoted string in connection info string",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn the_second_word_of_a_password_is_not_shown() {
        let message = parse("user=hab password=correct horse")
            .unwrap_err()
            .to_string();
        assert!(!message.contains("horse"), "{message}");
    }

    proptest! {
        #[test]
        fn quoting_carries_any_text(text in "[^\0]*") {
            let quoted = text.replace('\\', r"\\").replace('\'', r"\'");
            let expected = [("password", text.as_str()), ("dbname", &text)].into();
            prop_assert_eq!(parse(&format!("password='{quoted}' dbname = '{quoted}'")), Ok(expected));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".*|[a=' \\\\]*") {
            let is_known = text.contains('=') || text.trim().is_empty();
            prop_assert!(parse(&text).is_err() || is_known);
        }
    }
}
