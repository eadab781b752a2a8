//! Where an export goes: a file that is whole or absent, or a stream.

use std::fs::{self, File};
use std::io::{self, Seek as _};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::ExportError;
use super::blocking::blocking;
use super::draft::{self, not_drafted};
use crate::output::atomic_file::{AtomicFile, IfExists};
use crate::output::open_file;

/// Open for writing. Dropping it leaves no file behind.
#[derive(Debug)]
pub enum ExportTarget {
    File(AtomicFile),
    /// Standard output, a pipe or a device: what is written is written.
    Stream {
        path: PathBuf,
        file: File,
    },
}

impl ExportTarget {
    /// A file that is to be.
    ///
    /// # Errors
    /// If nothing can be written there: better said before the shards are asked.
    pub fn open(path: &Path, existing: IfExists) -> Result<Self, ExportError> {
        let draft = AtomicFile::create(path, existing).map_err(not_drafted(path))?;
        Ok(Self::File(draft))
    }

    /// One that nobody has named, in the folder of an export.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn part(path: &Path) -> Result<Self, ExportError> {
        draft::create(path, IfExists::Replace).map(Self::File)
    }

    /// What [`Self::is_stream_path`]; `-` is standard output. A pipe waits for its
    /// reader.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub async fn stream(path: &Path) -> Result<Self, ExportError> {
        let path = path.to_owned();
        let open = move || {
            let file = if path == Path::new("-") {
                let output = io::stdout().as_fd().try_clone_to_owned();
                output.map(File::from)
            } else {
                open_file::stream(&path)
            };
            match file {
                Ok(file) => Ok(Self::Stream { path, file }),
                Err(source) => Err(ExportError::File { file: path, source }),
            }
        };
        blocking(open).await
    }

    /// Standard output, a pipe, a device.
    pub fn is_stream_path(path: &Path) -> bool {
        let there = fs::metadata(path);
        path == Path::new("-") || there.is_ok_and(|there| !there.is_file() && !there.is_dir())
    }

    pub fn path(&self) -> &Path {
        match self {
            Self::File(draft) => draft.path(),
            Self::Stream { path, .. } => path,
        }
    }

    pub fn is_stream(&self) -> bool {
        matches!(self, Self::Stream { .. })
    }

    /// Empties it, to be written again.
    pub(super) fn rewind(&self) -> Result<(), ExportError> {
        let Self::File(draft) = self else {
            return Ok(());
        };
        let rewound = draft.file().and_then(|mut file| {
            file.set_len(0)?;
            file.rewind()
        });
        rewound.map_err(|source| self.failed(source))
    }

    /// Waits until all of it is on the disk.
    pub(super) fn sync(&self) -> Result<(), ExportError> {
        match self {
            Self::File(draft) => draft.sync().map_err(|source| self.failed(source)),
            Self::Stream { .. } => Ok(()),
        }
    }

    fn failed(&self, source: io::Error) -> ExportError {
        ExportError::File {
            file: self.path().to_owned(),
            source,
        }
    }

    /// To write to.
    pub(super) fn file(&self) -> Result<File, ExportError> {
        match self {
            Self::File(draft) => draft.file(),
            Self::Stream { file, .. } => file.try_clone(),
        }
        .map_err(|source| self.failed(source))
    }
}
