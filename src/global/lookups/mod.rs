//! Finds the string constants of a text that name objects which Postgres looks up, and the lookups
//! whose name is not a constant. Works on tokens alone; the caller knows what functions do.

use super::objects::Kinds;
use crate::pg::lexer::{Token, TokenKind};
use crate::pg::query_text::{RESERVED, Text};

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

/// Unreserved words that may precede a parenthesis without being a function.
const NO_FUNCTIONS: [&str; 12] = [
    "coalesce", "exists", "filter", "greatest", "is", "least", "nullif", "over", "row", "rows",
    "values", "within",
];

/// Built-in functions that execute SQL passed as a string. It is the first argument, except for
/// `ts_rewrite`: there it is the second, or absent.
pub const RUN_SQL: [&str; 5] = [
    "query_to_xml",
    "query_to_xmlschema",
    "query_to_xml_and_xmlschema",
    "ts_stat",
    "ts_rewrite",
];

/// Text types: a name of such a type is looked up when cast to a `reg…` type.
const TEXTS: [&str; 5] = ["bpchar", "char", "name", "text", "varchar"];

/// The name of the function that this parenthesis calls.
pub fn called<'t>(text: &'t Text<'_>, open: usize) -> Option<&'t str> {
    let name = text.tokens.get(open.checked_sub(1)?)?;
    match &name.kind {
        TokenKind::Identifier(word) => {
            let word = word.as_ref();
            let keyword = RESERVED.contains(&word) || NO_FUNCTIONS.contains(&word);
            (!keyword || word == "cast").then_some(word)
        }
        TokenKind::Quoted(name) => Some(name),
        _ => None,
    }
}

/// The `reg…` type at this token: the kinds that it names, and whether it is an array.
fn names_of(text: &Text<'_>, index: usize) -> Option<(Kinds, LookupForm)> {
    let name = text.tokens.get(index)?.identifier()?;
    let (name, array) = match name.strip_prefix('_') {
        Some(element) => (element, true),
        None => (name, text.precedes_mark(index, '[')),
    };
    let kinds = Kinds::of_type(name);
    let form = if array || kinds != Kinds::RELATION {
        LookupForm::Several
    } else {
        LookupForm::One
    };
    (!kinds.is_none()).then_some((kinds, form))
}

/// The context of a pair of parentheses.
#[derive(Clone, Default)]
struct Frame {
    kinds: Kinds,
    several: bool,
    by: String,
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

    /// `reg…` types that apply to no particular constant: `regclass[]`, and a column in
    /// `AS t (a regclass)`. They count for every string of the text.
    fn anywhere(&self) -> Frame {
        let mut frame = Frame {
            several: true,
            by: "an array of names".to_owned(),
            ..Frame::default()
        };
        for index in 0..self.text.tokens.len() {
            let Some((kinds, _)) = names_of(self.text, index) else {
                continue;
            };
            let word = self.text.tokens[index].identifier().unwrap_or_default();
            let array = word.starts_with('_') || self.text.precedes_mark(index, '[');
            let qualified = self.text.follows_mark(index, '.');
            let before = index.checked_sub(if qualified { 3 } else { 1 });
            let before = before.and_then(|at| self.text.tokens[at].identifier());
            let column = before.is_some_and(|name| !RESERVED.contains(&name))
                && !self.text.precedes_mark(index, '(')
                && !self.is_string(index + 1);
            if array || column {
                frame.kinds = frame.kinds.and(kinds);
                if !array {
                    frame.by = format!("a column of type {word}");
                }
            }
        }
        frame
    }

    /// What strings inside these parentheses may name: whatever they may name outside, plus what
    /// this call or cast looks up.
    fn frame(&mut self, open: usize, around: &Frame) -> Frame {
        let mut frame = Frame::default();
        if let Some(function) = called(self.text, open) {
            let (kinds, form) = if function == "cast" {
                self.cast(open)
            } else {
                let runs_sql = RUN_SQL.contains(&function);
                let sql = if runs_sql { Kinds::SQL } else { Kinds::NONE };
                let named = Kinds::of_type(function).and(sql);
                let kinds = self.calls.looks_up(function).and(named);
                let form = if kinds == Kinds::RELATION {
                    LookupForm::One
                } else {
                    LookupForm::Several
                };
                (kinds, form)
            };
            if !kinds.is_none() {
                frame.kinds = frame.kinds.and(kinds);
                frame.several |= form == LookupForm::Several;
                // Inside an array of names, the array is what looks it up.
                frame.by = if function == "cast" && !around.kinds.is_none() {
                    around.by.clone()
                } else {
                    format!("{function}()")
                };
            }
        }
        if frame.kinds.is_none() {
            return around.clone();
        }
        frame.kinds = frame.kinds.and(around.kinds);
        frame.several |= around.several && !around.kinds.is_none();
        frame
    }

