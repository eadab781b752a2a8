//! The manifest of an export: what ran, where, when, at which snapshot, the result of each
//! shard, and checksums to verify it.
//!
//! A checksum over the manifest itself, its seal, detects manual edits. It detects accidents,
//! not tampering: for that, keep the checksum, or a signature of the manifest, elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::count_rows::Cells;
use super::draft::{self, publish};
use super::{ExportError, seal};
use crate::output::atomic_file::{self, AtomicFile, IfExists};
use crate::output::open_file;
use crate::sharding::discovered::Discovered;
use crate::sharding::layout::Layout;
use crate::sharding::missing::{Missing, WithoutTable};
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::terminal::summary::{ResultSummary, SnapshotCount};
use crate::text::io_reason::io_reason;

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
    /// None if each shard was read at its own snapshot.
    pub snapshot: Option<SnapshotRecord>,
    /// Number of warnings that the server sent.
    #[serde(default)]
    pub warnings: u64,
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

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{}: {}", .file.display(), io_reason(source))]
    Unreadable { file: PathBuf, source: io::Error },
    #[error(
        "{}: {}; cannot verify without the manifest; copy it from where the export was made",
        .file.display(), io_reason(source)
    )]
    Missing { file: PathBuf, source: io::Error },
    #[error(
        "{}: not a valid manifest: {reason}; copy the original from where the export was made",
        .file.display()
    )]
    NotAManifest { file: PathBuf, reason: String },
    #[error(
        "{}: edited since shardq wrote it; copy the original from where the export was made",
        .0.display()
    )]
    Edited(PathBuf),
}

impl ServerRecord {
    /// `db1:5432`
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl Manifest {
    /// `FILE.manifest.json`.
    pub fn path_of(file: &Path) -> PathBuf {
        let mut name = file.file_name().map(OsString::from).unwrap_or_default();
        name.push(".manifest.json");
        file.with_file_name(name)
    }

    /// For a folder with one file per shard. Dataset readers skip names that begin with an
    /// underscore.
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join("_manifest.json")
    }

    /// The export that a path stands for: a manifest's own name stands for what it describes.
    pub fn export_of(path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().as_bytes();
        if name == b"_manifest.json" {
            return atomic_file::folder(path);
        }
        match name.strip_suffix(b".manifest.json") {
            // An export may have such a name, and then it has a manifest.
            Some(file) if !file.is_empty() && !Self::path_of(path).exists() => {
                path.with_file_name(OsStr::from_bytes(file))
            }
            _ => path.to_owned(),
        }
    }

