//! Reads a CSV file with a header in chunks. A thread of its own reads, so that a slow or silent
//! standard input delays neither the server's responses nor Ctrl-C.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use tokio::sync::mpsc;

use crate::text::io_reason::io_reason;

/// The columns that are added behind those of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedColumns {
    Shard,
    /// There are several servers.
    ServerAndShard,
}

impl AddedColumns {
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Shard => &["shard", "expected", "verified"],
            Self::ServerAndShard => &["server", "shard", "expected", "verified"],
        }
    }
}

/// A chunk's statements have its keys in one array each, so it is bounded in both.
const MOST_ROWS: usize = 50_000;
const MOST_BYTES: usize = 8 << 20;

/// `-` is standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile(PathBuf);

impl InputFile {
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub fn is_standard_input(&self) -> bool {
        self.0 == Path::new("-")
    }

    pub(super) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(if self.is_standard_input() {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(&self.0)?)
        })
    }
}

/// As it is named in messages.
impl fmt::Display for InputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_standard_input() {
            f.write_str("standard input")
        } else {
            self.0.display().fmt(f)
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("{file}: {}", io_reason(.error))]
    Unreadable { file: InputFile, error: io::Error },
    #[error("{0}: lists no keys")]
    NoKeys(InputFile),
    #[error("{0}: no header; expected CSV whose first line names the columns")]
    NoHeader(InputFile),
    #[error("{file}: no column {wanted:?}; its columns are {columns}")]
    NoColumn {
        file: InputFile,
        wanted: String,
        columns: String,
    },
    #[error("{file}: several columns are named {wanted:?}")]
    Ambiguous { file: InputFile, wanted: String },
    #[error("{file} has several columns; name the one with the keys with --column: {columns}")]
    ColumnNeeded { file: InputFile, columns: String },
    #[error(
        "{file} already has a column {column:?}, which would be added; rename or drop it first"
    )]
    ColumnTaken {
        file: InputFile,
        column: &'static str,
    },
    #[error("{file}:{line}: expected {expected} fields as in the header, found {found}")]
    FieldCount {
        file: InputFile,
        line: u64,
        expected: u64,
        found: u64,
    },
    #[error("{file}:{line}: {reason}")]
    Key {
        file: InputFile,
        line: u64,
        reason: String,
    },
}

impl InputError {
    /// Whether the arguments do not fit the file. Found before anything connects.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::FieldCount { .. } | Self::Key { .. })
    }
}

/// The header, and which column has the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub record: ByteRecord,
    pub key_column: usize,
}

/// Some rows, in the input's order.
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    pub rows: Vec<ByteRecord>,
}

/// A file that is being read.
pub struct Input {
    file: InputFile,
    header: Header,
    chunks: mpsc::Receiver<Result<Chunk, InputError>>,
}

type Opened = (Header, Reader<Box<dyn Read + Send>>);

impl Input {
    /// Waits for the header.
    ///
    /// # Errors
    /// If the file cannot be read, or its columns do not fit.
    pub async fn open(
        file: InputFile,
        column: Option<String>,
        added: AddedColumns,
    ) -> Result<Self, InputError> {
        let (send_header, mut header) = mpsc::channel(1);
        let (send_chunk, chunks) = mpsc::channel(1);
        let reading = file.clone();
        let read = move || match open(&reading, column.as_deref(), added) {
            Ok((header, mut reader)) => {
                // The receivers may be gone, after an interrupt.
                if send_header.blocking_send(Ok(header)).is_err() {
                    return;
                }
                while let Some(chunk) = next_chunk(&mut reader, &reading).transpose() {
                    let is_last = chunk.is_err();
                    if send_chunk.blocking_send(chunk).is_err() || is_last {
                        return;
                    }
                }
            }
            Err(error) => drop(send_header.blocking_send(Err(error))),
        };
        let unreadable = |error| InputError::Unreadable {
            file: file.clone(),
            error,
        };
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(read)
            .map_err(unreadable)?;
        let stopped = || unreadable(io::Error::other("the reader stopped unexpectedly"));
        let header = header.recv().await.ok_or_else(stopped)??;
        Ok(Self {
            file,
            header,
            chunks,
        })
    }

    pub fn file(&self) -> &InputFile {
        &self.file
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read, or a row does not have as many fields as the header.
    pub async fn next(&mut self) -> Result<Option<Chunk>, InputError> {
        self.chunks.recv().await.transpose()
    }
}

fn open(file: &InputFile, column: Option<&str>, added: AddedColumns) -> Result<Opened, InputError> {
    let unreadable = |error| InputError::Unreadable {
        file: file.clone(),
        error,
    };
    let source = file.open().map_err(unreadable)?;
    let mut reader = ReaderBuilder::new().from_reader(source);
    let record = reader.byte_headers().cloned();
    let record = record.map_err(|error| failure(error, file))?;
    if record.is_empty() {
        return Err(InputError::NoHeader(file.clone()));
    }
    for &column in added.names() {
        if record.iter().any(|name| name == column.as_bytes()) {
            let file = file.clone();
            return Err(InputError::ColumnTaken { file, column });
        }
    }
    let key_column = key_column(file, &record, column)?;
    Ok((Header { record, key_column }, reader))
}

fn key_column(
    file: &InputFile,
    header: &ByteRecord,
    wanted: Option<&str>,
) -> Result<usize, InputError> {
    let file = file.clone();
    let columns = || {
        let names = header.iter().map(String::from_utf8_lossy);
        names.collect::<Vec<_>>().join(", ")
    };
    let Some(wanted) = wanted else {
        return if header.len() == 1 {
            Ok(0)
        } else {
            let columns = columns();
            Err(InputError::ColumnNeeded { file, columns })
        };
    };
    let mut named = (0..header.len()).filter(|i| header.get(*i) == Some(wanted.as_bytes()));
    let wanted = wanted.to_owned();
    match (named.next(), named.next()) {
        (Some(column), None) => Ok(column),
        (Some(_), Some(_)) => Err(InputError::Ambiguous { file, wanted }),
        (None, _) => Err(InputError::NoColumn {
            file,
            wanted,
            columns: columns(),
        }),
    }
}

fn next_chunk(
    reader: &mut Reader<impl Read>,
    file: &InputFile,
) -> Result<Option<Chunk>, InputError> {
    let mut chunk = Chunk::default();
    let mut bytes = 0;
    while chunk.rows.len() < MOST_ROWS && bytes < MOST_BYTES {
        let mut record = ByteRecord::new();
        let is_row = reader.read_byte_record(&mut record);
        if !is_row.map_err(|error| failure(error, file))? {
            break;
        }
        bytes += record.as_slice().len();
        chunk.rows.push(record);
    }
    Ok((!chunk.rows.is_empty()).then_some(chunk))
}

fn failure(error: csv::Error, file: &InputFile) -> InputError {
    let file = file.clone();
    match error.into_kind() {
        ErrorKind::UnequalLengths {
            pos,
            expected_len: expected,
            len: found,
        } => InputError::FieldCount {
            file,
            line: pos.map_or(0, |pos| pos.line()),
            expected,
            found,
        },
        ErrorKind::Io(error) => InputError::Unreadable { file, error },
        other => InputError::Unreadable {
            file,
            error: io::Error::other(format!("{other:?}")),
        },
    }
}
