//! Parquet files. Types are kept where Parquet has them; the rest is the server's text.
//! This module writes the file and its row groups.
//!
//! A value that its type cannot hold (NaN in a decimal, an infinite date, a two-dimensional
//! array) fails the export instead of being changed.

mod count;
mod drift;
mod schema;
pub mod text;
mod values;

use std::io;
use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::ExportError;
use super::compress::{FileDigest, HashingFile};
use super::encoder::{EncodeError, WriteStats, WriterCommand};
use crate::pg::row_batch::{Column, Rows};
use crate::sharding::shard::Shard;

use drift::drift;
use schema::schema;
use values::Values;

pub use count::count;
pub use drift::widest;

/// Rows are encoded once either limit is reached.
const BATCH_ROWS: usize = 8 << 10;
const BATCH_BYTES: usize = 4 << 20;

/// Encoded rows stay in memory until their row group ends.
const ROW_GROUP_ROWS: usize = 1 << 20;
const ROW_GROUP_BYTES: usize = 32 << 20;

pub struct Parquet {
    shard_column: Option<String>,
    state: State,
}

enum State {
    Unopened(Box<HashingFile>),
    Open(Box<Open>),
    /// After an error was reported.
    Closed,
}

struct Open {
    writer: ArrowWriter<HashingFile>,
    schema: Arc<Schema>,
    /// The first shard's, without the shard column.
    of_file: Vec<Column>,
    shards: Option<StringBuilder>,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
}

impl Parquet {
    pub fn new(hashing: HashingFile, shard_column: Option<String>) -> Self {
        Self {
            shard_column,
            state: State::Unopened(Box::new(hashing)),
        }
    }

    pub fn take(
        &mut self,
        input: WriterCommand,
        stats: &mut WriteStats,
    ) -> Result<(), EncodeError> {
        match (input, &mut self.state) {
            (WriterCommand::Columns(columns), file) => {
                if let State::Unopened(hashing) = std::mem::replace(file, State::Closed) {
                    let shard_column = self.shard_column.as_deref();
                    *file = State::Open(Box::new(Open::new(*hashing, shard_column, &columns)?));
                }
                Ok(())
            }
            (
                WriterCommand::Drifted {
                    shard,
                    columns,
                    first,
                },
                State::Open(open),
            ) => match drift(&open.of_file, first, &columns, shard) {
                Some(error) => Err(EncodeError::Other(error)),
                None => Ok(()),
            },
            (WriterCommand::Rows(shard, rows), State::Open(open)) => {
                stats.add(shard, rows.text_bytes());
                open.push(shard, &rows)
            }
            _ => Ok(()),
        }
    }

    pub fn finish(&mut self) -> Result<FileDigest, EncodeError> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(open) => open.finish(),
            State::Unopened(_) | State::Closed => Err(refused("no shard reported its columns")),
        }
    }
}

impl Open {
    fn new(
        hashing: HashingFile,
        shard_column: Option<&str>,
        columns: &[Column],
    ) -> Result<Self, EncodeError> {
        let schema = Arc::new(schema(shard_column, columns)?);
        // The shard column, if there is one, comes first.
        let of_result = schema.fields().iter().skip(shard_column.iter().len());
        let values = of_result
            .map(|field| Values::of(field.data_type()))
            .collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("shardq ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .build();
        Ok(Self {
            writer: ArrowWriter::try_new(hashing, Arc::clone(&schema), Some(properties))?,
            schema,
            of_file: columns.to_vec(),
            shards: shard_column.map(|_| StringBuilder::new()),
            columns: values,
            rows: 0,
            bytes: 0,
        })
    }

    /// Batches end by row count and size, not where network batches end: the same rows always
    /// give the same file.
    fn push(&mut self, shard: Shard, rows: &Rows) -> Result<(), EncodeError> {
        let name = shard.to_string();
        for row in rows.iter() {
            for (index, (values, value)) in self.columns.iter_mut().zip(row.values()).enumerate() {
                if values.push(value).is_none() {
                    return Err(EncodeError::Other(ExportError::Value {
                        column: self.of_file[index].name.clone(),
                        shard: name,
                        value: value.unwrap_or("NULL").to_owned(),
                        type_name: values.describe(),
                        format: "Parquet",
                    }));
                }
                self.bytes += value.map_or(0, str::len);
            }
            if let Some(shards) = &mut self.shards {
                shards.append_value(&name);
            }
            self.rows += 1;
            if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
                self.encode()?;
            }
        }
        Ok(())
    }

    fn encode(&mut self) -> Result<(), EncodeError> {
        let shards = self.shards.iter_mut().map(ArrayBuilder::finish);
        let columns: Vec<ArrayRef> = shards
            .chain(self.columns.iter_mut().map(Values::finish))
            .collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| refused(&error.to_string()))?;
        self.rows = 0;
        self.bytes = 0;
        Ok(self.writer.write(&batch)?)
    }

    fn finish(mut self) -> Result<FileDigest, EncodeError> {
        self.encode()?;
        Ok(self.writer.into_inner()?.content()?)
    }
}

fn refused(reason: &str) -> EncodeError {
    EncodeError::Other(ExportError::Encoder {
        file: "Parquet".to_owned(),
        reason: reason.to_owned(),
    })
}

impl From<ParquetError> for EncodeError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(source) => match source.downcast::<io::Error>() {
                Ok(error) => Self::Io(*error),
                Err(other) => refused(&other.to_string()),
            },
            other => refused(&other.to_string()),
        }
    }
}
