//! What a simple SELECT reads from: one or more sharded tables, joined within each shard. Resolves
//! their names and columns.

use std::ops::Range;

use super::allowlist::NotDecomposable;
use super::from_clause::{Condition, Source, read};
use crate::global::catalog::Catalog;
use crate::global::relation::ColumnShape;
use crate::pg::lexer::Token;
use crate::pg::query_text::{SHARD, Text};

pub struct Sources<'a> {
    pub(super) text: &'a Text<'a>,
    pub(super) tables: Vec<Source<'a>>,
    pub(super) joins: Vec<Condition>,
}

/// A column of one of the tables; without a table, one that USING merged from two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceColumn<'a> {
    pub(super) table: Option<usize>,
    pub(super) name: &'a str,
}

impl<'a> Sources<'a> {
    pub fn find(
        text: &'a Text<'a>,
        from: &Range<usize>,
        catalog: &'a Catalog,
    ) -> Result<Self, NotDecomposable> {
        let (tables, joins) = read(text, from, catalog)?;
        Ok(Self {
            text,
            tables,
            joins,
        })
    }

    /// Whether a token of FROM is part of a join condition.
    pub fn has_in_condition(&self, index: usize) -> bool {
        self.joins.iter().any(|condition| match condition {
            Condition::On(range) | Condition::Using(range) => range.contains(&index),
        })
    }

    pub fn is_qualifier(&self, name: &str) -> bool {
        self.tables.iter().any(|source| source.name == name)
    }

    pub fn has_column(&self, name: &str) -> bool {
        name == SHARD || self.columns(name).next().is_some()
    }

    pub fn columns(&self, name: &str) -> impl Iterator<Item = &'a ColumnShape> {
        self.tables
            .iter()
            .filter_map(move |source| source.column(name))
    }

    /// The column that a name refers to. The server has already checked that it is unambiguous.
    pub fn column<'n>(&self, qualifier: Option<&str>, name: &'n str) -> Option<SourceColumn<'n>> {
        if !self.has_column(name) {
            return None;
        }
        let table = match qualifier {
            Some(qualifier) => Some(self.tables.iter().position(|s| s.name == qualifier)?),
            None if self.is_merged(name) => None,
            None => Some(
                self.tables
                    .iter()
                    .position(|source| source.column(name).is_some())
                    .unwrap_or_default(),
            ),
        };
        Some(SourceColumn { table, name })
    }

    fn is_merged(&self, name: &str) -> bool {
        self.joins.iter().any(|condition| match condition {
            Condition::On(_) => false,
            Condition::Using(range) => self.names(range).any(|merged| merged == name),
        })
    }

    /// The names in these tokens.
    pub(super) fn names(&self, range: &Range<usize>) -> impl Iterator<Item = &'a str> {
        let text = self.text;
        text.tokens[range.clone()]
            .iter()
            .filter_map(Token::identifier)
    }
}
