//! Tables of a hub that have the rows of all shards. A single statement reads them instead of the
//! union of the shards: their partitions let Postgres send more of it to the servers.

use std::collections::{BTreeMap, BTreeSet};

use super::federation::ALL_SHARDS;
use super::table::Table;
use crate::pg::query_text::SHARD;
use crate::pg::quote::{Identifier, Literal};
use crate::sharding::shard::Shard;

/// By the name of the table.
pub type UnitedTables = BTreeMap<String, UnitedTable>;

/// A partitioned table of `all_shards`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitedTable {
    pub columns: BTreeSet<String>,
    /// The names of the shards whose rows it has.
    pub shards: BTreeSet<String>,
}

impl UnitedTable {
    /// The SELECT of these shards' rows. `None` if it lacks a column or a shard.
    pub fn select(&self, table: &Table, columns: &[String], shards: &[Shard]) -> Option<String> {
        let has_columns = (table.columns.iter()).all(|column| self.columns.contains(&column.name));
        let has_shards = shards.iter().all(|it| self.shards.contains(it.name()));
        if !has_columns || !has_shards || table.columns.iter().any(|it| it.padded_to().is_some()) {
            return None;
        }
        let condition = if shards.len() == self.shards.len() {
            String::new()
        } else {
            let names = shards.iter().map(|it| Literal(it.name()).to_string());
            let names: Vec<_> = names.collect();
            format!(" WHERE {} IN ({})", Identifier(SHARD), names.join(", "))
        };
        let (schema, name) = (Identifier(ALL_SHARDS), Identifier(&table.name));
        Some(format!(
            "SELECT {} FROM {schema}.{name}{condition}",
            columns.join(", ")
        ))
    }
}