    /// What `CAST (… AS regclass)` looks up.
    fn cast(&mut self, open: usize) -> (Kinds, LookupForm) {
        let none = (Kinds::NONE, LookupForm::One);
        let close = self.text.closing(open);
        let mut at = close - 1;
        while at > open && (self.is_mark(at, '[') || self.is_mark(at, ']')) {
            at -= 1;
        }
        let Some(names) = names_of(self.text, at).filter(|_| at > open) else {
            return none;
        };
        let word = self.text.tokens[at].identifier().unwrap_or_default();
        if self.text.follows_mark(at, '.') {
            at -= 2;
        }
        // The end of the operand.
        let Some(end) = at.checked_sub(1).filter(|end| *end > open + 1) else {
            return none;
        };
        let text_type = self.token(end - 1).and_then(Token::identifier);
        let is_cast_text = self.text.follows_mark(end - 1, ':')
            && text_type.is_some_and(|name| TEXTS.contains(&name))
            && !self.is_string(open + 1);
        let first = &self.text.tokens[open + 1];
        let constant = end == open + 2 && self.is_string(open + 1);
        let is_computed = if self.text.opened_by(end - 1) == Some(open + 2) {
            self.is_text(end - 1)
        } else {
            let texts = self.texts[end] > self.texts[open];
            texts && !constant && !first.is_mark('(') && !first.is_word("select")
        };
        if is_cast_text || is_computed {
            self.unknown.push(format!("a cast to {word}"));
        }
        names
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

    /// Whether casts may follow: the token ends an operand and is not itself the type of a cast.
    fn starts_casts(&self, index: usize) -> bool {
        let Some(token) = self.token(index) else {
            return false;
        };
        let ends = matches!(
            token.kind,
            TokenKind::String | TokenKind::Number | TokenKind::Punctuation(')' | ']')
        ) || token.identifier().is_some();
        ends && (self.is_mark(index + 1, ':') && self.is_mark(index + 2, ':')
            || token.kind == TokenKind::String && self.is_mark(index + 1, ')'))
    }

    /// Reads the casts after an operand. Returns the index after them.
    fn casts(&mut self, operand: usize) -> usize {
        let constant = self.is_string(operand);
        let (mut start, mut at) = (operand, operand + 1);
        // ('origins')::regclass
        while constant
            && self.is_mark(at, ')')
            && start > 0
            && self.text.opened_by(at) == Some(start - 1)
            && called(self.text, start - 1).is_none()
        {
            start -= 1;
            at += 1;
        }
        let mut is_text = !constant && self.is_text(operand);
        while self.is_mark(at, ':') && self.is_mark(at + 1, ':') {
            at += 2;
            if self.is_mark(at + 1, '.') {
                at += 2;
            }
            let Some(word) = self.token(at).and_then(Token::identifier) else {
                break;
            };
            let word = word.to_owned();
            if let Some(names) = names_of(self.text, at) {
                if constant {
                    self.add(operand, names, format!("a {word}"));
                } else if is_text {
                    self.unknown.push(format!("a cast to {word}"));
                }
            }
            is_text = TEXTS.contains(&word.as_str());
            at += 1;
            // varchar(10), regclass[]
            if self.is_mark(at, '(') {
                at = self.text.closing(at) + 1;
            }
            while self.is_mark(at, '[') || self.is_mark(at, ']') {
                at += 1;
            }
        }
        at.max(operand + 1)
    }

    /// Whether these parentheses enclose a text that is concatenated or computed.
    fn is_text(&self, close: usize) -> bool {
        let Some(open) = self.text.opened_by(close) else {
            return false;
        };
        if let Some(function) = called(self.text, open) {
            return self.calls.gives_text(function);
        }
        let before = open.checked_sub(1).and_then(|at| self.token(at));
        let name = before.and_then(Token::identifier);
        let is_query = self
            .token(open + 1)
            .is_some_and(|first| first.is_word("select"));
        // ('ori' || 'gins'), coalesce('origins', name)
        let plain = name.is_none_or(|name| NO_FUNCTIONS.contains(&name) || name == "select");
        plain && !is_query && self.texts[close] > self.texts[open]
    }
}

fn texts(text: &Text<'_>) -> Vec<usize> {
    let mut count = 0;
    let counts = text.tokens.iter().map(|token| {
        let before = count;
        let is_text = token.kind == TokenKind::String || &text.sql[token.span.clone()] == "||";
        count += usize::from(is_text);
        before
    });
    counts.collect()
}
