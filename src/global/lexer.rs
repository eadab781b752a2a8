//! Postgres's lexical rules, as far as they tell where words begin and end:
//! strings of every kind, identifiers, nested comments, operators. What is wrong
//! with a text is for the server's own lexer to say: a token that does not end
//! simply ends with the text.

use std::borrow::Cow;
use std::ops::Range;

/// What `standard_conforming_strings` makes of a backslash in `'…'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strings {
    /// A backslash is a backslash.
    Conforming,
    /// A backslash escapes, as in `E'…'`.
    Escaped,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    /// An identifier or keyword without quotes, folded to lower case.
    Word(Cow<'a, str>),
    /// An identifier in quotes, as it reads without them.
    Quoted(String),
    /// A string constant of any kind.
    String,
    Number,
    /// Several operator characters, or one of `+-*/<>=~!@#%^&|?` and the back quote.
    Operator,
    /// `(`, `)`, `[`, `]`, `,`, `;`, `:`, `.`, or what Postgres does not know.
    Mark(char),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind<'a>,
    /// In bytes.
    pub span: Range<usize>,
}

impl Token<'_> {
    pub fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(it) if it == word)
    }

    pub fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// The name that a word or a quoted identifier is.
    pub fn identifier(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            Kind::Quoted(name) => Some(name),
            _ => None,
        }
    }
}

