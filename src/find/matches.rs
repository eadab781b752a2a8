//! The rows that have a key, and how they are shown. Pure.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::pg::column_name::ColumnName;
use crate::sharding::routing::id::Id;
use crate::sharding::routing::id_layout::IdLayout;
use crate::sharding::shard::Shard;
use crate::text::escape::visible;
use crate::text::humanize::ThousandsSeparated;

/// A row with the key, or all rows of a shard with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub shard: Shard,
    pub table: String,
    pub rows: MatchedRows,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchedRows {
    One {
        /// As text: not every table has Builder's ids.
        id: String,
        name: Option<String>,
    },
    InColumn {
        column: String,
        count: u64,
    },
}

impl Match {
    /// `origins.id 5`, or `in origins.name (2 rows)`
    pub(super) fn text(&self, ids: IdLayout, now: Timestamp) -> String {
        match &self.rows {
            MatchedRows::One { id, .. } => {
                let created = created(id, ids, now).map(|when| format!(", created {when}"));
                format!("{}.id {id}{}", self.table, created.unwrap_or_default())
            }
            MatchedRows::InColumn { column, count } => {
                let column = ColumnName {
                    table: self.table.clone(),
                    column: column.clone(),
                };
                match count {
                    1 => format!("in {column}"),
                    _ => format!("in {column} ({} rows)", ThousandsSeparated(*count)),
                }
            }
        }
    }

    pub(super) fn table_and_name(&self) -> String {
        match &self.rows {
            MatchedRows::One {
                name: Some(name), ..
            } => escape_newlines(&format!("{} ({name})", self.table)),
            _ => escape_newlines(&self.table),
        }
    }

    pub(super) fn json(&self, ids: IdLayout, now: Timestamp) -> Value {
        let (shard, table) = (self.shard.to_string(), &self.table);
        match &self.rows {
            MatchedRows::One { id, name } => json!({
                "shard": shard,
                "table": table,
                "id": id,
                "name": name,
                "created": created(id, ids, now),
            }),
            MatchedRows::InColumn { column, count } => json!({
                "shard": shard,
                "table": table,
                "column": column,
                "rows": count,
            }),
        }
    }
}

/// The creation time, if the id contains a credible one.
fn created(id: &str, layout: IdLayout, now: Timestamp) -> Option<String> {
    let id = Id::new(id, layout).ok()?;
    id.created_text().filter(|_| id.is_credible(now))
}

/// The shards of these rows, ascending.
pub fn shards_of(hits: &[Match]) -> Vec<Shard> {
    let mut shards: Vec<_> = hits.iter().map(|hit| hit.shard).collect();
    shards.sort_unstable();
    shards.dedup();
    shards
}

/// Keeps data within one line of output.
pub(super) fn escape_newlines(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}
