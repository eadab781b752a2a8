//! What the operand of casts names: `'origins'::regclass`, `('ori' || 'gins')::text::regclass`.

use super::words::{NO_FUNCTIONS, TEXTS, called, names_of};
use super::{Calls, Finder};
use crate::pg::lexer::{Token, TokenKind};

impl<C: Calls> Finder<'_, C> {
    /// Whether casts may follow: the token ends an operand and is not itself the type of a cast.
    pub(super) fn starts_casts(&self, index: usize) -> bool {
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
    pub(super) fn casts(&mut self, operand: usize) -> usize {
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
    pub(super) fn is_text(&self, close: usize) -> bool {
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
