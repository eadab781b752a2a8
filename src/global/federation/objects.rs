//! The objects of a hub.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

/// A column of a foreign table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Column {
    pub name: String,
    /// With its schema, unless it is built in.
    pub type_name: String,
    /// With its schema; empty if it is the type's own.
    pub collation: String,
}

/// A database that holds shards, as the hub reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignServer {
    pub name: String,
    pub options: BTreeMap<String, String>,
    pub mapping: UserMapping,
}

/// How a role of the hub logs in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMapping {
    /// A role of the hub.
    pub role: String,
    /// On the server.
    pub user: String,
    /// Beside the user.
    pub options: BTreeMap<String, String>,
}

/// A shard's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignTable {
    /// That of the shard, on the hub.
    pub schema: String,
    pub name: String,
    pub server: String,
    pub remote_schema: String,
    pub remote_name: String,
    pub columns: Arc<[Column]>,
}

/// All shards of a table as one view or partitioned table, with a column `shard` in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Union {
    pub name: String,
    pub columns: Vec<Column>,
    /// Whether no column of the table has that name.
    pub has_shard_column: bool,
    /// The schemas on the hub, in shard order.
    pub schemas: Vec<String>,
    /// One per server, if it is a partitioned table.
    pub partitions: Vec<Partition>,
}

/// The shards of a server, as a foreign table over a view there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub table: ForeignTable,
    /// The shards and their schemas there, in shard order.
    pub shards: Vec<(String, String)>,
}

/// How `all_shards` unites the shards of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnionKind {
    /// A view over the foreign tables.
    View,
    /// A partition per server over a view there.
    Partitioned,
}
