//! What strings inside parentheses may name: the arguments of a function that looks up names, and
//! the operand of `CAST (… AS regclass)`.

use super::words::{RUN_SQL, TEXTS, called, names_of};
use super::{Calls, Finder, LookupForm};
use crate::global::objects::Kinds;
use crate::pg::lexer::Token;
use crate::pg::query_text::RESERVED;

/// The context of a pair of parentheses.
#[derive(Clone, Default)]
pub(super) struct Frame {
    pub kinds: Kinds,
    pub several: bool,
    pub by: String,
}

impl<C: Calls> Finder<'_, C> {
    /// `reg…` types that apply to no particular constant: `regclass[]`, and a column in
    /// `AS t (a regclass)`. They count for every string of the text.
    pub(super) fn anywhere(&self) -> Frame {
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
    pub(super) fn frame(&mut self, open: usize, around: &Frame) -> Frame {
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
}
