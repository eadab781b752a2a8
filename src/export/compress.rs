//! The last steps before the file: compress, count and hash the bytes.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use flate2::write::GzEncoder;
use ring::digest::{Context, SHA256};

use super::Compression;
use super::background_sync::BackgroundSync;

/// Counts and hashes what is written to the file.
pub struct HashingFile {
    file: File,
    hash: Context,
    bytes: u64,
    /// None for a stream.
    settling: Option<BackgroundSync>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// A position that the file can be truncated to.
pub struct Checkpoint {
    hash: Context,
    bytes: u64,
}

impl HashingFile {
    pub fn new(file: File) -> Self {
        Self {
            file,
            hash: Context::new(&SHA256),
            bytes: 0,
            settling: Some(BackgroundSync::default()),
        }
    }

    pub fn of_stream(stream: File) -> Self {
        Self {
            settling: None,
            ..Self::new(stream)
        }
    }

    pub fn content(self) -> io::Result<FileDigest> {
        self.settling.map_or(Ok(()), BackgroundSync::finish)?;
        Ok(FileDigest {
            bytes: self.bytes,
            sha256: hexadecimal(self.hash.finish().as_ref()),
        })
    }

    fn mark(&self) -> Checkpoint {
        Checkpoint {
            hash: self.hash.clone(),
            bytes: self.bytes,
        }
    }

    fn back_to(&mut self, mark: Checkpoint) -> io::Result<()> {
        self.file.set_len(mark.bytes)?;
        self.file.seek(SeekFrom::Start(mark.bytes))?;
        self.hash = mark.hash;
        self.bytes = mark.bytes;
        Ok(())
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        if let Some(settling) = &mut self.settling {
            settling.wrote(&self.file, written);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub struct CompressedWriter {
    compression: Compression,
    /// None only while a new stream replaces the old one.
    stream: Option<Stream>,
}

enum Stream {
    Plain(HashingFile),
    Gzip(GzEncoder<HashingFile>),
    Zstd(zstd::Encoder<'static, HashingFile>),
}

impl CompressedWriter {
    pub fn new(compression: Compression, hashing: HashingFile) -> io::Result<Self> {
        let stream = Stream::new(compression, hashing)?;
        Ok(Self {
            compression,
            stream: Some(stream),
        })
    }

    /// Fewer bytes than this are buffered rather than preceded by a checkpoint, because every
    /// checkpoint starts a new compressed stream, which costs compression.
    pub fn checkpoint_threshold(&self) -> usize {
        match self.compression {
            Compression::None => 0,
            Compression::Gzip | Compression::Zstd => 256 << 10,
        }
    }

    /// Starts a new compressed stream here: both gzip and zstd read concatenated streams as one.
    pub fn mark(&mut self) -> io::Result<Checkpoint> {
        let hashing = self.finish_stream()?;
        let mark = hashing.mark();
        self.stream = Some(Stream::new(self.compression, hashing)?);
        Ok(mark)
    }

    pub fn back_to(&mut self, mark: Checkpoint) -> io::Result<()> {
        let mut hashing = self.finish_stream()?;
        hashing.back_to(mark)?;
        self.stream = Some(Stream::new(self.compression, hashing)?);
        Ok(())
    }

    pub fn finish(&mut self) -> io::Result<FileDigest> {
        self.finish_stream()?.content()
    }

    fn finish_stream(&mut self) -> io::Result<HashingFile> {
        match self.stream.take() {
            Some(Stream::Plain(hashing)) => Ok(hashing),
            Some(Stream::Gzip(gzip)) => gzip.finish(),
            Some(Stream::Zstd(zstd)) => zstd.finish(),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Write for CompressedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Some(Stream::Plain(hashing)) => hashing.write(bytes),
            Some(Stream::Gzip(gzip)) => gzip.write(bytes),
            Some(Stream::Zstd(zstd)) => zstd.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Some(Stream::Plain(hashing)) => hashing.flush(),
            Some(Stream::Gzip(gzip)) => gzip.flush(),
            Some(Stream::Zstd(zstd)) => zstd.flush(),
            None => Ok(()),
        }
    }
}

impl Stream {
    fn new(compression: Compression, hashing: HashingFile) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(hashing),
            Compression::Gzip => {
                Self::Gzip(GzEncoder::new(hashing, flate2::Compression::default()))
            }
            Compression::Zstd => {
                let mut zstd = zstd::Encoder::new(hashing, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                zstd.include_checksum(true)?;
                Self::Zstd(zstd)
            }
        })
    }
}
