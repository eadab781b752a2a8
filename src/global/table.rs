//! A table over all shards as the statement sees it, and what the statement needs from it.

use std::collections::BTreeSet;

use super::relation::ColumnShape;
use crate::global::schema_diff::{DriftEntry, SchemaDifference};
use crate::pg::query_text::SHARD;

/// What the statement needs from one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Need {
    /// The columns that it names.
    pub columns: BTreeSet<String>,
    /// Why it needs every column, if it does.
    pub every: Option<Every>,
}

/// What makes a statement need every column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    Star,
    TableCommand,
    Natural,
    ColumnAliases,
    WholeRow,
}

impl Every {
    /// For the error message.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Star => "* means every column",
            Self::TableCommand => "TABLE returns every column",
            Self::Natural => "NATURAL JOIN may use every column",
            Self::ColumnAliases => "a list of column aliases renames columns by position",
            Self::WholeRow => "a whole row has every column",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// The columns that every shard has.
    pub columns: Vec<ColumnShape>,
    /// How the shards differ in the columns that are not included.
    pub left_out: Vec<DriftEntry>,
    /// What the statement is known to need, if the table differs between shards.
    pub need: Need,
    /// Names that must not be used: each is added twice, so that Postgres reports it as ambiguous.
    /// Empty when the statement runs.
    pub traps: BTreeSet<String>,
}

impl Table {
    /// If so, no shard column is added.
    pub fn has_own_shard_column(&self) -> bool {
        self.has_column(SHARD)
    }

    pub fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    pub fn columns_left_out(&self) -> impl Iterator<Item = &str> {
        let differences = self.left_out.iter().map(|it| &it.difference);
        differences.filter_map(SchemaDifference::column)
    }
}
