//! Where an export goes: a file that is complete or absent, or a stream.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Seek as _};
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
    /// Standard output, a pipe or a device. Writes cannot be rolled back.
    Stream {
        path: PathBuf,
        file: File,
    },
}

impl ExportTarget {
    /// A new file.
    ///
    /// # Errors
    /// If it cannot be created. Found out here, before any shard is queried.
    pub fn open(path: &Path, existing: IfExists) -> Result<Self, ExportError> {
        let draft = AtomicFile::create(path, existing).map_err(not_drafted(path))?;
        Ok(Self::File(draft))
    }

    /// A part in a dataset folder. The user did not name its path, so a link is not followed.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub(super) fn part(path: &Path) -> Result<Self, ExportError> {
        draft::create(path, IfExists::Replace).map(Self::File)
    }

    /// For a path for which [`Self::is_stream_path`] holds; `-` is standard output. Opening a
    /// pipe waits for its reader.
    ///
    /// # Errors
    /// If it cannot be opened for writing.
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

    /// Whether the path is standard output, a pipe or a device.
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

    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Stream { file, .. } if file.is_terminal())
    }

    pub fn is_stream(&self) -> bool {
        matches!(self, Self::Stream { .. })
    }

    /// Truncates the file for another attempt.
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

    /// Waits until the data is on disk.
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

    /// A second handle, for the writer.
    pub(super) fn file(&self) -> Result<File, ExportError> {
        match self {
            Self::File(draft) => draft.file(),
            Self::Stream { file, .. } => file.try_clone(),
        }
        .map_err(|source| self.failed(source))
    }
}
