//! A manifest as a file: its name beside an export, reading it only if it is whole and leads
//! nowhere else, and replacing it atomically.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use super::Manifest;
use crate::export::draft::{self, publish};
use crate::export::{ExportError, seal};
use crate::output::atomic_file::{self, AtomicFile, IfExists};
use crate::output::open_file;
use crate::text::io_reason::io_reason;

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
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::export::manifest::{FileRecord, ServerRecord, ShardRecord, VERSION};

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
            server: None,
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
