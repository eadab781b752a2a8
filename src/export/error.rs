//! Why an export failed.

use std::io;
use std::path::PathBuf;

use super::file_format::{Compression, ExportFormat};
use super::manifest::ManifestError;
use crate::output::format::RenderError;
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;
use crate::text::io_reason::io_reason;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Reader closed the pipe (EPIPE); not an error.
    #[error("the reader closed the pipe")]
    Closed,
    #[error("{} already exists; use --force to replace it", .0.display())]
    Exists(PathBuf),
    #[error(
        "{} was created by someone else during the export and was kept; export again under another \
         name, or with --force",
        .0.display()
    )]
    CreatedConcurrently(PathBuf),
    #[error(
        "{} is left from an earlier file and would not match the new one; use --force to remove it",
        .0.display()
    )]
    StaleManifest(PathBuf),
    #[error(
        "{cause}\n\
         the changes already made to {} could not be undone: {reason}; export \
         again, because file and manifest are now from two different exports",
        .file.display(), reason = io_reason(source)
    )]
    PartiallyCommitted {
        cause: Box<Self>,
        file: PathBuf,
        source: io::Error,
    },
    #[error(
        "{} is written, but the disk did not confirm its name, so a crash may undo it: {reason}; \
         check the disk, and export to another one",
        .file.display(), reason = io_reason(source)
    )]
    DirectorySyncFailed { file: PathBuf, source: io::Error },
    #[error("{}: {}{}", .file.display(), io_reason(source), advice(source))]
    File { file: PathBuf, source: io::Error },
    /// Disk full, quota exceeded, or file size limit reached.
    #[error("{}: {}\nshardq: hint: {}", .file.display(), io_reason(source), room(source, *.kind))]
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
        "the query already has a column \"{column}\", and readers would take the directory names \
         ({key}=shard_0) for its values; rename the directories with --shard-column NAME, or the \
         column in the query: … AS other_name"
    )]
    KeyOfFolders { column: String, key: String },
    /// Shards differ in a type where the file can have only one.
    #[error(
        "column \"{column}\" is {found} in {shard} and {expected} in {first}, but a Parquet file \
         has one type for both; cast it in the query to one that holds both: {cast}"
    )]
    Drift {
        column: String,
        shard: Shard,
        found: String,
        first: Shard,
        expected: String,
        cast: String,
    },
    #[error("{} is not empty; use --force to replace the export in it, or --resume to continue it", .0.display())]
    FolderExists(PathBuf),
    #[error(
        "{}: another export is writing there ({who}); wait until it ends, or write to another \
         directory",
        .folder.display()
    )]
    InUse { folder: PathBuf, who: String },
    #[error(
        "{}: {}; no export created it: remove it, or write to another directory",
        .file.display(), io_reason(source)
    )]
    Lock { file: PathBuf, source: io::Error },
    #[error(
        "{}: nothing to resume, because there is no _manifest.json in it; --resume needs the \
         directory of an earlier export (omit it to start a new one)",
        .0.display()
    )]
    NothingToResume(PathBuf),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("--resume continues only the same export: {0}; use another directory, or --force")]
    ResumeMismatch(String),
    #[error(
        "--resume: the existing files were read as user \"{}\", but you are \"{}\" and may see \
         other rows; continue as the same user, or add --force if that is intended",
        one_line(.then), one_line(.now)
    )]
    AnotherUser { then: String, now: String },
    #[error("{file}: {reason}")]
    Encoder { file: String, reason: String },
    #[error(
        "this shardq was built without the cargo feature \"{0}\", so it cannot read or write such files"
    )]
    NotBuilt(&'static str),
    #[error("Excel workbook: {0}; export CSV or Parquet instead")]
    Xlsx(String),
    #[error(
        "column \"{column}\" has a text of {characters} characters in {shard}, and a cell of a \
         worksheet holds {most}; export CSV or Parquet instead, or cut the text: \
         left({column}, {most})"
    )]
    XlsxText {
        column: String,
        shard: Shard,
        characters: usize,
        most: usize,
    },
    /// The column types for the manifest are unknown.
    #[error(
        "every shard answered, but the column types could not be queried afterwards: {0}; export \
         again"
    )]
    ColumnTypes(String),
    #[error("the writer of {} stopped unexpectedly", .0.display())]
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
    let can_be_smaller = kind.compression == Compression::None && !kind.format.is_append_only();
    let smaller = can_be_smaller.then(|| format!("compress it (.{kind}.zst takes about a tenth)"));
    if error.kind() == io::ErrorKind::FileTooLarge {
        let ways = any_of(
            "raise it",
            "write one file per shard with --per-shard",
            smaller,
        );
        format!("file size limit (ulimit -f) or limit of the file system reached; {ways}")
    } else {
        any_of("free some space", "write elsewhere", smaller)
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
            "\nshardq: hint: free some space, or write elsewhere"
        }
        io::ErrorKind::FileTooLarge => {
            "\nshardq: hint: file size limit (ulimit -f) or limit of the file system reached"
        }
        io::ErrorKind::NotFound => "\nshardq: hint: the directory does not exist; create it first",
        io::ErrorKind::IsADirectory => {
            "\nshardq: hint: name a file in it, or write one file per shard with --per-shard"
        }
        io::ErrorKind::PermissionDenied => {
            "\nshardq: hint: the target's directory must be writable"
        }
        _ => "",
    }
}
