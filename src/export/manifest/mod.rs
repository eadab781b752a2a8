//! The manifest of an export: what ran, where, when, at which snapshot, the result of each
//! shard, and checksums to verify it. `records` are its parts, `on_disk` reads and writes it,
//! `extent` sums it up.
//!
//! A checksum over the manifest itself, its seal, detects manual edits. It detects accidents,
//! not tampering: for that, keep the checksum, or a signature of the manifest, elsewhere.

mod extent;
mod on_disk;
mod records;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::export::count_rows::Cells;

pub use on_disk::ManifestError;
pub use records::{
    ColumnRecord, ColumnTypesRecord, DatabaseRecord, DeclaredRecord, FileRecord, MissingRecord,
    RunRecord, ServerRecord, ShardRecord, SnapshotRecord,
};

/// Of the manifest format.
pub const VERSION: u32 = 1;

/// Why a shard is missing while the export runs, or after it was killed.
pub const NOT_YET: &str = "not exported yet";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub manifest_version: u32,
    pub tool: String,
    pub statement: String,
    pub search_path: String,
    pub server: ServerRecord,
    /// One, or several if an interrupted export was resumed.
    pub runs: Vec<RunRecord>,
    /// `false` while an export with one file per shard is running.
    pub complete: bool,
    pub shards_expected: usize,
    pub shards_answered: usize,
    /// The missing shards, and why.
    pub missing: Vec<MissingRecord>,
    /// The shards that were left out because they lack the table of `--having-table`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_table: Vec<String>,
    /// One result over all shards, whose rows belong to no single shard: `shards` is empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub global: bool,
    pub rows: u64,
    pub format: String,
    pub header: bool,
    /// Name of the shard column in the file.
    pub shard_column: Option<String>,
    pub columns: Vec<ColumnRecord>,
    /// For `--resume` of an export with one file per shard: the column types as numbers, left to
    /// right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub column_types: Vec<ColumnTypesRecord>,
    /// Server settings that affect how values are written and that shardq does not pin.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// None where each shard has its own.
    pub file: Option<FileRecord>,
    pub shards: Vec<ShardRecord>,
    /// As given on the command line, without the connection flags.
    pub options: BTreeMap<String, Value>,
}

impl Manifest {
    /// The distinct users of all runs.
    pub fn users(&self) -> BTreeSet<&str> {
        let users = self.runs.iter().map(|run| run.user.as_deref());
        users
            .map(|user| user.unwrap_or(&self.server.user))
            .collect()
    }

    /// Between the fields of CSV.
    pub fn delimiter(&self) -> u8 {
        let delimiter = self.options.get("delimiter").and_then(Value::as_str);
        delimiter
            .and_then(|text| text.bytes().next())
            .unwrap_or(b',')
    }

    pub fn cells(&self) -> Cells {
        if self.options.contains_key("excel") {
            Cells::Protected
        } else {
            Cells::Plain
        }
    }

    /// Drops trailing runs that contributed nothing to the export.
    pub fn drop_empty_runs(&mut self) {
        let read = self.shards.iter().map(|shard| shard.run + 1).max();
        self.runs.truncate(read.unwrap_or(0));
    }
}
