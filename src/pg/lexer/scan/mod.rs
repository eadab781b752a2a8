//! Finds where each token ends.

mod quoted;

use std::borrow::Cow;

use super::spelling::truncated;
use super::{Encoding, StringSyntax, TokenKind, Unfinished};

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    strings: StringSyntax,
    encoding: Encoding,
    /// The end of a run of signs, each of which is an operator of its own.
    signs: usize,
    unfinished: Option<Unfinished>,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str, strings: StringSyntax, encoding: Encoding) -> Self {
        Self {
            text,
            at: 0,
            strings,
            encoding,
            signs: 0,
            unfinished: None,
        }
    }

    /// What the text ends in, once all of it was read.
    pub fn unfinished(&self) -> Option<Unfinished> {
        self.unfinished
    }

    /// Byte offset.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn seek(&mut self, at: usize) {
        self.at = at;
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn end(&mut self) {
        self.at = self.text.len();
    }

    pub fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            if rest.starts_with("--") {
                self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.skip_block_comment();
            } else if rest.starts_with(is_space) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// Block comments nest.
    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while self.byte(0).is_some() {
            let rest = &self.text.as_bytes()[self.at..];
            if rest.starts_with(b"/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else {
                self.at += 1;
            }
        }
        self.unfinished = Some(Unfinished::Comment);
    }

    /// The token that begins here; `None` at the end.
    pub fn token(&mut self) -> Option<TokenKind<'a>> {
        let first = self.rest().chars().next()?;
        let second = self.byte(1);
        Some(match first {
            '\'' => {
                self.string(0, self.strings);
                TokenKind::String
            }
            'e' | 'E' if second == Some(b'\'') => {
                self.string(1, StringSyntax::BackslashEscapes);
                TokenKind::String
            }
            'b' | 'B' | 'x' | 'X' if second == Some(b'\'') => {
                self.string(1, StringSyntax::StandardConforming);
                TokenKind::String
            }
            'u' | 'U' if second == Some(b'&') && self.byte(2) == Some(b'\'') => {
                self.string(2, StringSyntax::StandardConforming);
                TokenKind::String
            }
            'u' | 'U' if second == Some(b'&') && self.byte(2) == Some(b'"') => {
                TokenKind::Quoted(self.quoted_identifier(2))
            }
            '"' => {
                let name = self.quoted_identifier(0);
                TokenKind::Quoted(truncated(&name, self.encoding).to_owned())
            }
            '$' => self.dollar(),
            c if starts_identifier(c) => self.word(),
            c if c.is_ascii_digit() => self.number(),
            '.' if second.is_some_and(|b| b.is_ascii_digit()) => self.number(),
            c if is_operator(c) => self.operator(),
            c => {
                self.at += c.len_utf8();
                TokenKind::Punctuation(c)
            }
        })
    }

    fn word(&mut self) -> TokenKind<'a> {
        let rest = self.rest();
        let continues = |c: char| starts_identifier(c) || c.is_ascii_digit() || c == '$';
        let word = &rest[..rest.find(|c| !continues(c)).unwrap_or(rest.len())];
        self.at += word.len();
        let word = truncated(word, self.encoding);
        // Postgres folds only ASCII in multi-byte encodings.
        TokenKind::Identifier(if word.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(word.to_ascii_lowercase())
        } else {
            Cow::Borrowed(word)
        })
    }

    fn number(&mut self) -> TokenKind<'a> {
        let digits = |lexer: &mut Self| {
            while lexer.byte(0).is_some_and(|b| b.is_ascii_digit()) {
                lexer.at += 1;
            }
        };
        digits(self);
        // `..` is not a decimal point.
        if self.byte(0) == Some(b'.') && self.byte(1) != Some(b'.') {
            self.at += 1;
            digits(self);
        }
        if matches!(self.byte(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(1), Some(b'+' | b'-')));
            if self.byte(1 + sign).is_some_and(|b| b.is_ascii_digit()) {
                self.at += 1 + sign;
                digits(self);
            }
        }
        TokenKind::Number
    }

    /// A comment ends an operator. So does a sign at its end, which belongs to the next token
    /// (`a=-1`), unless the operator has a character that no standard SQL operator has.
    fn operator(&mut self) -> TokenKind<'a> {
        if self.at < self.signs {
            self.at += 1;
            return TokenKind::Operator;
        }
        let rest = self.rest();
        // No further than the next comment: `+/**/` repeated would take quadratic time.
        let ends_at = |&at: &usize| {
            let rest = &rest[at..];
            !rest.starts_with(is_operator) || rest.starts_with("--") || rest.starts_with("/*")
        };
        let run = &rest[..(0..rest.len()).find(ends_at).unwrap_or(rest.len())];
        let bare = if run.contains(|c| "~!@#^&|`?%".contains(c)) {
            run
        } else {
            run.trim_end_matches(['+', '-'])
        };
        self.signs = self.at + run.len();
        // A sign alone is an operator.
        self.at += bare.len().max(1);
        TokenKind::Operator
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn starts_identifier(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_operator(c: char) -> bool {
    "~!@#^&|`?+-*/%<>=".contains(c)
}
