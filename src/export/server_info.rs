//! What the server reports about itself and the snapshot: `sql/session/server_info.sql`.

use std::collections::BTreeMap;

use super::manifest::SnapshotRecord;
use crate::config::Host;
use crate::sharding::database::Database;
use crate::sharding::shard::Shard;

/// One of several databases.
#[derive(Debug, Clone)]
pub struct DatabaseInfo {
    pub database: Database,
    pub info: ServerInfo,
}

#[derive(Debug, Clone, Default)]
pub struct ServerInfo {
    /// The host that answered.
    pub host: Option<Host>,
    pub version: String,
    pub user: String,
    /// Settings that affect how values are written and that shardq does not pin.
    pub settings: BTreeMap<String, String>,
    /// None where each shard is read at its own snapshot.
    pub snapshot: Option<SnapshotRecord>,
    /// Row estimates from the catalog, for all tables of a shard.
    pub shard_rows: BTreeMap<Shard, u64>,
}
