//! Tokens and what is between them are the whole text, in order. A text that begins with NUL is
//! repeated, to find what takes more than linear time.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use shardq::pg::lexer::{Encoding, StringSyntax, Token, TokenKind, string_value, tokens};

const SYNTAXES: [StringSyntax; 2] = [
    StringSyntax::StandardConforming,
    StringSyntax::BackslashEscapes,
];
const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::OneByte, Encoding::Other];

/// Linear time takes 20 ms for it with the sanitizer, quadratic time minutes.
const REPEATED: usize = 128 << 10;

fuzz_target!(|text: &str| {
    if let Some(unit) = text.strip_prefix('\0') {
        is_linear(unit);
        return;
    }
    for strings in SYNTAXES {
        for encoding in ENCODINGS {
            let tokens = tokens(text, strings, encoding);
            let mut end = 0;
            for token in &tokens {
                assert!(token.span.start >= end && token.span.end > token.span.start);
                assert!(is_blank(&text[end..token.span.start]));
                check(token, &text[token.span.clone()], strings, encoding);
                end = token.span.end;
            }
            assert!(is_blank(&text[end..]));
        }
    }
});

fn is_linear(unit: &str) {
    if unit.is_empty() {
        return;
    }
    let text = unit.repeat(REPEATED / unit.len());
    let began = Instant::now();
    let count = tokens(&text, StringSyntax::StandardConforming, Encoding::Utf8).len();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "{count} tokens in {took:?}");
}

/// Whether a text has only white space and comments, of which the last may be unterminated.
fn is_blank(mut text: &str) -> bool {
    loop {
        text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        if text.is_empty() {
            return true;
        } else if let Some(comment) = text.strip_prefix("--") {
            text = comment.trim_start_matches(|c| c != '\n' && c != '\r');
        } else if text.starts_with("/*") {
            text = &text[block_comment(text.as_bytes())..];
        } else {
            return false;
        }
    }
}

/// The length of the comment in front, to the end of the text if it is unterminated.
fn block_comment(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < text.len() {
        depth += match text.get(at..at + 2) {
            Some(b"/*") => 1,
            Some(b"*/") => -1,
            _ => {
                at += 1;
                continue;
            }
        };
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// That the text of a token is what its kind promises.
fn check(token: &Token<'_>, written: &str, strings: StringSyntax, encoding: Encoding) {
    let first = written.chars().next().expect("tokens are not empty");
    match &token.kind {
        TokenKind::Identifier(name) => {
            assert!(written.to_ascii_lowercase().starts_with(&**name));
            assert!(!first.is_ascii_digit() && !written.contains(['\'', '"', ' ']));
            check_length(name, encoding);
        }
        TokenKind::Quoted(name) => {
            assert!(written.contains('"'));
            if first == '"' {
                let inner = written[1..].strip_suffix('"').unwrap_or(&written[1..]);
                assert!(inner.replace("\"\"", "\"").starts_with(&**name));
                // A `U&` name whose escapes Postgres rejects is left as it is.
                check_length(name, encoding);
            }
        }
        TokenKind::String => {
            assert!(written.contains('\'') || written.ends_with('$') || first == '$');
            if first == '\''
                && strings == StringSyntax::StandardConforming
                && !written.contains('\n')
                && !written.contains('\r')
                && let Some(value) = string_value(written, strings)
            {
                assert_eq!(format!("'{}'", value.replace('\'', "''")), written);
            }
        }
        TokenKind::Number => assert!(first == '.' || first.is_ascii_digit()),
        TokenKind::Operator => {
            assert!(!written.contains("--") && !written.contains("/*"));
            assert!(written.chars().all(|c| "~!@#^&|`?+-*/%<>=".contains(c)));
        }
        TokenKind::Punctuation(mark) => assert_eq!(written, mark.to_string()),
    }
}

/// Longer names are cut: `NAMEDATALEN - 1`, in bytes of the database's encoding.
fn check_length(name: &str, encoding: Encoding) {
    match encoding {
        Encoding::OneByte => assert!(name.chars().count() <= 63),
        _ => assert!(name.len() <= 63),
    }
}
