//! Checks every token of a statement that is to be split: it must mean the same in every session
//! and shard. Anything that is not known to be a column, an alias, an allowed function, operator or
//! keyword in its place keeps it a single statement.

use std::collections::BTreeSet;
use std::ops::Range;

use super::allowlist::{
    self, AGGREGATES, FUNCTIONS, KEYWORDS, NotDecomposable, OPERATORS, TYPES, column_name,
};
use super::analyze::PartialAnalyzer;
use super::clauses::Clauses;
use crate::global::relation::ColumnShape;
use crate::pg::lexer::{TokenKind, string_value};
use crate::pg::query_text::SHARD;

const WORD: NotDecomposable = "it has a function, type or other word that may mean something different in another session or \
     shard";
const SYNTAX: NotDecomposable = "its syntax is not simple enough";

impl PartialAnalyzer<'_> {
    pub(super) fn check_words(&self) -> Result<(), NotDecomposable> {
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
    pub(super) fn follows_operand(&self, index: usize) -> bool {
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

    /// The BY of GROUP BY or ORDER BY.
    fn is_by(&self, index: usize) -> bool {
        self.is(index, "by")
            && index > 0
            && ["group", "order"].iter().any(|w| self.is(index - 1, w))
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

    fn check_word(&self, index: usize) -> Result<(), NotDecomposable> {
        let token = &self.tokens()[index];
        let Some(name) = token.identifier() else {
            return Ok(());
        };
        let called = self.text.precedes_mark(index, '(');
        let word = matches!(token.kind, TokenKind::Identifier(_));
        if self.text.follows_mark(index, '.') {
            return self.check_qualified(index, name);
        }
        if word && Clauses::ORDER.contains(&name) {
            // The keyword of a clause, or the WHERE of a FILTER.
            let filters = name == "where"
                && self.text.follows_mark(index, '(')
                && index > 1
                && self.is(index - 2, "filter");
            let own = self.text.depth(index) == 0;
            return if own || filters {
                Ok(())
            } else {
                Err("it contains a subquery")
            };
        }
        if word && name == "distinct" {
            let aggregates = self.text.follows_mark(index, '(') && index > 1;
            return if aggregates && self.is_aggregate(index - 2) {
                Ok(())
            } else {
                Err("it has DISTINCT outside of aggregates")
            };
        }
        let cast = index > 2
            && self.text.follows_mark(index, ':')
            && self.text.follows_mark(index - 1, ':');
        let known = if self.is_by(index) {
            true
        } else if cast {
            word && !called && TYPES.contains(&name) && (name != "date" || self.is_time(index - 3))
        } else if word && KEYWORDS.contains(&name) {
            self.is_keyword_in_place(index, name)
        } else if called && name == "filter" {
            word && self.text.follows_mark(index, ')')
        } else if self.follows_operand(index) {
            false
        } else if called {
            word && (AGGREGATES.contains(&name) || FUNCTIONS.contains(&name))
        } else if self.text.precedes_mark(index, '.') {
            self.sources.is_qualifier(name)
        } else {
            match column_name(token) {
                Some(name) if self.is_column(name) => return self.check_column(index, name),
                _ => false,
            }
        };
        if known { Ok(()) } else { Err(WORD) }
    }

    /// Only a column of that very table: `t.count` may mean `count(t)`.
    fn check_qualified(&self, index: usize, name: &str) -> Result<(), NotDecomposable> {
        let table = index
            .checked_sub(2)
            .filter(|&table| !self.text.follows_mark(table, '.'))
            .and_then(|table| self.tokens()[table].identifier());
        let mut tables = self.sources.tables.iter();
        let has =
            tables.any(|s| table == Some(s.name) && (name == SHARD || s.column(name).is_some()));
        if has && !self.text.precedes_mark(index, '(') {
            self.check_column(index, name)
        } else {
            Err(WORD)
        }
    }

    /// Elsewhere the word may be a function, an alias or a column.
    fn is_keyword_in_place(&self, index: usize, name: &str) -> bool {
        let is = |index: usize, words: &[&str]| words.iter().any(|word| self.is(index, word));
        let before = |words: &[&str]| index > 0 && is(index - 1, words);
        let operand = self.follows_operand(index);
        match name {
            "is" => {
                let next = index + 1 + usize::from(self.is(index + 1, "not"));
                operand && is(next, &["null", "true", "false", "unknown"])
            }
            "isnull" | "notnull" => operand,
            "like" | "ilike" | "between" | "in" => {
                operand || (before(&["not"]) && self.follows_operand(index - 1))
            }
            "symmetric" => before(&["between"]),
            "unknown" => before(&["is", "not"]),
            "null" | "true" | "false" | "case" => !operand,
            _ => true,
        }
    }

    /// A text cast to a date might be `now`, so only times and constants may be cast.
    fn is_time(&self, index: usize) -> bool {
        let token = &self.tokens()[index];
        let of_columns = |name: &str| {
            let mut columns = self.sources.columns(name).peekable();
            let oids = ["1082 ", "1114 ", "1184 "];
            columns.peek().is_some()
                && columns.all(|c| oids.iter().any(|oid| c.identity.starts_with(oid)))
        };
        token.kind == TokenKind::String || token.identifier().is_some_and(of_columns)
    }

    /// Built-in types are the same in every shard. Columns of other types are allowed only where
    /// rows are evaluated one by one, and only by Postgres's own operators.
    fn check_column(&self, index: usize, name: &str) -> Result<(), NotDecomposable> {
        let condition = self.clauses.condition.clone().unwrap_or_default();
        let by_row = condition.contains(&index) || self.aggregated[index];
        if by_row || self.sources.columns(name).all(ColumnShape::is_builtin) {
            Ok(())
        } else {
            Err("a column has a user-defined type")
        }
    }
}
