//! Reads a file back: how many rows it has, in total and per shard.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;

use arrow_array::cast::AsArray;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use crate::export::count_rows::RowCounts;

pub fn count(file: File, shard_column: bool) -> io::Result<RowCounts> {
    let broken = |error: ParquetError| io::Error::other(error.to_string());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?;
    let rows = builder.metadata().file_metadata().num_rows();
    let rows = u64::try_from(rows).map_err(io::Error::other)?;
    let mut shards = BTreeMap::new();
    if shard_column {
        let first = ProjectionMask::roots(builder.parquet_schema(), [0]);
        let reader = builder.with_projection(first).build().map_err(broken)?;
        for batch in reader {
            let batch = batch.map_err(io::Error::other)?;
            let names = batch.column(0).as_string_opt::<i32>();
            let names = names.ok_or_else(|| io::Error::other("the shard is not a string"))?;
            for name in names.iter().flatten() {
                match shards.get_mut(name) {
                    Some(count) => *count += 1,
                    None => _ = shards.insert(name.to_owned(), 1),
                }
            }
        }
    }
    Ok(RowCounts { rows, shards })
}