    /// # Errors
    /// If it is missing, not a manifest, or was modified.
    pub fn read(file: &Path) -> Result<Self, ManifestError> {
        let text = open_file::to_read(file).and_then(|from| {
            let mut text = Vec::new();
            // Some files in /proc have no end.
            let size = from.metadata()?.len();
            from.take(size).read_to_end(&mut text).map(|_| text)
        });
        let text = text.map_err(|source| {
            let file = file.to_owned();
            match source.kind() {
                io::ErrorKind::NotFound => ManifestError::Missing { file, source },
                _ => ManifestError::Unreadable { file, source },
            }
        })?;
        let broken = |error: serde_json::Error| ManifestError::NotAManifest {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        if !seal::is_whole(&text).map_err(broken)? {
            return Err(ManifestError::Edited(file.to_owned()));
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(broken)?;
        let stray = manifest.part_names().find(|name| !is_part(name));
        match stray {
            Some(name) => Err(ManifestError::NotAManifest {
                file: file.to_owned(),
                reason: format!("{name:?} is not a valid name for a shard's file in its directory"),
            }),
            None => Ok(manifest),
        }
    }

    fn part_names(&self) -> impl Iterator<Item = &str> {
        let files = self.shards.iter().filter_map(|shard| shard.file.as_ref());
        files.map(|file| file.name.as_str())
    }

    /// The distinct users of all runs.
    pub fn users(&self) -> BTreeSet<&str> {
        let users = self.runs.iter().map(|run| run.user.as_deref());
        users
            .map(|user| user.unwrap_or(&self.server.user))
            .collect()
    }

    pub fn extent(&self) -> ResultSummary {
        ResultSummary {
            rows: self.rows,
            answered: self.shards_answered,
            expected: self.shards_expected,
            missing: self.lacking(),
            origins: None,
            keys: None,
            instants: self.instants(),
        }
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

    /// Which schemas are shards, from the options.
    fn layout(&self) -> Layout {
        if self.options.contains_key("schemas-from") {
            return Layout::any();
        }
        let patterns = |option: &str| {
            let listed = self.options.get(option).and_then(Value::as_array);
            let patterns = listed.into_iter().flatten().filter_map(Value::as_str);
            patterns
                .filter_map(|pattern| pattern.parse().ok())
                .collect()
        };
        Layout::new(patterns("schemas"), patterns("exclude-schemas"))
    }

    fn lacking(&self) -> Missing {
        let names = self.missing.iter().map(|entry| entry.shard.as_str());
        let lacking = Discovered::new(&self.layout(), names);
        let without = self.options.get("having-table").and_then(Value::as_str);
        let without = without.map(|table| WithoutTable {
            table: table.to_owned(),
            shards: self
                .without_table
                .iter()
                .map(|it| Shard::named(it))
                .collect(),
        });
        Missing::new(Ranges::of(&lacking.shards), Some(&lacking.look_alikes))
            .with_shards_without(without.as_ref())
    }

    /// Counts only runs whose data is still in the export: others read nothing, or only what was
    /// read again later.
    fn instants(&self) -> SnapshotCount {
        let read: BTreeSet<_> = self.shards.iter().map(|shard| shard.run).collect();
        let of = match read.len() {
            // A result over all shards, or no rows.
            0 => self.runs.last(),
            1 => read.first().and_then(|&run| self.runs.get(run)),
            runs => return SnapshotCount::Runs(runs),
        };
        match of.and_then(|run| run.snapshot.as_ref()) {
            Some(_) => SnapshotCount::One,
            None => SnapshotCount::EachShard,
        }
    }

    /// Drops trailing runs that contributed nothing to the export.
    pub fn drop_empty_runs(&mut self) {
        let read = self.shards.iter().map(|shard| shard.run + 1).max();
        self.runs.truncate(read.unwrap_or(0));
    }

    /// Writes it to a temporary file, and syncs that.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, draft: &AtomicFile) -> Result<(), ExportError> {
        let written = self.text().and_then(|text| {
            draft.file()?.write_all(&text)?;
            draft.sync()
        });
        written.map_err(|source| ExportError::File {
            file: draft.path().to_owned(),
            source,
        })
    }

    /// Atomically replaces an earlier manifest.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn replace(&self, path: &Path) -> Result<(), ExportError> {
        let draft = draft::create(path, IfExists::Replace)?;
        self.write(&draft)?;
        publish(draft)
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        Ok(seal::add(serde_json::to_vec_pretty(self)?))
    }
}

/// Whether a name is exactly one folder below the manifest's: `shard=shard_30/part.csv`.
/// Resuming moves and replaces files by these names, so they must not lead elsewhere.
fn is_part(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let mut inner = || matches!(components.next(), Some(Component::Normal(_)));
    inner() && inner() && components.next().is_none() && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn manifest() -> Manifest {
        Manifest {
            manifest_version: VERSION,
            tool: "shardq 1".into(),
            statement: "SELECT 'žluť' AS \"a\"".into(),
            search_path: "{shard}".into(),
            server: ServerRecord {
                version: "15.3".into(),
                host: "db1".into(),
                port: 5432,
                database: "builder".into(),
                user: "hab".into(),
            },
            runs: Vec::new(),
            complete: true,
            shards_expected: 1,
            shards_answered: 1,
            missing: Vec::new(),
            without_table: Vec::new(),
            global: false,
            rows: 7,
            format: "csv".into(),
            header: true,
            shard_column: None,
            columns: Vec::new(),
            column_types: Vec::new(),
            settings: BTreeMap::new(),
            file: None,
            shards: Vec::new(),
            options: BTreeMap::from([("jobs".into(), 4.into())]),
        }
    }

    #[test]
    fn names_of_parts_lead_nowhere_else() {
        assert!(is_part("shard=shard_30/part.csv.gz"));
        for name in [
            "",
            "part.csv",
            "/etc/passwd",
            "../part.csv",
            "shard=shard_0/../x",
            "a/b/c",
            "shard=shard_0/..",
            "./part.csv",
            "shard=shard_0/part.csv\nshardq: verified",
        ] {
            assert!(!is_part(name), "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("_manifest.json");
        let mut stray = manifest();
        stray.shards.push(ShardRecord {
            shard: "shard_0".into(),
            rows: 7,
            bytes: 1,
            milliseconds: 1,
            run: 0,
            file: Some(FileRecord {
                name: "../../.profile".into(),
                bytes: 1,
                sha256: String::new(),
            }),
        });
        stray.replace(&path).unwrap();
        let refused = Manifest::read(&path).unwrap_err().to_string();
        assert!(
            refused.contains("\"../../.profile\" is not a valid name for a shard's file"),
            "{refused}"
        );
    }

    #[test]
    fn it_reads_back_as_it_was_written_and_an_edit_breaks_the_seal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv.manifest.json");
        manifest().replace(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), manifest());

        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"rows\": 7", "\"rows\": 8")).unwrap();
        assert!(matches!(
            Manifest::read(&path),
            Err(ManifestError::Edited(_))
        ));
        // People notice the first of two equal keys, programs read the last.
        fs::write(&path, text.replacen('{', "{\n  \"rows\": 9,", 1)).unwrap();
        assert!(matches!(
            Manifest::read(&path),
            Err(ManifestError::Edited(_))
        ));
        fs::write(&path, "{").unwrap();
        assert!(matches!(
            Manifest::read(&path),
            Err(ManifestError::NotAManifest { .. })
        ));
    }
}
