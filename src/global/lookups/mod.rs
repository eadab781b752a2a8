//! Finds the string constants of a text that name objects which Postgres looks up, and the lookups
//! whose name is not a constant. Works on tokens alone; the caller knows what functions do.
//! `parentheses` reads the arguments of functions and of CAST, `casts` the operands of `::`.

mod casts;
mod parentheses;
mod words;

use crate::global::objects::Kinds;
use crate::pg::lexer::{Token, TokenKind};
use crate::pg::query_text::Text;

use parentheses::Frame;
pub use words::RUN_SQL;
use words::{names_of, texts};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Index of its token.
    pub index: usize,
    pub kinds: Kinds,
    pub form: LookupForm,
    /// The type or function that looks it up.
    pub by: String,
}

/// Where in a string the names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupForm {
    /// The whole string is one name.
    One,
    /// Several names in it, as in an array, a type, or an argument list.
    Several,
}

/// What is known about functions, by name.
pub trait Calls {
    /// The kinds of object that it looks up by a name passed to it.
    fn looks_up(&self, function: &str) -> Kinds;
    fn gives_text(&self, function: &str) -> bool;
}

pub struct Finder<'a, C> {
    text: &'a Text<'a>,
    calls: &'a C,
    /// Number of strings and `||` before each token.
    texts: Vec<usize>,
    pub found: Vec<Lookup>,
    /// The lookups whose name is not a constant.
    pub unknown: Vec<String>,
}

impl<'a, C: Calls> Finder<'a, C> {
    pub fn find(text: &'a Text<'a>, calls: &'a C) -> Self {
        let mut finder = Self {
            text,
            calls,
            texts: texts(text),
            found: Vec::new(),
            unknown: Vec::new(),
        };
        let anywhere = finder.anywhere();
        let mut frames = vec![anywhere];
        // The end of the last chain of casts that was read.
        let mut read = 0;
        for (index, token) in text.tokens.iter().enumerate() {
            match &token.kind {
                TokenKind::Punctuation('(') => {
                    let inside = finder.frame(index, &frames[frames.len() - 1]);
                    frames.push(inside);
                }
                TokenKind::Punctuation(')') if frames.len() > 1 => {
                    frames.pop();
                }
                TokenKind::String => finder.string(index, &frames[frames.len() - 1]),
                _ => {}
            }
            if index >= read && finder.starts_casts(index) {
                read = finder.casts(index);
            }
        }
        finder
    }

    fn token(&self, index: usize) -> Option<&Token<'a>> {
        self.text.tokens.get(index)
    }

    fn is_string(&self, index: usize) -> bool {
        self.token(index)
            .is_some_and(|t| t.kind == TokenKind::String)
    }

    fn is_mark(&self, index: usize, mark: char) -> bool {
        self.token(index).is_some_and(|token| token.is_mark(mark))
    }

    fn string(&mut self, index: usize, frame: &Frame) {
        if !frame.kinds.is_none() {
            let form = if frame.several {
                LookupForm::Several
            } else {
                LookupForm::One
            };
            self.add(index, (frame.kinds, form), frame.by.clone());
        }
        // regclass 'origins'
        if let Some(names) = index.checked_sub(1).and_then(|at| names_of(self.text, at)) {
            let word = self.text.tokens[index - 1].identifier().unwrap_or_default();
            self.add(index, names, format!("a {word}"));
        }
    }

    fn add(&mut self, index: usize, (kinds, form): (Kinds, LookupForm), by: String) {
        self.found.push(Lookup {
            index,
            kinds,
            form,
            by,
        });
    }
}
