//! The input and result types that the writer thread and all encoders share.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::ExportError;
use crate::exec::copy::CopyChunk;
use crate::export::ExportFormat;
use crate::export::error::lacks_room;
use crate::export::provenance::Provenance;
use crate::output::format::RenderOptions;
use crate::pg::row_batch::{Column, Rows};
use crate::sharding::shard::Shard;

#[derive(Debug, Clone)]
pub struct EncoderOptions {
    pub options: RenderOptions,
    /// The name of the shard column, if there is one.
    pub shard_column: Option<String>,
    /// For spreadsheets: [`super::excel::Excel`].
    pub excel: bool,
    /// For formats that can say in the file what was queried.
    pub provenance: Provenance,
}

/// Describes a file that was written to its end.
#[derive(Debug)]
pub struct Written {
    pub bytes: u64,
    pub sha256: String,
    /// Per shard that has rows, before compression.
    pub shard_bytes: BTreeMap<Shard, u64>,
}

#[derive(Debug)]
pub(super) enum WriterCommand {
    Columns(Vec<Column>),
    /// A shard whose columns have other lengths or precisions than those of `first`.
    #[cfg_attr(
        not(feature = "parquet"),
        expect(dead_code, reason = "only Parquet writes types into the file")
    )]
    Drifted {
        shard: Shard,
        columns: Vec<Column>,
        first: Shard,
    },
    Rows(Shard, Rows),
    Lines(Shard, CopyChunk),
    /// Discards what was written for a shard.
    RollBack(Shard),
    ShardEnded(Shard),
    /// End of input; the file is complete.
    End,
}

#[derive(Debug, Default)]
pub(super) struct WriteStats {
    pub shard_bytes: BTreeMap<Shard, u64>,
}

impl WriteStats {
    pub fn add(&mut self, shard: Shard, bytes: usize) {
        *self.shard_bytes.entry(shard).or_default() += bytes as u64;
    }

    pub fn remove(&mut self, shard: Shard) {
        self.shard_bytes.remove(&shard);
    }
}

#[derive(Debug)]
pub(super) enum EncodeError {
    Io(io::Error),
    Other(ExportError),
}

impl From<io::Error> for EncodeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl EncodeError {
    pub fn of(self, file: PathBuf, kind: ExportFormat, is_stream: bool) -> ExportError {
        match self {
            Self::Io(source) if is_stream && source.kind() == io::ErrorKind::BrokenPipe => {
                ExportError::Closed
            }
            Self::Io(source) if lacks_room(&source) => ExportError::NoRoom { file, source, kind },
            Self::Io(source) => ExportError::File { file, source },
            Self::Other(error) => error,
        }
    }
}
