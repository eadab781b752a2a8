//! The size and checksum of a file, computed while it is read.

use std::fs::File;
#[cfg(feature = "parquet")]
use std::io::Seek as _;
use std::io::{self, Read, Take};
use std::path::Path;

use ring::digest::{Context, SHA256};

use crate::export::compress;
use crate::export::manifest::FileRecord;
use crate::output::open_file;

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
pub(super) struct Hashing {
    file: Take<File>,
    hash: Context,
    bytes: u64,
}

impl Hashing {
    pub fn new(file: File, bytes: u64) -> Self {
        Self {
            file: file.take(bytes.saturating_add(1)),
            hash: Context::new(&SHA256),
            bytes: 0,
        }
    }

    /// A second handle, for a first pass. Both share one file position.
    #[cfg(feature = "parquet")]
    pub fn again(&self) -> io::Result<File> {
        self.file.get_ref().try_clone()
    }

    #[cfg(feature = "parquet")]
    pub fn rewind(&mut self) -> io::Result<()> {
        self.file.get_mut().rewind()
    }

    pub fn content(self) -> (u64, String) {
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
