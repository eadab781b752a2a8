//! A table that all shards have in common, as the statement may use it, and what the
//! statement needs of it.

use std::collections::BTreeSet;

use super::relation::ColumnShape;
use crate::global::schema_diff::{DriftEntry, SchemaDifference};
use crate::pg::query_text::SHARD;

/// What it needs of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Need {
    /// Columns that it names.
    pub columns: BTreeSet<String>,
    /// Why it needs every column.
    pub every: Option<Every>,
}

/// What needs every column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    Star,
    TableCommand,
    Natural,
    ColumnAliases,
    WholeRow,
}

impl Every {
    /// In the words of who reads the refusal.
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

/// A table over all shards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// Those that every shard has.
    pub columns: Vec<ColumnShape>,
    /// How the shards differ in columns that are not among them.
    pub left_out: Vec<DriftEntry>,
    /// What the statement is known to need of a table that differs.
    pub need: Need,
    /// Names that must not be used: Postgres finds each ambiguous. None when it runs.
    pub traps: BTreeSet<String>,
}

impl Table {
    /// Then it has no other of that name.
    pub fn has_own_shard_column(&self) -> bool {
        self.has_column(SHARD)
    }

    pub fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// The columns that are left out.
    pub fn columns_left_out(&self) -> impl Iterator<Item = &str> {
        let differences = self.left_out.iter().map(|it| &it.difference);
        differences.filter_map(SchemaDifference::column)
    }
}
