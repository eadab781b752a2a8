//! Decodes the value of a name or a string constant from its spelling.

use super::{Encoding, StringSyntax, Token, TokenKind};

/// `NAMEDATALEN - 1`.
pub(super) const LONGEST: usize = 63;

/// Truncates long names as the server does, by bytes of the database's encoding.
pub(super) fn truncated(name: &str, encoding: Encoding) -> &str {
    if encoding == Encoding::OneByte {
        let cut = name.char_indices().nth(LONGEST);
        return cut.map_or(name, |(end, _)| &name[..end]);
    }
    let mut end = name.len().min(LONGEST);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Decodes `U&"d\0061t\+000061"`, with a custom escape character if `UESCAPE` follows.
pub(super) fn decode_unicode(text: &str, tokens: &mut [Token<'_>], encoding: Encoding) {
    for index in 0..tokens.len() {
        let (token, rest) = tokens[index..].split_at_mut(1);
        let escaped = text[token[0].span.clone()].starts_with(['u', 'U']);
        let TokenKind::Quoted(name) = &mut token[0].kind else {
            continue;
        };
        if !escaped {
            continue;
        }
        let escape = match rest {
            [word, character, ..] if word.is_word("uescape") => {
                text[character.span.clone()].chars().nth(1).unwrap_or('\\')
            }
            _ => '\\',
        };
        if let Some(decoded) = unescaped(name, escape) {
            truncated(&decoded, encoding).clone_into(name);
        }
    }
}

/// `None` if Postgres rejects it.
fn unescaped(name: &str, escape: char) -> Option<String> {
    let mut units = Vec::new();
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != escape {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
        } else if let Some(after) = rest.strip_prefix(escape) {
            units.extend(escape.encode_utf16(&mut [0; 2]).iter());
            rest = after;
        } else {
            let (digits, after) = match rest.strip_prefix('+') {
                Some(long) => (long.get(..6)?, long.get(6..)?),
                None => (rest.get(..4)?, rest.get(4..)?),
            };
            let code = u32::from_str_radix(digits, 16).ok()?;
            match u16::try_from(code) {
                // May be half of a surrogate pair.
                Ok(unit) => units.push(unit),
                Err(_) => units.extend(char::from_u32(code)?.encode_utf16(&mut [0; 2]).iter()),
            }
            rest = after;
        }
    }
    String::from_utf16(&units).ok()
}

/// The value of a string constant; `None` for a bit string, and if Postgres rejects it.
pub fn string_value(constant: &str, strings: StringSyntax) -> Option<String> {
    let (prefix, rest) = constant.split_at(constant.find(['\'', '$'])?);
    if prefix.is_empty() && rest.starts_with('$') {
        let delimiter = &rest[..rest[1..].find('$')? + 2];
        let body = rest.strip_prefix(delimiter)?.strip_suffix(delimiter)?;
        return Some(body.to_owned());
    }
    let quoted = rest.strip_prefix('\'')?;
    match prefix {
        "" => between_quotes(quoted, strings),
        "e" | "E" => between_quotes(quoted, StringSyntax::BackslashEscapes),
        "u&" | "U&" => unescaped(
            &between_quotes(quoted, StringSyntax::StandardConforming)?,
            '\\',
        ),
        _ => None,
    }
}

/// Decodes from after the first quote to the last; the constant may continue on later lines.
fn between_quotes(text: &str, strings: StringSyntax) -> Option<String> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        match c {
            '\'' if rest.starts_with('\'') => {
                value.push(b'\'');
                rest = &rest[1..];
            }
            '\'' => match continued(rest) {
                Some(after) => rest = after,
                None => return String::from_utf8(value).ok(),
            },
            '\\' if strings == StringSyntax::BackslashEscapes => rest = escape(rest, &mut value)?,
            _ => value.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
}

/// The text after the next quote of the same constant.
fn continued(mut rest: &str) -> Option<&str> {
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("--") {
            rest = &comment[comment.find(['\n', '\r'])?..];
        } else {
            return rest.strip_prefix('\'');
        }
    }
}

/// Decodes an escape sequence after its backslash; returns the rest.
fn escape<'a>(rest: &'a str, value: &mut Vec<u8>) -> Option<&'a str> {
    let first = rest.chars().next()?;
    let behind = &rest[first.len_utf8()..];
    let (from, most, radix) = match first {
        'x' => (behind, 2, 16),
        'u' => (behind, 4, 16),
        'U' => (behind, 8, 16),
        '0'..='7' => (rest, 3, 8),
        _ => (behind, 0, 16),
    };
    let digits = from.chars().take(most).take_while(|c| c.is_digit(radix));
    let length = digits.count();
    let mut push = |c: char| value.extend(c.encode_utf8(&mut [0; 4]).bytes());
    if length == 0 {
        push(match first {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            other => other,
        });
        return Some(behind);
    }
    let code = u32::from_str_radix(&from[..length], radix).ok()?;
    if matches!(first, 'u' | 'U') {
        push(char::from_u32(code)?);
    } else {
        // A byte, possibly part of a multi-byte character.
        value.push(u8::try_from(code & 0xff).ok()?);
    }
    Some(&from[length..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::quote::Literal;
    use proptest::prelude::*;

    #[test]
    fn a_constant_says_the_same_however_it_is_written() {
        for constant in [
            "'it''s'",
            r"E'it\'s'",
            r"e'\x69t\47s'",
            "'it'\n '''s'",
            "'it' -- isn't\n '''s'",
            "$$it's$$",
            "$q$it's$q$",
            r"U&'it\0027s'",
            r"E'\u0069\U00000074\'s'",
        ] {
            assert_eq!(
                string_value(constant, StringSyntax::StandardConforming).as_deref(),
                Some("it's"),
                "{constant}"
            );
        }
        let old = string_value(r"'it\'s'", StringSyntax::BackslashEscapes);
        assert_eq!(old.as_deref(), Some("it's"));
        for none in ["b'01'", "X'1F'", "'a", "$$a", r"E'a\"] {
            assert_eq!(
                string_value(none, StringSyntax::StandardConforming),
                None,
                "{none}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_by_us_says_what_it_said(text in r"[a-z'\\\n$žE ]{0,12}") {
            let constant = Literal(&text).to_string();
            let constant = constant.trim_start();
            prop_assert_eq!(string_value(constant, StringSyntax::StandardConforming), Some(text));
        }

        #[test]
        fn no_constant_is_too_strange(text in r"[EUuxb&'$\\0-9a-fž\n -]{0,24}") {
            for strings in [StringSyntax::StandardConforming, StringSyntax::BackslashEscapes] {
                // No escape is shorter than what it stands for.
                let value = string_value(&text, strings);
                prop_assert!(value.is_none_or(|value| value.len() < text.len()));
            }
        }
    }
}
