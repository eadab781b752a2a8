//! What a manifest consists of. The names of the fields are the names in the file, and part of its
//! format: docs/reference/manifest.md describes them.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRecord {
    pub version: String,
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
}

/// Times are RFC 3339, in UTC; a snapshot's times are the server's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    pub started: String,
    pub ended: Option<String>,
    /// None in older manifests; the user is then `ServerRecord::user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// None if each shard was read at its own snapshot, or several databases at one each, or servers
    /// behind a hub.
    pub snapshot: Option<SnapshotRecord>,
    /// The databases of a run over several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<DatabaseRecord>,
    /// The servers whose shards a hub read, each at a snapshot that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind_hub: Vec<String>,
    /// How far apart their snapshots are at most, as the client saw them taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots_within_microseconds: Option<u64>,
    /// Number of warnings that the server sent.
    #[serde(default)]
    pub warnings: u64,
}

/// One of several databases of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseRecord {
    /// As [`ShardRecord::server`] names it.
    pub name: String,
    #[serde(flatten)]
    pub server: ServerRecord,
    /// None if each shard was read at its own snapshot.
    pub snapshot: Option<SnapshotRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRecord {
    /// The exported snapshot that the run's connections shared.
    pub id: String,
    /// `xmin:xmax:running`: which transactions the snapshot sees. Equal values on one server mean
    /// the same snapshot.
    pub transactions: String,
    pub taken: String,
    /// Read right after the snapshot was taken. None on a standby.
    pub wal_position: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRecord {
    pub shard: String,
    pub error: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRecord {
    pub name: String,
    /// A type that can hold the values of all shards in another database, as named by
    /// `format_type`. shardq's own name for it while the export runs.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The types that the shards declare, where they differ from `type_name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<DeclaredRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredRecord {
    /// `{shard}.mood` is the type `mood` in each shard's own schema.
    #[serde(rename = "type")]
    pub type_name: String,
    /// In the syntax of `--shards`. None for one result over all shards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<String>,
}

/// Shards whose columns have the same types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnTypesRecord {
    /// `1700:655366 25:-1`: the oid and modifier of each column's type.
    pub types: String,
    pub shards: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Relative to the manifest's folder.
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRecord {
    pub shard: String,
    /// Which of several databases it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    pub rows: u64,
    /// Before compression.
    pub bytes: u64,
    pub milliseconds: u64,
    /// Index into `runs`.
    pub run: usize,
    /// If each shard has its own file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileRecord>,
}

impl ServerRecord {
    /// `db1:5432`
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}
