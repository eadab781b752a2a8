//! A folder belongs to one run at a time: two that write into it would leave a mixture, and
//! neither would notice.
//!
//! The lock is on a hidden file in the folder, whichever part of the folder the run writes
//! to. The kernel releases it when a run is killed; the file that is left behind is harmless.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{ExportError, manifest_builder};
use crate::output::atomic_file::same_inode;
use crate::output::open_file;

/// Dataset readers skip names that begin with a dot.
pub const LOCK: &str = ".shardq-lock";

/// More bytes than this were not written by shardq.
const LONGEST_TEXT: u64 = 500;

/// Dropping it unlocks the folder, and removes it if this run created it and it is empty.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    /// Folders that this run created, innermost first.
    made: Vec<PathBuf>,
    /// Holds the lock.
    _file: File,
}

impl FolderLock {
    /// Locks a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// If another run holds it, or it is not writable.
    pub fn make(folder: &Path) -> Result<Self, ExportError> {
        loop {
            let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
            let missing = folder.ancestors().take_while(is_missing);
            let made = missing.map(Path::to_owned).collect();
            fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
            match Self::take(folder) {
                Ok(file) => return Ok(Self::of(folder, made, file)),
                // The run that held it has just removed the folder.
                Err(ExportError::File { source, .. })
                    if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Locks an existing folder.
    ///
    /// # Errors
    /// If another run holds it, or it is not writable.
    pub fn take_over(folder: &Path) -> Result<Self, ExportError> {
        Ok(Self::of(folder, Vec::new(), Self::take(folder)?))
    }

    fn of(folder: &Path, made: Vec<PathBuf>, file: File) -> Self {
        Self {
            folder: folder.to_owned(),
            made,
            _file: file,
        }
    }

    fn take(folder: &Path) -> Result<File, ExportError> {
        let path = folder.join(LOCK);
        loop {
            // Only write to a file that this call created: an existing one may be a hard link to
            // any of the user's files.
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            let mut file = match options.open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Self::take_away(folder, &path)?;
                    continue;
                }
                Err(source) => return Err(failed(&path, source)),
            };
            // Another run may have taken it for a leftover and removed it.
            let lock = file.try_lock();
            if !matches!(lock, Err(TryLockError::WouldBlock)) && same_inode(&path, &file) {
                // On a full disk it is locked all the same, just without the owner's name.
                let _ = file.write_all(introduction().as_bytes());
                return Ok(file);
            }
        }
    }

    /// Removes what a killed run left. Fails on network file systems that have no locks.
    fn take_away(folder: &Path, path: &Path) -> Result<(), ExportError> {
        let file = match open_file::open_for_lock(path) {
            // The run that held it has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|source| ExportError::Lock {
                file: path.to_owned(),
                source,
            })?,
        };
        let lock = file.try_lock();
        if !same_inode(path, &file) {
            return Ok(());
        }
        match lock {
            Err(TryLockError::WouldBlock) => Err(ExportError::InUse {
                folder: folder.to_owned(),
                who: who(file),
            }),
            Ok(()) | Err(TryLockError::Error(_)) => {
                fs::remove_file(path).map_err(|source| failed(path, source))
            }
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Before unlocking: afterwards it may belong to another run.
        let _ = fs::remove_file(self.folder.join(LOCK));
        for folder in &self.made {
            // Fails if not empty.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// `process 4711 on db-tools, since 2026-01-31T12:00:00.000Z`
fn introduction() -> String {
    let host = whoami::hostname().map_or(String::new(), |host| format!(" on {host}"));
    let since = manifest_builder::time(Timestamp::now());
    format!("process {}{host}, since {since}\n", std::process::id())
}

/// The owner's introduction, which is missing if it was not written yet or could not be.
fn who(file: File) -> String {
    let mut text = String::new();
    match file.take(LONGEST_TEXT).read_to_string(&mut text) {
        Ok(1..) => text.trim_end().to_owned(),
        _ => "unknown process".to_owned(),
    }
}

fn failed(file: &Path, source: io::Error) -> ExportError {
    ExportError::File {
        file: file.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_runs_until_dropped_and_a_folder_of_its_own_making_goes_with_it() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/b");
        let lock = FolderLock::make(&folder).unwrap();
        let refused = FolderLock::make(&folder).unwrap_err().to_string();
        let own = format!("process {}", std::process::id());
        assert!(refused.contains(&own), "{refused}");
        drop(lock);
        assert!(!outer.path().join("a").exists());

        let lock = FolderLock::make(&folder).unwrap();
        fs::write(folder.join("mine"), "").unwrap();
        drop(lock);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        // The file of a killed run is not locked.
        fs::write(folder.join(LOCK), "process 1").unwrap();
        drop(FolderLock::take_over(&folder).unwrap());
        assert!(!folder.join(LOCK).exists());
    }
}
