//! Why an export failed.

use std::io;
use std::path::PathBuf;

use super::file_format::{Compression, ExportFormat, FileFormat};
use super::manifest::ManifestError;
use crate::output::format::RenderError;
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Reader closed the pipe (EPIPE); not an error.
    #[error("the reader closed the pipe")]
    Closed,
    #[error("{} exists already; --force replaces it", .0.display())]
    Exists(PathBuf),
    #[error(
        "{} appeared while the export ran, and was kept; export again under another name, or with --force",
        .0.display()
    )]
    CreatedConcurrently(PathBuf),
    #[error(
        "{} is there, of an earlier file; --force removes it, since it would not fit the new one",
        .0.display()
    )]
    StaleManifest(PathBuf),
    #[error(
        "{cause}\nwhat had happened to {} by then could not be taken back: {source}; \
         export again, since file and manifest are of two exports now",
        .file.display()
    )]
    PartiallyCommitted {
        cause: Box<Self>,
        file: PathBuf,
        source: io::Error,
    },
    #[error(
        "{} is written, but the disk did not confirm its name, which a crash may undo: {source}; \
         look after the disk, and export to another",
        .file.display()
    )]
    DirectorySyncFailed { file: PathBuf, source: io::Error },
    #[error("{}: {source}{}", .file.display(), advice(source))]
    File { file: PathBuf, source: io::Error },
    /// Disk full, quota exceeded, or file size limit reached.
    #[error("{}: {source}\n{}", .file.display(), room(source, *.kind))]
    NoRoom {
        file: PathBuf,
        source: io::Error,
        kind: ExportFormat,
    },
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(
        "column \"{column}\" of {shard} holds {value}, which {format} cannot hold as {type_name}; \
         cast it in the query: {column}::text"
    )]
    Value {
        column: String,
        shard: String,
        value: String,
        type_name: &'static str,
        format: &'static str,
    },
    /// Readers of a folder use the folder names as the values of a column of that name.
    #[error(
        "the query has a column \"{column}\" of its own, and readers would take the names of the \
         folders ({key}=shard_0) for its values; name the folders otherwise with --shard-column NAME, \
         or the column in the query: … AS other_name"
    )]
    KeyOfFolders { column: String, key: String },
    /// Shards differ in a type where the file can have only one.
    #[error(
        "column \"{column}\" is {found} in {shard} and {expected} in {first}, and a Parquet file has \
         one type for both; cast it in the query to one that holds both: {cast}"
    )]
    Drift {
        column: String,
        shard: Shard,
        found: String,
        first: Shard,
        expected: String,
        cast: String,
    },
    #[error("{} is not empty; --force replaces the export in it, --resume goes on with it", .0.display())]
    FolderExists(PathBuf),
    #[error(
        "{}: another export is being written there ({who}); wait until it has ended, \
         or write to another folder",
        .folder.display()
    )]
    InUse { folder: PathBuf, who: String },
    #[error(
        "{}: {source}; no export has made it: remove it, or write to another folder",
        .file.display()
    )]
    Lock { file: PathBuf, source: io::Error },
    #[error(
        "{}: nothing to go on with, for there is no _manifest.json in it; \
         --resume wants the folder of an earlier export, and without it a new one begins",
        .0.display()
    )]
    NothingToResume(PathBuf),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("--resume goes on with the same export only: {0}; use another folder, or --force")]
    ResumeMismatch(String),
    #[error(
        "--resume: what is there was read as user \"{}\", and you are \"{}\", who may see other rows; \
         go on as the same user, or add --force if that is as it should be",
        one_line(.then), one_line(.now)
    )]
    AnotherUser { then: String, now: String },
    #[error("{file}: {reason}")]
    Encoder { file: String, reason: String },
    #[error("this shardq was built without Parquet (cargo feature \"parquet\")")]
    NoParquet,
    /// The column types for the manifest are unknown.
    #[error(
        "every shard answered, but then the server could not be asked what types the columns have: {0}; \
         export again"
    )]
    ColumnTypes(String),
    #[error("the writer of {} ended early", .0.display())]
    WriterPanicked(PathBuf),
}

impl ExportError {
    /// Whether the same statement with the same format would fail again.
    pub fn is_of_the_statement(&self) -> bool {
        matches!(
            self,
            Self::Value { .. }
                | Self::Drift { .. }
                | Self::KeyOfFolders { .. }
                | Self::Encoder { .. }
                | Self::Render(_)
        )
    }

    /// Whether the export's files are as they were before it.
    pub fn leaves_all_as_it_was(&self) -> bool {
        !matches!(
            self,
            Self::PartiallyCommitted { .. } | Self::DirectorySyncFailed { .. }
        )
    }
}

/// Whether an error becomes [`ExportError::NoRoom`].
pub(super) fn lacks_room(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    [FileTooLarge, QuotaExceeded, StorageFull].contains(&error.kind())
}

/// How to make room for such a file.
fn room(error: &io::Error, kind: ExportFormat) -> String {
    let can_be_smaller =
        kind.compression == Compression::None && kind.format != FileFormat::Parquet;
    let smaller = can_be_smaller.then(|| format!("compress: .{kind}.zst takes a tenth or so"));
    if error.kind() == io::ErrorKind::FileTooLarge {
        let ways = any_of(
            "raise it",
            "write one file per shard with --per-shard",
            smaller,
        );
        format!("a limit on the size of files (ulimit -f) or the file system's own; {ways}")
    } else {
        any_of("free some space there", "write to another place", smaller)
    }
}

/// `this, or that`; `this, that, or a third`
fn any_of(this: &str, that: &str, third: Option<String>) -> String {
    match third {
        Some(third) => format!("{this}, {that}, or {third}"),
        None => format!("{this}, or {that}"),
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "\nfree some space there, or write to another place"
        }
        io::ErrorKind::FileTooLarge => {
            "\na limit on the size of files (ulimit -f) or the file system's own"
        }
        io::ErrorKind::NotFound => "\nthe folder is not there; make it first",
        io::ErrorKind::IsADirectory => {
            "\nname a file in it, or have one file a shard, with --per-shard"
        }
        io::ErrorKind::PermissionDenied => {
            "\nthe export is written beside its target first, so the folder has to be writable"
        }
        _ => "",
    }
}
