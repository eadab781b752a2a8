//! Checks whether an export still matches its manifest: bytes, row counts, and rows per shard.

use std::collections::BTreeMap;
use std::fs::{self, File};

use crate::export::count_rows::RowCounts;
#[cfg(feature = "parquet")]
use std::io::Seek as _;
use std::io::{self, BufRead, BufReader, Read, Take};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::compress;
use super::count_rows::Counter;
use super::dataset_dir::untracked_files;
use super::file_format::{Compression, ExportFormat, FileFormat};
use super::manifest::{FileRecord, Manifest, ManifestError, NOT_YET};
use crate::output::open_file;
use crate::terminal::summary::ResultSummary;
use crate::text::escape::one_line;
use crate::text::io_reason::io_reason;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub manifest: Manifest,
    pub extent: ResultSummary,
    pub bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{}: {}", .file.display(), io_reason(source))]
    File { file: PathBuf, source: io::Error },
    #[error(
        "{}: does not match its manifest: {found}, expected {expected}",
        .file.display()
    )]
    Changed {
        file: PathBuf,
        found: String,
        expected: String,
    },
    /// The bytes match, but the content contradicts the manifest.
    #[error("{}: {found} {what}, but the manifest says {expected}", .file.display())]
    Differs {
        file: PathBuf,
        what: String,
        found: u64,
        expected: u64,
    },
    #[error(
        "{}: contains files that are not part of the export but that readers of it would read: {}; \
         move them away, or export again",
        .folder.display(),
        truncated_list(.files)
    )]
    Unlisted {
        folder: PathBuf,
        files: Vec<PathBuf>,
    },
    #[error("{}: the manifest contradicts itself: {what}", .file.display())]
    Contradiction { file: PathBuf, what: String },
    #[error(
        "{}: the export is not finished: {answered} of {expected} shards are there; run the same \
         command with --resume to export the others",
        .file.display()
    )]
    Unfinished {
        file: PathBuf,
        answered: usize,
        expected: usize,
    },
}

/// Checks a file, or a folder with one file per shard.
///
/// # Errors
/// The first mismatch.
pub fn verify(path: &Path) -> Result<Verified, VerifyError> {
    // First, so that a mistyped name is not reported as a missing manifest.
    let there = fs::metadata(path).map_err(|source| VerifyError::File {
        file: path.to_owned(),
        source,
    })?;
    let (manifest_path, folder) = if there.is_dir() {
        (Manifest::path_in(path), path.to_owned())
    } else {
        (
            Manifest::path_of(path),
            crate::output::atomic_file::folder(path),
        )
    };
    let manifest = Manifest::read(&manifest_path)?;
    validate_manifest(&manifest, &manifest_path)?;
    let (extent, mut bytes) = (manifest.extent(), 0);
    if let Some(file) = &manifest.file {
        // By its current name: it may have been renamed along with its manifest.
        let shards = manifest
            .shards
            .iter()
            .map(|shard| (shard.shard.clone(), shard.rows))
            .collect();
        check(path, &manifest, file, manifest.rows, &shards)?;
        bytes = file.bytes;
    }
    for shard in &manifest.shards {
        if let Some(file) = &shard.file {
            let none = BTreeMap::new();
            check(&folder.join(&file.name), &manifest, file, shard.rows, &none)?;
            bytes += file.bytes;
        }
    }
    if there.is_dir() {
        check_untracked(path, &manifest)?;
    }
    Ok(Verified {
        manifest,
        extent,
        bytes,
    })
}

/// Readers of a dataset folder read every file in it.
fn check_untracked(folder: &Path, manifest: &Manifest) -> Result<(), VerifyError> {
    let files = manifest
        .shards
        .iter()
        .filter_map(|shard| shard.file.as_ref());
    let listed = files.map(|file| PathBuf::from(&file.name)).collect();
    let files = untracked_files(folder, &listed).map_err(|source| VerifyError::File {
        file: folder.to_owned(),
        source,
    })?;
    if files.is_empty() {
        return Ok(());
    }
    Err(VerifyError::Unlisted {
        folder: folder.to_owned(),
        files,
    })
}

fn truncated_list(files: &[PathBuf]) -> String {
    const FEW: usize = 5;
    let shown = files.iter().take(FEW);
    let mut text: Vec<_> = shown
        .map(|file| one_line(&file.display().to_string()))
        .collect();
    if files.len() > FEW {
        text.push(format!("and {} more", files.len() - FEW));
    }
    text.join(", ")
}

fn validate_manifest(manifest: &Manifest, file: &Path) -> Result<(), VerifyError> {
    let contradiction = |what: &str| VerifyError::Contradiction {
        file: file.to_owned(),
        what: what.to_owned(),
    };
    if manifest.global && !manifest.shards.is_empty() {
        return Err(contradiction(
            "its rows belong to no shard, but it lists shards",
        ));
    }
    let rows: u64 = manifest.shards.iter().map(|shard| shard.rows).sum();
    if rows != manifest.rows && !manifest.global {
        return Err(contradiction("the rows of its shards do not add up"));
    }
    if manifest.shards.len() != manifest.shards_answered && !manifest.global {
        return Err(contradiction("it does not list every shard that answered"));
    }
    if manifest.shards_answered + manifest.missing.len() != manifest.shards_expected {
        return Err(contradiction(
            "some shards are listed neither as answered nor as missing",
        ));
    }
    if manifest.missing.iter().any(|shard| shard.error == NOT_YET) {
        return Err(VerifyError::Unfinished {
            file: file.to_owned(),
            answered: manifest.shards_answered,
            expected: manifest.shards_expected,
        });
    }
    Ok(())
}

/// Checks one file: first its bytes, then its rows.
fn check(
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
            .map_err(
                |error: super::file_format::UnknownKind| VerifyError::Contradiction {
                    file: path.to_owned(),
                    what: error.to_string(),
                },
            )?;
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
            let counted = super::parquet::count(file.again()?, manifest.shard_column.is_some());
            return file.rewind().and(counted);
        }
        #[cfg(not(feature = "parquet"))]
        return Err(io::Error::other(
            super::ExportError::NotBuilt("parquet").to_string(),
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

/// Whether a file has the bytes that were written. If the size differs, it is not read.
pub fn matches_digest(path: &Path, record: &FileRecord) -> io::Result<bool> {
    let file = open_file::to_read(path)?;
    if file.metadata()?.len() != record.bytes {
        return Ok(false);
    }
    let mut file = Hashing::new(file, record.bytes);
    let mut buffer = vec![0; 1 << 16];
    while file.read(&mut buffer)? > 0 {}
    Ok(file.content() == (record.bytes, record.sha256.clone()))
}

/// Hashes a file as it is read, up to one byte more than it should have.
struct Hashing {
    file: Take<File>,
    hash: Context,
    bytes: u64,
}

impl Hashing {
    fn new(file: File, bytes: u64) -> Self {
        Self {
            file: file.take(bytes.saturating_add(1)),
            hash: Context::new(&SHA256),
            bytes: 0,
        }
    }

    /// A second handle, for a first pass. Both share one file position.
    #[cfg(feature = "parquet")]
    fn again(&self) -> io::Result<File> {
        self.file.get_ref().try_clone()
    }

    #[cfg(feature = "parquet")]
    fn rewind(&mut self) -> io::Result<()> {
        self.file.get_mut().rewind()
    }

    fn content(self) -> (u64, String) {
        (
            self.bytes,
            compress::hexadecimal(self.hash.finish().as_ref()),
        )
    }
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}
