//! What is known about the databases that hold shards, and about the hub.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::objects::{Column, ForeignServer};
use crate::sharding::shard::Shard;

/// Settings that decide how a database compares and writes values: names and values.
pub type DatabaseSettings = BTreeMap<String, String>;

/// A database that holds shards.
#[derive(Debug, Clone)]
pub struct RemoteDatabase {
    pub server: ForeignServer,
    /// Ascending.
    pub shards: Vec<Shard>,
    pub tables: Vec<RemoteTable>,
    pub settings: DatabaseSettings,
    /// Names and versions.
    pub extensions: BTreeMap<String, String>,
}

/// One definition of a table, and the shards that have it.
#[derive(Debug, Clone)]
pub struct RemoteTable {
    pub name: String,
    pub access: Access,
    pub columns: Arc<[RemoteColumn]>,
    /// Ascending.
    pub shards: Vec<Shard>,
}

/// Whether the role that the hub logs in as sees all rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Whole,
    Denied,
    /// A policy may hide some.
    RowSecurity,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteColumn {
    pub column: Column,
    /// What its type needs that not every database has: `own`, `extension citext 1.6`.
    pub needs: Option<String>,
    /// Of a collation that is not the type's own.
    pub collation_definition: Option<String>,
}

impl RemoteColumn {
    /// A column of `remote_tables.sql`.
    fn of(fields: (String, String, String, Option<String>, Option<String>)) -> Self {
        let (name, type_name, collation, needs, collation_definition) = fields;
        Self {
            column: Column {
                name,
                type_name,
                collation,
            },
            needs,
            collation_definition,
        }
    }
}

impl RemoteTable {
    /// A row of `remote_tables.sql`. `None` if it is not one.
    pub fn of_row(row: &[Option<String>], shards: &[Shard]) -> Option<Self> {
        let [name, access, columns, positions] = row else {
            return None;
        };
        let columns: Vec<_> = serde_json::from_str(columns.as_ref()?).ok()?;
        let positions: Vec<usize> = serde_json::from_str(positions.as_ref()?).ok()?;
        let shard = |position: usize| shards.get(position.checked_sub(1)?).copied();
        Some(Self {
            name: name.clone()?,
            access: match access.as_deref()? {
                "ok" => Access::Whole,
                "denied" => Access::Denied,
                _ => Access::RowSecurity,
            },
            columns: columns.into_iter().map(RemoteColumn::of).collect(),
            shards: positions.into_iter().map(shard).collect::<Option<_>>()?,
        })
    }
}

/// The database that the foreign tables are in.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    /// `server_version_num`, e.g. 150018.
    pub version: u32,
    /// The role that creates everything.
    pub role: String,
    pub is_superuser: bool,
    pub has_postgres_fdw: bool,
    pub settings: DatabaseSettings,
    /// Names and versions.
    pub extensions: BTreeMap<String, String>,
    /// Names with their schemas, and labels as JSON.
    pub enums: BTreeMap<String, String>,
    /// Names with their schemas, and definitions.
    pub collations: BTreeMap<String, String>,
}
