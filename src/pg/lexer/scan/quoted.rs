//! What stands in quotes: strings, with or without backslashes, identifiers, dollar quotes.

use super::{Lexer, StringSyntax, TokenKind, Unfinished, is_space, starts_identifier};

impl<'a> Lexer<'a> {
    /// A quoted constant whose quote is `quote` bytes ahead. Constants on consecutive lines
    /// continue the first, under its rules.
    pub(super) fn string(&mut self, quote: usize, strings: StringSyntax) {
        self.at += quote + 1;
        loop {
            match self.byte(0) {
                None => {
                    self.unfinished = Some(Unfinished::String);
                    return;
                }
                Some(b'\\') if strings == StringSyntax::BackslashEscapes => {
                    self.at = (self.at + 2).min(self.text.len());
                }
                Some(b'\'') if self.byte(1) == Some(b'\'') => self.at += 2,
                Some(b'\'') => {
                    self.at += 1;
                    match self.continuation() {
                        Some(next) => self.at = next,
                        None => break,
                    }
                }
                Some(_) => self.at += 1,
            }
        }
        // An escaped character may have several bytes.
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// The offset after the quote with which the constant continues, if it does.
    fn continuation(&self) -> Option<usize> {
        let mut ahead = self.rest();
        let mut lines = 0;
        loop {
            if ahead.starts_with("--") {
                ahead = &ahead[ahead.find(['\n', '\r'])?..];
            }
            match ahead.chars().next()? {
                '\'' if lines > 0 => return Some(self.text.len() - ahead.len() + 1),
                '\n' | '\r' => lines += 1,
                c if is_space(c) => {}
                _ => return None,
            }
            ahead = &ahead[1..];
        }
    }

    /// The identifier without its quotes, the first of which is `quote` bytes ahead.
    pub(super) fn quoted_identifier(&mut self, quote: usize) -> String {
        self.at += quote + 1;
        let mut name = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find('"') else {
                name += rest;
                self.end();
                self.unfinished = Some(Unfinished::Identifier);
                return name;
            };
            name += &rest[..end];
            self.at += end + 1;
            if self.byte(0) != Some(b'"') {
                return name;
            }
            name.push('"');
            self.at += 1;
        }
    }

    /// `$tag$ … $tag$`, or `$1`.
    pub(super) fn dollar(&mut self) -> TokenKind<'a> {
        let rest = self.rest();
        let tag = &rest[1..];
        let length = tag
            .find(|c| !(starts_identifier(c) || c.is_ascii_digit()))
            .unwrap_or(tag.len());
        let quotes =
            tag[length..].starts_with('$') && !tag.starts_with(|c: char| c.is_ascii_digit());
        if !quotes {
            self.at += 1;
            return TokenKind::Punctuation('$');
        }
        let delimiter = &rest[..length + 2];
        let body = &rest[delimiter.len()..];
        if let Some(end) = body.find(delimiter) {
            self.at += delimiter.len() + end + delimiter.len();
        } else {
            self.end();
            self.unfinished = Some(Unfinished::DollarString);
        }
        TokenKind::String
    }
}
