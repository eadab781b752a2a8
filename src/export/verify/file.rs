//! Checks one file of an export against its manifest: size and checksum, then rows,
//! then rows per shard. Of a damaged file the checksum is reported, not what its decoder makes
//! of it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::error::VerifyError;
use super::hashing::Hashing;
use crate::export::count_rows::{Counter, RowCounts};
use crate::export::file_format::{Compression, ExportFormat, FileFormat};
use crate::export::manifest::{FileRecord, Manifest};
use crate::output::open_file;

/// Checks one file: first its bytes, then its rows.
pub(super) fn check(
    path: &Path,
    manifest: &Manifest,
    record: &FileRecord,
    rows: u64,
    shards: &BTreeMap<String, u64>,
) -> Result<(), VerifyError> {
    let failed = |source| VerifyError::File {
        file: path.to_owned(),
        source,
    };
    let kind: ExportFormat =
        manifest
            .format
            .parse()
            .map_err(|error: crate::export::file_format::UnknownKind| {
                VerifyError::Contradiction {
                    file: path.to_owned(),
                    what: error.to_string(),
                }
            })?;
    let changed = |found: String, expected: String| VerifyError::Changed {
        file: path.to_owned(),
        found,
        expected,
    };
    let of_size = |bytes: u64| {
        if bytes == record.bytes {
            return Ok(());
        }
        Err(changed(
            format!("{bytes} bytes"),
            format!("{}", record.bytes),
        ))
    };
    let file = open_file::to_read(path).map_err(failed)?;
    // If the size differs, it is not read: some files in /proc have size 0 and no end.
    of_size(file.metadata().map_err(failed)?.len())?;
    let mut file = Hashing::new(file, record.bytes);
    // A damaged file may not decompress. Report its checksum first.
    // Rows of a workbook are not counted; the checksum covers them.
    let counted = (kind.format != FileFormat::Xlsx).then(|| counter(&mut file, kind, manifest));
    io::copy(&mut file, &mut io::sink()).map_err(failed)?;
    let (bytes, sha256) = file.content();
    of_size(bytes)?;
    if sha256 != record.sha256 {
        return Err(changed(format!("SHA-256 {sha256}"), record.sha256.clone()));
    }
    let Some(counted) = counted.transpose().map_err(failed)? else {
        return Ok(());
    };
    let differs = |what: String, found, expected| VerifyError::Differs {
        file: path.to_owned(),
        what,
        found,
        expected,
    };
    if counted.rows != rows {
        return Err(differs("rows".to_owned(), counted.rows, rows));
    }
    if manifest.shard_column.is_some() && !shards.is_empty() {
        for (shard, &expected) in shards {
            let found = counted.shards.get(shard).copied().unwrap_or(0);
            if found != expected {
                return Err(differs(format!("rows of {shard}"), found, expected));
            }
        }
    }
    Ok(())
}

fn counter(file: &mut Hashing, kind: ExportFormat, manifest: &Manifest) -> io::Result<RowCounts> {
    if kind.format == FileFormat::Parquet {
        #[cfg(feature = "parquet")]
        {
            let counted =
                crate::export::parquet::count(file.again()?, manifest.shard_column.is_some());
            return file.rewind().and(counted);
        }
        #[cfg(not(feature = "parquet"))]
        return Err(io::Error::other(
            crate::export::ExportError::NotBuilt("parquet").to_string(),
        ));
    }
    let mut text: Box<dyn BufRead + '_> = match kind.compression {
        Compression::None => Box::new(BufReader::with_capacity(1 << 16, file)),
        Compression::Gzip => Box::new(BufReader::with_capacity(
            1 << 16,
            flate2::read::MultiGzDecoder::new(file),
        )),
        Compression::Zstd => Box::new(BufReader::with_capacity(1 << 16, zstd::Decoder::new(file)?)),
    };
    let mut counter = Counter::new(
        kind.format,
        manifest.header,
        manifest.shard_column.as_deref(),
    )
    .with_csv(manifest.delimiter(), manifest.cells());
    loop {
        let block = text.fill_buf()?;
        if block.is_empty() {
            return Ok(counter.finish());
        }
        counter.take(block);
        let read = block.len();
        text.consume(read);
    }
}
