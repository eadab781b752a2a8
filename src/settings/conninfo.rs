//! `host=db1 dbname='a b'`: libpq's key=value connection strings.

use std::iter::Peekable;
use std::str::Chars;

use super::{Parameters, SettingsError};

/// # Errors
/// In libpq's words; never with a value in them, as that may be a password.
pub(super) fn parse(text: &str) -> Result<Parameters, SettingsError> {
    let mut parameters = Parameters::default();
    let mut rest = text.chars().peekable();
    let mut keyword = String::new();
    loop {
        skip_spaces(&mut rest);
        if rest.peek().is_none() {
            return Ok(parameters);
        }
        let previous = std::mem::take(&mut keyword);
        while let Some(c) = rest.next_if(|&c| c != '=' && !is_space(c)) {
            keyword.push(c);
        }
        skip_spaces(&mut rest);
        if rest.next_if_eq(&'=').is_none() {
            return Err(SettingsError::MissingEquals {
                // Then it is likely the second word of a password.
                word: (previous != "password").then_some(keyword),
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

/// C's `isspace`, which knows the vertical tab that Rust leaves out.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\x0b'
}
