//! Builds the manifest from the plan, the server's information and the run's results.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::ExportFormat;
use super::encoder::Written;
use super::manifest::{
    ColumnRecord, DatabaseRecord, FileRecord, Manifest, MissingRecord, RunRecord, ServerRecord,
    ShardRecord, VERSION,
};
use super::server_info::{DatabaseInfo, ServerInfo};
use crate::config::{Host, HostPlace, Settings};
use crate::exec::plan::{Consistency, Plan};
use crate::exec::run_report::RunReport;
use crate::exec::type_names::TypeNames;
use crate::global::Catalog;
use crate::pg::row_batch::Column;
use crate::sharding::database::Database;
use crate::sharding::missing::WithoutTable;
use crate::sharding::shard::Shard;
use crate::sharding::topology::Doubt;

/// Everything but the files.
pub struct ManifestInputs<'a> {
    pub plan: &'a Plan,
    pub settings: &'a Settings,
    /// Of the first database.
    pub server_info: &'a ServerInfo,
    /// All databases, if there are several.
    pub databases: Vec<DatabaseInfo>,
    /// The servers that a hub read.
    pub behind_hub: Vec<String>,
    /// How far apart their snapshots are at most, if that is known.
    pub snapshots_within: Option<Duration>,
    pub began: Timestamp,
    pub outcome: &'a RunReport,
    /// Why there may be shards that were not queried.
    pub doubt: Option<&'a Doubt>,
    pub without_table: Option<&'a WithoutTable>,
    pub kind: ExportFormat,
    pub header: bool,
    pub shard_column: Option<String>,
    pub options: BTreeMap<String, Value>,
}

/// For an export to one file.
pub fn of_file(
    of: &ManifestInputs<'_>,
    columns: Vec<ColumnRecord>,
    path: &Path,
    written: &Written,
) -> Manifest {
    let shards = of
        .outcome
        .answers
        .iter()
        .map(|(shard, answer)| ShardRecord {
            shard: shard.to_string(),
            server: shard.database().map(Database::place),
            rows: answer.rows,
            bytes: written.shard_bytes.get(shard).copied().unwrap_or(0),
            milliseconds: milliseconds(answer.took),
            run: 0,
            file: None,
        })
        .collect();
    Manifest {
        columns,
        file: Some(file(path, written)),
        shards,
        ..of.manifest()
    }
}

/// For one global result over all shards that were `queried`. Shards that are not in the
/// catalog were left out because of schema drift, and are listed as missing.
pub fn of_answer(
    of: &ManifestInputs<'_>,
    columns: Vec<ColumnRecord>,
    path: &Path,
    written: &Written,
    queried: &[Shard],
    catalog: &Catalog,
) -> Manifest {
    let left_out = queried
        .iter()
        .filter(|shard| !catalog.shards.contains(shard));
    let missing: Vec<_> = left_out
        .map(|shard| {
            let reasons = catalog.drift.iter();
            let reasons = reasons.filter(|deviation| deviation.shards.contains(shard));
            let reasons: Vec<_> = reasons.map(ToString::to_string).collect();
            MissingRecord {
                shard: shard.to_string(),
                error: format!("left out: {}", reasons.join("; ")),
            }
        })
        .collect();
    Manifest {
        global: true,
        complete: missing.is_empty(),
        shards_expected: queried.len(),
        shards_answered: catalog.shards.len(),
        missing,
        shards: Vec::new(),
        ..of_file(of, columns, path, written)
    }
}

