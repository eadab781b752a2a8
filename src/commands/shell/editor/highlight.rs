//! Colors of SQL while it is typed, and the brackets that belong together. Pure.

use super::keywords::is_keyword;
use crate::pg::lexer::{Encoding, Scan, StringSyntax, Token, TokenKind};

const RESET: &str = "\x1b[0m";
const KEYWORD: &str = "\x1b[1;34m";
const STRING: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const COMMENT: &str = "\x1b[2m";
const COMMAND: &str = "\x1b[35m";
const BRACKET: &str = "\x1b[1;33m";

/// The line with colors. `at` is where the cursor is, in bytes.
pub fn highlighted(line: &str, at: usize) -> String {
    let tokens: Vec<_> =
        Scan::new(line, StringSyntax::StandardConforming, Encoding::Utf8).collect();
    let brackets = brackets(&tokens, at);
    let mut painted = String::with_capacity(line.len() * 2);
    let mut done = 0;
    for (index, token) in tokens.iter().enumerate() {
        between(&line[done..token.span.start], &mut painted);
        let text = &line[token.span.clone()];
        if token.is_mark('\\') {
            // A command takes the rest of the line.
            paint(COMMAND, &line[token.span.start..], &mut painted);
            return painted;
        }
        match style(token) {
            _ if brackets.contains(&index) => paint(BRACKET, text, &mut painted),
            Some(style) => paint(style, text, &mut painted),
            None => painted += text,
        }
        done = token.span.end;
    }
    between(&line[done..], &mut painted);
    painted
}

/// White space and comments.
fn between(text: &str, painted: &mut String) {
    if text.trim().is_empty() {
        *painted += text;
    } else {
        paint(COMMENT, text, painted);
    }
}

fn paint(style: &str, text: &str, painted: &mut String) {
    *painted += style;
    *painted += text;
    *painted += RESET;
}

fn style(token: &Token<'_>) -> Option<&'static str> {
    match &token.kind {
        TokenKind::Identifier(word) if is_keyword(word) => Some(KEYWORD),
        TokenKind::String => Some(STRING),
        TokenKind::Number => Some(NUMBER),
        _ => None,
    }
}

/// The bracket at the cursor or in front of it, and its counterpart, by their places among the
/// tokens.
fn brackets(tokens: &[Token<'_>], at: usize) -> Vec<usize> {
    let is_bracket = |token: &Token<'_>| "()[]".chars().any(|mark| token.is_mark(mark));
    let touches = |token: &Token<'_>| token.span.start == at || token.span.end == at;
    let found = tokens.iter().position(|it| is_bracket(it) && touches(it));
    let Some(found) = found else {
        return Vec::new();
    };
    let opens = |token: &Token<'_>| token.is_mark('(') || token.is_mark('[');
    let mut depth = 0_i32;
    let mut is_counterpart = |token: &Token<'_>| {
        if is_bracket(token) {
            depth += if opens(token) { 1 } else { -1 };
        }
        depth == 0
    };
    let counterpart = if opens(&tokens[found]) {
        let place = tokens[found..].iter().position(&mut is_counterpart);
        place.map(|place| found + place)
    } else {
        let place = tokens[..=found].iter().rev().position(&mut is_counterpart);
        place.map(|place| found - place)
    };
    counterpart.map_or_else(Vec::new, |place| vec![found, place])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        let mut plain = String::new();
        let mut parts = text.split('\x1b');
        plain += parts.next().unwrap_or_default();
        for part in parts {
            plain += part.split_once('m').map_or("", |(_, rest)| rest);
        }
        plain
    }

    #[test]
    fn colors_change_nothing_but_colors() {
        for line in [
            "SELECT 'a', 1 FROM t -- é",
            "\\d origins",
            "(a[1])",
            "'open",
            "/* open",
            "ž(",
        ] {
            for at in 0..=line.len() {
                assert_eq!(plain(&highlighted(line, at)), line);
            }
        }
        assert_eq!(highlighted("select a", 0), "\x1b[1;34mselect\x1b[0m a");
    }

    #[test]
    fn brackets_are_shown_in_pairs() {
        let painted = highlighted("(a(b))", 0);
        assert_eq!(painted.matches(BRACKET).count(), 2);
        assert!(painted.starts_with(BRACKET) && painted.ends_with(")\x1b[0m"));
        assert_eq!(highlighted("(a", 0), "(a");
    }
}
