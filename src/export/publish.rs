//! Publishes a file and its manifest together: both, or neither.
//!
//! Two exports to one target take turns, so that the file of one never ends up next to the
//! manifest of the other. Each step can be rolled back until the last one is done.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::ExportError;
use crate::output::atomic_file::{self, AtomicFile, IfExists};
use crate::output::open_file;

/// The steps take milliseconds; if the folder is locked for longer, another program holds it.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct CommitFiles<'a> {
    pub file: &'a AtomicFile,
    pub manifest: Option<&'a AtomicFile>,
    /// Manifests that do not match the new file.
    pub stale: &'a [PathBuf],
}

impl CommitFiles<'_> {
    /// # Errors
    /// If any step fails. The steps before it are then rolled back; if that fails too, the error
    /// is [`ExportError::PartiallyCommitted`].
    pub fn publish(&self) -> Result<(), ExportError> {
        let at = self.file.path();
        self.file.sync().map_err(failed(at))?;
        let turn = DirectoryLock::of(&atomic_file::folder(at));
        self.change()?;
        drop(turn);
        let names = self.manifest.map(AtomicFile::path).into_iter().chain([at]);
        for name in names {
            atomic_file::sync_folder_of(name).map_err(|source| {
                ExportError::DirectorySyncFailed {
                    file: at.to_owned(),
                    source,
                }
            })?;
        }
        Ok(())
    }

    fn change(&self) -> Result<(), ExportError> {
        let neighbors = self.manifest.map(AtomicFile::path).into_iter();
        let mut neighbors = neighbors.chain(self.stale.iter().map(PathBuf::as_path));
        if self.file.existing() == IfExists::Fail
            && let Some(there) = neighbors.find(|path| atomic_file::is_there(path))
        {
            return Err(ExportError::CreatedConcurrently(there.to_owned()));
        }
        // The manifest comes last: whoever waits for it finds both.
        let steps = [Step::Place(self.file)]
            .into_iter()
            .chain(self.stale.iter().map(|path| Step::Remove(path)))
            .chain(self.manifest.map(Step::Place));
        let mut done = Vec::new();
        for step in steps {
            let before = Backup::at(step.path());
            match step.take() {
                Ok(()) => done.push((step, before)),
                Err(error) => return Err(taken_back(done, error)),
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Place(&'a AtomicFile),
    Remove(&'a Path),
}

impl Step<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::Place(draft) => draft.path(),
            Self::Remove(path) => path,
        }
    }

    fn take(&self) -> Result<(), ExportError> {
        let taken = match self {
            Self::Place(draft) => draft.place(),
            Self::Remove(path) => match fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
        };
        taken.map_err(failed(self.path()))
    }

    fn take_back(&self, before: Backup) -> io::Result<()> {
        match (self, before) {
            (_, Backup::Saved(older)) => older.put_back(),
            (_, Backup::Unavailable) => Err(io::Error::other("no backup could be made")),
            (Self::Place(draft), Backup::None) => draft.take_back(),
            (Self::Remove(_), Backup::None) => Ok(()),
        }
    }
}

/// What was at a path before a step.
enum Backup {
    None,
    Saved(BackupFile),
    /// Some file systems have no hard links.
    Unavailable,
}

impl Backup {
    fn at(path: &Path) -> Self {
        match BackupFile::of(path) {
            Ok(older) => Self::Saved(older),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::None,
            Err(_) => Self::Unavailable,
        }
    }
}

/// An older file, kept under a hidden name until its replacement is complete.
struct BackupFile {
    path: PathBuf,
    hidden: PathBuf,
    /// Holds a lock, so that another run does not remove it as abandoned.
    _file: io::Result<File>,
}

impl BackupFile {
    fn of(path: &Path) -> io::Result<Self> {
        let file = open_file::open_for_lock(path);
        if let Ok(file) = &file {
            let _ = file.try_lock();
        }
        let hidden = atomic_file::hidden_name(path)?;
        fs::hard_link(path, &hidden)?;
        Ok(Self {
            path: path.to_owned(),
            hidden,
            _file: file,
        })
    }

    fn put_back(&self) -> io::Result<()> {
        fs::rename(&self.hidden, &self.path)
    }
}

impl Drop for BackupFile {
    fn drop(&mut self) {
        // Already gone if it was restored.
        let _ = fs::remove_file(&self.hidden);
    }
}

fn taken_back(done: Vec<(Step, Backup)>, error: ExportError) -> ExportError {
    for (step, before) in done.into_iter().rev() {
        if let Err(source) = step.take_back(before) {
            return ExportError::PartiallyCommitted {
                cause: Box::new(error),
                file: step.path().to_owned(),
                source,
            };
        }
    }
    error
}

fn failed(file: &Path) -> impl Fn(io::Error) -> ExportError {
    let file = file.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::AlreadyExists => ExportError::CreatedConcurrently(file.clone()),
        _ => ExportError::File {
            file: file.clone(),
            source,
        },
    }
}

/// Keeps other exports from publishing in this folder. Proceeds without a lock where folders
/// cannot be locked, or when one is locked for long.
struct DirectoryLock(#[allow(dead_code, reason = "holds the lock")] Option<File>);

impl DirectoryLock {
    fn of(folder: &Path) -> Self {
        let Ok(folder) = File::open(folder) else {
            return Self(None);
        };
        let began = Instant::now();
        while let Err(TryLockError::WouldBlock) = folder.try_lock() {
            if began.elapsed() > PATIENCE {
                return Self(None);
            }
            thread::sleep(Duration::from_millis(2));
        }
        Self(Some(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Barrier;

    /// Each thread writes its number to both files.
    #[test]
    fn many_that_publish_at_the_same_moment_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let [file, manifest] =
            ["a.csv", "a.csv.manifest.json"].map(|name| folder.path().join(name));
        let start = Barrier::new(4);
        for round in 0..300 {
            thread::scope(|scope| {
                for n in 0..4 {
                    let (file, manifest, start) = (&file, &manifest, &start);
                    scope.spawn(move || {
                        let draft = |path| {
                            let draft = AtomicFile::create(path, IfExists::Replace).unwrap();
                            write!(draft.file().unwrap(), "{n}").unwrap();
                            draft
                        };
                        let publication = CommitFiles {
                            file: &draft(file),
                            manifest: Some(&draft(manifest)),
                            stale: &[],
                        };
                        start.wait();
                        publication.publish().unwrap();
                    });
                }
            });
            let both = [&file, &manifest].map(|path| fs::read_to_string(path).unwrap());
            assert_eq!(both[0], both[1], "round {round}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