/// All tokens of a text; white space and comments are not among them.
pub fn tokens(text: &str, strings: Strings) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        text,
        at: 0,
        strings,
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let Some(kind) = lexer.token() else {
            break;
        };
        tokens.push(Token {
            kind,
            span: start..lexer.at,
        });
    }
    decode_unicode(text, &mut tokens);
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    strings: Strings,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn end(&mut self) {
        self.at = self.text.len();
    }

    fn skip_space(&mut self) {
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
    }

    fn token(&mut self) -> Option<Kind<'a>> {
        let first = self.rest().chars().next()?;
        let second = self.byte(1);
        Some(match first {
            '\'' => {
                self.string(0, self.strings);
                Kind::String
            }
            'e' | 'E' if second == Some(b'\'') => {
                self.string(1, Strings::Escaped);
                Kind::String
            }
            'b' | 'B' | 'x' | 'X' if second == Some(b'\'') => {
                self.string(1, Strings::Conforming);
                Kind::String
            }
            'u' | 'U' if second == Some(b'&') && self.byte(2) == Some(b'\'') => {
                self.string(2, Strings::Conforming);
                Kind::String
            }
            'u' | 'U' if second == Some(b'&') && self.byte(2) == Some(b'"') => {
                Kind::Quoted(self.quoted_identifier(2))
            }
            '"' => Kind::Quoted(truncated(&self.quoted_identifier(0)).to_owned()),
            '$' => self.dollar(),
            c if starts_identifier(c) => self.word(),
            c if c.is_ascii_digit() => self.number(),
            '.' if second.is_some_and(|b| b.is_ascii_digit()) => self.number(),
            c if is_operator(c) => self.operator(),
            c => {
                self.at += c.len_utf8();
                Kind::Mark(c)
            }
        })
    }

    /// A quoted constant whose quote is so many bytes ahead. Constants on several
    /// lines continue each other, by the rules of the first.
    fn string(&mut self, quote: usize, strings: Strings) {
        self.at += quote + 1;
        loop {
            match self.byte(0) {
                None => return,
                Some(b'\\') if strings == Strings::Escaped => {
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
        // What a backslash escapes may be a character of several bytes.
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// Behind the quote with which the constant goes on, if it does.
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

    /// As it reads between its quotes, the first of which is so many bytes ahead.
    fn quoted_identifier(&mut self, quote: usize) -> String {
        self.at += quote + 1;
        let mut name = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find('"') else {
                name += rest;
                self.end();
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
    fn dollar(&mut self) -> Kind<'a> {
        let rest = self.rest();
        let tag = &rest[1..];
        let length = tag
            .find(|c| !(starts_identifier(c) || c.is_ascii_digit()))
            .unwrap_or(tag.len());
        let quotes =
            tag[length..].starts_with('$') && !tag.starts_with(|c: char| c.is_ascii_digit());
        if !quotes {
            self.at += 1;
            return Kind::Mark('$');
        }
        let delimiter = &rest[..length + 2];
        let body = &rest[delimiter.len()..];
        match body.find(delimiter) {
            Some(end) => self.at += delimiter.len() + end + delimiter.len(),
            None => self.end(),
        }
        Kind::String
    }

    fn word(&mut self) -> Kind<'a> {
        let rest = self.rest();
        let continues = |c: char| starts_identifier(c) || c.is_ascii_digit() || c == '$';
        let word = &rest[..rest.find(|c| !continues(c)).unwrap_or(rest.len())];
        self.at += word.len();
        let word = truncated(word);
        // Postgres folds ASCII alone where the encoding has several bytes.
        Kind::Word(if word.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(word.to_ascii_lowercase())
        } else {
            Cow::Borrowed(word)
        })
    }

    fn number(&mut self) -> Kind<'a> {
        let digits = |lexer: &mut Self| {
            while lexer.byte(0).is_some_and(|b| b.is_ascii_digit()) {
                lexer.at += 1;
            }
        };
        digits(self);
        // Two points are no decimal point.
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
        Kind::Number
    }

    /// A comment ends an operator.
    fn operator(&mut self) -> Kind<'a> {
        let rest = self.rest();
        let end = rest.find(|c| !is_operator(c)).unwrap_or(rest.len());
        let run = &rest[..end];
        let comment = ["--", "/*"]
            .iter()
            .filter_map(|start| run.find(start))
            .min();
        self.at += comment.unwrap_or(end);
        Kind::Operator
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

/// Names longer than `NAMEDATALEN - 1` bytes are cut.
fn truncated(name: &str) -> &str {
    const LONGEST: usize = 63;
    let mut end = name.len().min(LONGEST);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// `U&"d\0061t\+000061"`, with another escape character if `UESCAPE` says so.
fn decode_unicode(text: &str, tokens: &mut [Token<'_>]) {
    for index in 0..tokens.len() {
        let (token, rest) = tokens[index..].split_at_mut(1);
        let escaped = text[token[0].span.clone()].starts_with(['u', 'U']);
        let Kind::Quoted(name) = &mut token[0].kind else {
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
            truncated(&decoded).clone_into(name);
        }
    }
}

/// `None` for what Postgres refuses.
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
                // Half of a surrogate pair may be one of them.
                Ok(unit) => units.push(unit),
                Err(_) => units.extend(char::from_u32(code)?.encode_utf16(&mut [0; 2]).iter()),
            }
            rest = after;
        }
    }
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lex(text: &str) -> Vec<Token<'_>> {
        tokens(text, Strings::Conforming)
    }

    fn names(text: &str) -> Vec<String> {
        let tokens = lex(text);
        let names = tokens.iter().filter_map(Token::identifier);
        names.map(str::to_owned).collect()
    }

    #[test]
    fn words_fold_and_quoted_names_do_not() {
        assert_eq!(
            names(r#"Foo "Bar" "a""b" ŽluŤ x$1 _y"#),
            ["foo", "Bar", "a\"b", "ŽluŤ", "x$1", "_y"]
        );
        let long = "a".repeat(70);
        assert_eq!(names(&long), ["a".repeat(63)]);
    }

    #[test]
    fn nothing_in_a_string_is_a_name() {
        for hidden in [
            "'a'",
            "'it''s a'",
            r"'a\'",
            r"E'a\' b'",
            r"e'a\\'",
            "E'a'\n  'b\\' c'",
            "E'a' -- and\n 'b\\' c'",
            "B'01'",
            "x'ff'",
            r"U&'\0061'",
            "$$ a $b$ c $$",
            "$q$ a $$ b $r$ $q$",
            "/* a /* b */ c */",
            "-- a",
            "1e5",
            ".5",
            "1.5e-3",
        ] {
            assert_eq!(names(&format!("{hidden}\nend")), ["end"], "{hidden}");
        }
        assert_eq!(names("'a' 'b\\' c"), ["c"]);
        assert_eq!(names("a$$ b $$"), ["a$$", "b"], "a name may hold dollars");
        assert_eq!(names("1+/* x */a--b"), ["a"]);
        assert_eq!(names("$1::int"), ["int"]);
    }

    #[test]
    fn old_strings_know_the_backslash() {
        let old = tokens(r"'a\' b' c", Strings::Escaped);
        assert_eq!(old.len(), 2);
        assert_eq!(old[1].identifier(), Some("c"));
    }

    #[test]
    fn unicode_names_are_decoded() {
        assert_eq!(names(r#"U&"d\0061t\+000061""#), ["data"]);
        assert_eq!(
            names(r#"u&"d!0061t!+000061!!" UESCAPE '!'"#),
            ["data!", "uescape"]
        );
        assert_eq!(names(r#"U&"\D83D\DE00""#), ["😀"]);
        assert_eq!(names(r#"U&"\bad""#), [r"\bad"]);
    }

    #[test]
    fn a_text_that_does_not_end_ends_there() {
        for text in ["'a", "E'a\\", "\"a", "$$ a", "/* a", "E'a\\é"] {
            lex(text);
        }
    }

    proptest! {
        #[test]
        fn tokens_follow_each_other_and_no_text_is_too_strange(text in r#"([a-zA-ZeEuUž&$'"\\/*+.\-0-9 \n(),;:!-]|\$\$|U&"|E'){0,40}"#) {
            for strings in [Strings::Conforming, Strings::Escaped] {
                let mut end = 0;
                for token in tokens(&text, strings) {
                    prop_assert!(token.span.start >= end && token.span.end > token.span.start);
                    prop_assert!(text.get(token.span.clone()).is_some());
                    end = token.span.end;
                }
            }
        }
    }
}
