//! A folder is one run's for as long as the run lasts: two that write into it
//! would leave a mixture, and each be content.
//!
//! The claim is a lock on a hidden file in the folder, whatever part of the folder
//! the run writes to. The system lets go of it when a run is killed; the file that
//! stays behind then says nothing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{ExportError, manifest_builder};
use crate::output::atomic_file::same_inode;
use crate::output::open_file;

/// Readers of such folders skip names that begin with a dot.
pub const LOCK: &str = ".shardq-lock";

/// More than this is not what we wrote.
const LONGEST_TEXT: u64 = 500;

/// Dropping it gives the folder back, and removes it if this run made it and
/// nothing is in it.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    /// The folders that were not there, from the innermost on.
    made: Vec<PathBuf>,
    /// Holds the lock.
    _file: File,
}

impl FolderLock {
    /// Claims a folder that is made if it is not there.
    ///
    /// # Errors
    /// If another run has it, or nothing can be written there.
    pub fn make(folder: &Path) -> Result<Self, ExportError> {
        loop {
            let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
            let missing = folder.ancestors().take_while(is_missing);
            let made = missing.map(Path::to_owned).collect();
            fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
            match Self::take(folder) {
                Ok(file) => return Ok(Self::of(folder, made, file)),
                // Whose it was has removed it in between.
                Err(ExportError::File { source, .. })
                    if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Claims a folder that is there.
    ///
    /// # Errors
    /// If another run has it, or nothing can be written there.
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
            // Only a file that this run has made is written to: one that is there may
            // be another name of any file of ours.
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
            // Another may have taken it for a leftover, and removes it.
            let lock = file.try_lock();
            if !matches!(lock, Err(TryLockError::WouldBlock)) && same_inode(&path, &file) {
                // On a full disk it is claimed as well, by nobody knows whom.
                let _ = file.write_all(introduction().as_bytes());
                return Ok(file);
            }
        }
    }

    /// Removes what a killed run left. Some network file systems know no locks: there,
    /// nothing can be claimed.
    fn take_away(folder: &Path, path: &Path) -> Result<(), ExportError> {
        let file = match open_file::open_for_lock(path) {
            // Whose it was has removed it in between.
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
        // While it is locked: afterwards it may be another run's.
        let _ = fs::remove_file(self.folder.join(LOCK));
        for folder in &self.made {
            // Stays if anything is in it.
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

/// As it introduced itself, unless it is just about to or could not.
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
        let claim = FolderLock::make(&folder).unwrap();
        let refused = FolderLock::make(&folder).unwrap_err().to_string();
        let own = format!("process {}", std::process::id());
        assert!(refused.contains(&own), "{refused}");
        drop(claim);
        assert!(!outer.path().join("a").exists());

        let claim = FolderLock::make(&folder).unwrap();
        fs::write(folder.join("mine"), "").unwrap();
        drop(claim);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        // What a killed run left is locked by nobody.
        fs::write(folder.join(LOCK), "process 1").unwrap();
        drop(FolderLock::take_over(&folder).unwrap());
        assert!(!folder.join(LOCK).exists());
    }
}
