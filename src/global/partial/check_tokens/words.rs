//! Checks the words of a statement that is to be split: columns, qualifiers, functions, types, and
//! keywords in their place.

use crate::global::partial::allowlist::{
    AGGREGATES, FUNCTIONS, KEYWORDS, NotDecomposable, TYPES, column_name,
};
use crate::global::partial::analyze::PartialAnalyzer;
use crate::global::partial::clauses::Clauses;
use crate::global::relation::ColumnShape;
use crate::pg::lexer::TokenKind;
use crate::pg::query_text::SHARD;

const WORD: NotDecomposable = "it has a function, type or other word that may mean something different in another session or \
     shard";

impl PartialAnalyzer<'_> {
    pub(super) fn check_word(&self, index: usize) -> Result<(), NotDecomposable> {
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

    /// The BY of GROUP BY or ORDER BY.
    pub(super) fn is_by(&self, index: usize) -> bool {
        self.is(index, "by")
            && index > 0
            && ["group", "order"].iter().any(|w| self.is(index - 1, w))
    }
}