impl ManifestInputs<'_> {
    /// Everything that does not depend on the shards' rows.
    pub fn manifest(&self) -> Manifest {
        let outcome = self.outcome;
        let missing: Vec<_> = missing(outcome)
            .into_iter()
            .chain(self.doubtful())
            .collect();
        Manifest {
            manifest_version: VERSION,
            tool: concat!("shardq ", env!("CARGO_PKG_VERSION")).to_owned(),
            statement: self.plan.statement.as_str().to_owned(),
            search_path: self.plan.search_path.to_string(),
            server: server(self.server_info, self.settings.database()),
            runs: vec![RunRecord {
                started: time(self.began),
                ended: Some(time(Timestamp::now())),
                user: Some(self.server_info.user.clone()),
                server_version: Some(self.server_info.version.clone()),
                snapshot: match self.plan.instant {
                    // A hub's own snapshot tells nothing about the servers.
                    _ if !self.behind_hub.is_empty() => None,
                    Consistency::SharedSnapshot if self.databases.is_empty() => {
                        self.server_info.snapshot.clone()
                    }
                    _ => None,
                },
                databases: self.databases.iter().map(database).collect(),
                behind_hub: self.behind_hub.clone(),
                snapshots_within_microseconds: self.snapshots_within.map(microseconds),
                warnings: outcome.notices.warnings(),
            }],
            complete: outcome.answers.len() == outcome.queried && missing.is_empty(),
            shards_expected: outcome.queried + self.doubtful().count(),
            shards_answered: outcome.answers.len(),
            missing,
            without_table: self.without_table(),
            global: false,
            rows: outcome.answers.iter().map(|(_, answer)| answer.rows).sum(),
            format: self.kind.to_string(),
            header: self.header,
            shard_column: self.shard_column.clone(),
            columns: Vec::new(),
            column_types: Vec::new(),
            settings: self.server_info.settings.clone(),
            file: None,
            shards: Vec::new(),
            options: self.options.clone(),
        }
    }

    fn without_table(&self) -> Vec<String> {
        let shards = self.without_table.iter().flat_map(|it| &it.shards);
        shards.map(ToString::to_string).collect()
    }

    /// Schemas that look like shards but were not queried, and shards that do not exist.
    fn doubtful(&self) -> impl Iterator<Item = MissingRecord> {
        let nonexistent = self.doubt.iter().flat_map(|doubt| &doubt.nonexistent);
        let nonexistent = nonexistent.map(|shard| MissingRecord {
            shard: shard.to_string(),
            error: "does not exist, but --schemas-from lists it".to_owned(),
        });
        let look_alikes = self.doubt.iter().flat_map(|doubt| doubt.look_alikes.iter());
        let look_alikes = look_alikes.map(|schema| MissingRecord {
            shard: schema.to_owned(),
            error: format!(
                "looks like a shard, but was not queried: shards are {}",
                self.plan.layout.naming()
            ),
        });
        let unreachable = self.doubt.iter().flat_map(|doubt| &doubt.unreachable);
        let unreachable = unreachable.map(|it| MissingRecord {
            shard: format!("all on {}", it.place),
            error: it.reason.clone(),
        });
        nonexistent.chain(look_alikes).chain(unreachable)
    }
}

fn server(info: &ServerInfo, database: &str) -> ServerRecord {
    let (host, port) = host(info.host.as_ref());
    ServerRecord {
        version: info.version.clone(),
        host,
        port,
        database: database.to_owned(),
        user: info.user.clone(),
    }
}

pub fn database(of: &DatabaseInfo) -> DatabaseRecord {
    DatabaseRecord {
        name: of.database.place(),
        server: server(&of.info, of.database.name()),
        snapshot: of.info.snapshot.clone(),
    }
}

fn missing(outcome: &RunReport) -> Vec<MissingRecord> {
    let mut missing: Vec<_> = outcome.failures.iter().collect();
    missing.sort_by_key(|(shard, _)| *shard);
    missing
        .into_iter()
        .map(|(shard, error)| MissingRecord {
            shard: shard.to_string(),
            error: error.to_string(),
        })
        .collect()
}

/// With our own type names, until the server's are known.
pub fn columns(columns: &[Column], types: &TypeNames) -> Vec<ColumnRecord> {
    columns
        .iter()
        .map(|column| ColumnRecord {
            name: column.name.clone(),
            type_name: types.name(column.type_oid),
            declared: Vec::new(),
        })
        .collect()
}

/// By its base name: the file may be moved along with its manifest.
pub fn file(path: &Path, written: &Written) -> FileRecord {
    let name = path.file_name().unwrap_or_default();
    FileRecord {
        name: name.to_string_lossy().into_owned(),
        bytes: written.bytes,
        sha256: written.sha256.clone(),
    }
}

pub fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

pub fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

fn host(host: Option<&Host>) -> (String, u16) {
    let Some(host) = host else {
        return (String::new(), 0);
    };
    let name = match host.place() {
        HostPlace::Socket(directory) => directory.display().to_string(),
        HostPlace::Tcp { name, .. } => name.clone(),
    };
    (name, host.port())
}

/// A bound is never rounded down.
fn microseconds(within: Duration) -> u64 {
    u64::try_from(within.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX)
}
