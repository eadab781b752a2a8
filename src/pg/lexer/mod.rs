//! Postgres's lexical rules, as far as needed to find tokens: all kinds of strings, identifiers,
//! nested comments, operators. Errors are left to the server's lexer: an unterminated token ends
//! with the text.

mod scan;
mod spelling;

use std::borrow::Cow;
use std::ops::Range;

use scan::Lexer;
use spelling::{LONGEST, decode_unicode};

pub use spelling::string_value;

/// The meaning of a backslash in `'…'`, by `standard_conforming_strings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StringSyntax {
    StandardConforming,
    BackslashEscapes,
}

/// The number of bytes per character in the database's encoding, which decides where long names are
/// truncated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// As in UTF-8.
    #[default]
    Utf8,
    OneByte,
    Other,
}

impl Encoding {
    /// By its name in Postgres. `SQL_ASCII` keeps bytes as they come, so as in UTF-8.
    pub fn named(name: &str) -> Self {
        let one_byte = ["LATIN", "ISO_8859", "WIN", "KOI8"];
        if ["UTF8", "SQL_ASCII"].contains(&name) {
            Self::Utf8
        } else if one_byte.iter().any(|start| name.starts_with(start)) {
            Self::OneByte
        } else {
            Self::Other
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenKind<'a> {
    /// An unquoted identifier or keyword, folded to lower case.
    Identifier(Cow<'a, str>),
    /// A quoted identifier, without its quotes.
    Quoted(String),
    String,
    Number,
    /// Several operator characters, or one of `+-*/<>=~!@#%^&|?` and the backtick.
    Operator,
    /// `(`, `)`, `[`, `]`, `,`, `;`, `:`, `.`, or a character that Postgres does not know.
    Punctuation(char),
}

/// What a text ends in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    String,
    Identifier,
    DollarString,
    Comment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: TokenKind<'a>,
    /// In bytes.
    pub span: Range<usize>,
}

impl Token<'_> {
    pub fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, TokenKind::Identifier(it) if it == word)
    }

    pub fn is_mark(&self, mark: char) -> bool {
        self.kind == TokenKind::Punctuation(mark)
    }

    /// Whether it is a name that another encoding might truncate elsewhere.
    fn is_long_name(&self) -> bool {
        self.identifier().is_some() && self.span.len() > LONGEST
    }

    pub fn identifier(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Identifier(word) => Some(word),
            TokenKind::Quoted(name) => Some(name),
            _ => None,
        }
    }
}

/// The tokens of a text, one after the other. `U&` names are not decoded.
pub struct Scan<'a>(Lexer<'a>);

impl<'a> Scan<'a> {
    pub fn new(text: &'a str, strings: StringSyntax, encoding: Encoding) -> Self {
        Self(Lexer::new(text, strings, encoding))
    }

    /// Continues at this byte, which must not be inside a token.
    pub fn seek(&mut self, at: usize) {
        self.0.seek(at);
    }

    /// What the text ends in, once all tokens were read.
    pub fn unfinished(&self) -> Option<Unfinished> {
        self.0.unfinished()
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.0.skip_space();
        let start = self.0.at();
        let kind = self.0.token()?;
        Some(Token {
            kind,
            span: start..self.0.at(),
        })
    }
}

/// All tokens of a text, without white space and comments.
pub fn tokens(text: &str, strings: StringSyntax, encoding: Encoding) -> Vec<Token<'_>> {
    let mut tokens = Scan::new(text, strings, encoding).collect::<Vec<_>>();
    decode_unicode(text, &mut tokens, encoding);
    tokens
}

/// Whether a name in it might be truncated elsewhere in another encoding.
pub fn has_long_names(tokens: &[Token<'_>]) -> bool {
    tokens.iter().any(Token::is_long_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lex(text: &str) -> Vec<Token<'_>> {
        tokens(text, StringSyntax::StandardConforming, Encoding::Utf8)
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
        // Two bytes per character in UTF-8, one in LATIN1.
        let long = "ä".repeat(70);
        assert_eq!(names(&long), ["ä".repeat(31)]);
        for written in [
            long.clone(),
            format!("\"{long}\""),
            format!("U&\"{}\"", r"\00e4".repeat(70)),
        ] {
            let tokens = tokens(
                &written,
                StringSyntax::StandardConforming,
                Encoding::OneByte,
            );
            assert_eq!(tokens[0].identifier(), Some(&*"ä".repeat(63)), "{written}");
        }
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
    fn a_sign_behind_an_operator_is_one_of_its_own() {
        let operators = |text: &str| {
            let tokens = lex(text);
            let written = tokens.iter().map(|t| &text[t.span.clone()]);
            written.map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        for (text, expected) in [
            ("a=-1", "a = - 1"),
            ("a<=-+1", "a <= - + 1"),
            ("1*-+-2", "1 * - + - 2"),
            ("+-1", "+ - 1"),
            ("a@-1", "a @- 1"),
            ("a->>-1", "a ->> - 1"),
            ("a#>-1", "a #>- 1"),
            ("a%-1", "a %- 1"),
            ("a=--1\n-1", "a = - 1"),
            ("a=-/*x*/1", "a = - 1"),
        ] {
            assert_eq!(operators(text), expected, "{text}");
        }
        assert_eq!(lex(&"-+".repeat(200_000)).len(), 400_000, "in time");
        assert_eq!(lex(&"+/**/".repeat(80_000)).len(), 80_000, "in time");
    }

    #[test]
    fn old_strings_know_the_backslash() {
        let old = tokens(r"'a\' b' c", StringSyntax::BackslashEscapes, Encoding::Utf8);
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
        // Postgres rejects it, so its length does not matter.
        let long = format!(r"\no{}", "a".repeat(70));
        assert_eq!(names(&format!("U&\"{long}\"")), [long]);
    }

    #[test]
    fn a_text_that_does_not_end_ends_there() {
        for text in ["'a", "E'a\\", "\"a", "$$ a", "E'a\\é"] {
            let tokens: Vec<_> = lex(text)
                .iter()
                .map(|token| &text[token.span.clone()])
                .collect();
            assert_eq!(tokens, [text]);
        }
        assert!(lex("/* a").is_empty(), "a comment is no token");
        for (text, unfinished) in [
            ("'a", Some(Unfinished::String)),
            ("E'a\\'", Some(Unfinished::String)),
            ("U&\"a", Some(Unfinished::Identifier)),
            ("$q$ a $$", Some(Unfinished::DollarString)),
            ("1 /* a /* b */", Some(Unfinished::Comment)),
            ("'a' \"b\" $$ c $$ /* d */ -- e", None),
        ] {
            let mut scan = Scan::new(text, StringSyntax::StandardConforming, Encoding::Utf8);
            while scan.next().is_some() {}
            assert_eq!(scan.unfinished(), unfinished, "{text}");
        }
    }

    proptest! {
        #[test]
        fn tokens_follow_each_other_and_no_text_is_too_strange(text in r#"([a-zA-ZeEuUž&$'"\\/*+.\-0-9 \n(),;:!-]|\$\$|U&"|E'){0,40}"#) {
            for strings in [StringSyntax::StandardConforming, StringSyntax::BackslashEscapes] {
                let mut end = 0;
                for token in tokens(&text, strings, Encoding::Utf8) {
                    prop_assert!(token.span.start >= end && token.span.end > token.span.start);
                    prop_assert!(text.get(token.span.clone()).is_some());
                    end = token.span.end;
                }
            }
        }
    }
}
