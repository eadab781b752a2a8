//! Checks every token of a statement that is to be split: it must mean the same in every session
//! and shard. Anything that is not known to be a column, an alias, an allowed function, operator or
//! keyword in its place keeps it a single statement. `words` checks names and keywords.

mod words;

use std::collections::BTreeSet;
use std::ops::Range;

use crate::global::partial::allowlist::{self, NotDecomposable, OPERATORS, column_name};
use crate::global::partial::analyze::PartialAnalyzer;
use crate::pg::lexer::{TokenKind, string_value};

const SYNTAX: NotDecomposable = "its syntax is not simple enough";

impl PartialAnalyzer<'_> {
    pub(in crate::global::partial) fn check_words(&self) -> Result<(), NotDecomposable> {
        let from = self.clauses.from.clone();
        let in_place = self.in_place()?;
        for (index, token) in self.tokens().iter().enumerate() {
            let read = from.contains(&index) && !self.sources.has_in_condition(index);
            if read || in_place.contains(&index) {
                continue;
            }
            match &token.kind {
                TokenKind::Operator => self.check_operator(index)?,
                TokenKind::String => self.check_string(index)?,
                TokenKind::Number => self.check_number(index)?,
                TokenKind::Punctuation('.') => {
                    let named = |at: usize| {
                        let token = self.tokens().get(at);
                        token.is_some_and(|token| token.identifier().is_some())
                    };
                    if index == 0 || !named(index - 1) || !named(index + 1) {
                        return Err(SYNTAX);
                    }
                }
                TokenKind::Punctuation('(' | ')' | ',' | ':') => {}
                TokenKind::Punctuation(_) => return Err(SYNTAX),
                TokenKind::Identifier(_) | TokenKind::Quoted(_) => self.check_word(index)?,
            }
        }
        Ok(())
    }

    /// Tokens that their position explains: aliases, ORDER BY modifiers, a result column that is a
    /// whole element of ORDER BY or GROUP BY, and stars in the select list.
    fn in_place(&self) -> Result<BTreeSet<usize>, NotDecomposable> {
        let mut known = BTreeSet::new();
        for item in self.elements(&self.clauses.select) {
            known.extend(self.without_alias(&item).end..item.end);
            if !self.is_aggregated() && self.is_star(&item) {
                known.extend(item);
            }
        }
        let sorted = self.clauses.order.iter().flat_map(|o| self.elements(o));
        let grouped = self.clauses.group.iter().flat_map(|g| self.elements(g));
        let sorted = sorted.map(|element| (self.sorted(&element).0, element.end));
        let grouped = grouped.map(|element| (self.bare(element.clone()), element.end));
        for (expression, end) in sorted.chain(grouped) {
            known.extend(expression.end..end);
            match &self.tokens()[expression.clone()] {
                [] => return Err(SYNTAX),
                [only] => {
                    let of_result = |name: &str| self.names.contains(&name);
                    if column_name(only).is_some_and(|n| of_result(n) && !self.is_column(n)) {
                        known.insert(expression.start);
                    }
                }
                [first, ..]
                    if first.is_mark('(')
                        && self.text.closing(expression.start) + 1 == expression.end =>
                {
                    return Err("ORDER BY or GROUP BY has a list in parentheses");
                }
                _ => {}
            }
        }
        Ok(known)
    }

    /// `*`, or `t.*` of one of the tables.
    fn is_star(&self, item: &Range<usize>) -> bool {
        let is_star = |index: usize| self.cut(&(index..index + 1)) == "*";
        match &self.tokens()[item.clone()] {
            [_] => is_star(item.start),
            [table, point, _] => {
                let table = table.identifier();
                point.is_mark('.')
                    && is_star(item.end - 1)
                    && table.is_some_and(|name| self.sources.is_qualifier(name))
            }
            _ => false,
        }
    }

    /// Whether an operand may end before this token; if so, an operator, keyword or alias must
    /// follow.
    pub(in crate::global::partial) fn follows_operand(&self, index: usize) -> bool {
        const ENDS: [&str; 7] = [
            "null", "true", "false", "end", "isnull", "notnull", "unknown",
        ];
        let Some(before) = index.checked_sub(1) else {
            return false;
        };
        match &self.tokens()[before].kind {
            TokenKind::Number | TokenKind::String | TokenKind::Quoted(_) => true,
            TokenKind::Punctuation(mark) => *mark == ')',
            TokenKind::Operator => false,
            TokenKind::Identifier(word) => {
                ENDS.contains(&word.as_ref())
                    || self.text.follows_mark(before, '.')
                    || (column_name(&self.tokens()[before]).is_some() && !self.is_by(before))
            }
        }
    }

    fn check_operator(&self, index: usize) -> Result<(), NotDecomposable> {
        let operator = self.cut(&(index..index + 1));
        let counts = || {
            self.text.follows_mark(index, '(')
                && self.text.precedes_mark(index, ')')
                && index > 1
                && self.is(index - 2, "count")
        };
        if !OPERATORS.contains(&operator) {
            Err("it has an operator that may be user-defined")
        } else if operator == "*" && !self.follows_operand(index) && !counts() {
            Err("it uses a whole row as a value")
        } else {
            Ok(())
        }
    }

    fn check_string(&self, index: usize) -> Result<(), NotDecomposable> {
        let value = string_value(self.cut(&(index..index + 1)), self.strings);
        let value = value.filter(|_| !self.follows_operand(index));
        if allowlist::is_relative_time(&value.ok_or(SYNTAX)?) {
            Err("it uses the current time, which differs between connections")
        } else {
            Ok(())
        }
    }

    /// `0x1` is a number to some versions, and a number with an alias to others.
    fn check_number(&self, index: usize) -> Result<(), NotDecomposable> {
        let end = self.tokens()[index].span.end;
        let touched = self.tokens().get(index + 1).is_some_and(|next| {
            next.span.start == end
                && (next.identifier().is_some() || next.kind == TokenKind::Number)
        });
        if touched || self.follows_operand(index) {
            Err(SYNTAX)
        } else {
            Ok(())
        }
    }
}
