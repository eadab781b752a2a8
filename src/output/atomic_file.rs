//! A file that is complete or absent: written under a temporary name next to its own, and
//! renamed once it is on disk.
//!
//! The writer holds a lock on its temporary file. A file that a killed run left is recognized
//! by its released lock, not by a process id, which may have been reused.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::io::Errno;

use crate::output::open_file;

/// Part of every temporary name, after a dot and the final name.
pub const MARK: &str = ".shardq-";

/// Linux's own limit.
const MOST_LINKS: u32 = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfExists {
    Fail,
    Replace,
}

/// A file under its temporary name. Dropping it removes that, unless it was published.
#[derive(Debug)]
pub struct AtomicFile {
    temporary: PathBuf,
    path: PathBuf,
    existing: IfExists,
    /// The replaced file's, so that whoever could not read that cannot read the new one. Until it
    /// is published, mode 0600 lets its owner lock and remove it, whatever these are.
    permissions: Option<Permissions>,
    /// Holds the lock.
    file: File,
}

impl AtomicFile {
    /// Creates a temporary file for a path, and removes those that killed runs left next to it.
    ///
    /// # Errors
    /// If the folder is not writable, or a file exists that must be kept.
    pub fn create(path: &Path, existing: IfExists) -> io::Result<Self> {
        if names_a_folder(path) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // A link stays a link: its target is replaced.
        Self::begin(&resolve_symlinks(path)?, existing)
    }

    /// Like [`Self::create`], for a name that the user did not type. Whoever put a link there may
    /// have pointed it at any of the user's files, so the link is replaced, not its target.
    ///
    /// # Errors
    /// See [`Self::create`].
    pub fn create_unfollowed(path: &Path, existing: IfExists) -> io::Result<Self> {
        Self::begin(path, existing)
    }

    fn begin(path: &Path, existing: IfExists) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let older = fs::symlink_metadata(path).ok();
        match &older {
            Some(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Some(_) if existing == IfExists::Fail => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            _ => {}
        }
        let permissions = older
            .filter(Metadata::is_file)
            // Without setuid and the like, which applied to the older file's owner.
            .map(|older| Permissions::from_mode(older.mode() & 0o777));
        remove_abandoned(&folder(path), &lead(name));
        loop {
            let temporary = hidden_name(path)?;
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            if permissions.is_some() {
                options.mode(0o600);
            }
            let file = match options.open(&temporary) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            if !is_own(&temporary, &file) {
                continue;
            }
            return Ok(Self {
                temporary,
                path: path.to_owned(),
                existing,
                permissions,
                file,
            });
        }
    }

    /// A second handle, for writing.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Changes the final name within the same folder, unless a file there must be kept.
    pub fn rename(&mut self, path: PathBuf) -> io::Result<()> {
        if self.existing == IfExists::Fail && is_there(&path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.path = path;
        Ok(())
    }

    /// Waits until the data is on disk. I/O errors surface here.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Syncs the file and renames it into place.
    pub fn publish(self) -> io::Result<()> {
        self.sync()?;
        self.place()?;
        sync_folder_of(&self.path)
    }

    /// Renames the file into place. If that fails, nothing has changed.
    pub fn place(&self) -> io::Result<()> {
        if let Some(permissions) = &self.permissions {
            self.file.set_permissions(permissions.clone())?;
        }
        match self.existing {
            IfExists::Replace => fs::rename(&self.temporary, &self.path),
            // Unlike a rename, a hard link does not replace a file created meanwhile. Dropping this
            // removes the temporary name.
            IfExists::Fail => match fs::hard_link(&self.temporary, &self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                // Some file systems have no hard links.
                Err(_) if is_there(&self.path) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => fs::rename(&self.temporary, &self.path),
                Ok(()) => Ok(()),
            },
        }
    }

    /// Removes the file again, unless the name belongs to another file by now.
    pub fn take_back(&self) -> io::Result<()> {
        if same_inode(&self.path, &self.file) {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }

    pub fn existing(&self) -> IfExists {
        self.existing
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // Already gone if it was published.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Whether the path ends like a folder, existing or not. [`Path`] ignores that.
fn names_a_folder(path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    path.ends_with(b"/") || path.ends_with(b"/.")
}

/// Follows links. The last may be dangling: like a shell's `>`, this creates its target.
///
/// # Errors
/// If links form a loop, or one belongs to another user: see [`open_file::may_follow`].
fn resolve_symlinks(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(to) = fs::read_link(&at) else {
            return Ok(fs::canonicalize(&at).unwrap_or(at));
        };
        let folder = folder(&at);
        open_file::may_follow(&at, &folder)?;
        at = folder.join(to);
    }
    Err(Errno::LOOP.into())
}

/// The folder that contains a path.
pub fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A new name is durable only once its folder is synced. Folders that are writable but not
/// readable cannot be synced, nor can folders on some file systems.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let Ok(folder) = File::open(folder(path)) else {
        return Ok(());
    };
    match folder.sync_all().map_err(|error| (error.kind(), error)) {
        Err((io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported, _)) | Ok(()) => Ok(()),
        Err((_, error)) => Err(error),
    }
}

/// Whether the name exists, even as a dangling link.
pub fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The prefix of the hidden names for a file.
fn lead(name: &OsStr) -> OsString {
    let mut lead = OsString::from(".");
    lead.push(name);
    lead.push(MARK);
    lead
}

/// A hidden name next to a path, for the duration of this run. If the run is killed, the next
/// one removes the file, unless it is locked.
pub fn hidden_name(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = now.map_or(0, |now| now.subsec_nanos());
    let mut hidden = lead(name);
    hidden.push(format!("{}-{nanoseconds:x}", std::process::id()));
    Ok(path.with_file_name(hidden))
}

/// Locks a file that was just created. `false` if another run has taken it for abandoned: that
/// run locks it too, and then removes it.
fn is_own(path: &Path, file: &File) -> bool {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => false,
        // Some network file systems have no locks. Abandoned files cannot be recognized there,
        // and none are removed.
        Ok(()) | Err(TryLockError::Error(_)) => same_inode(path, file),
    }
}

/// Whether the path still names this file.
pub fn same_inode(path: &Path, file: &File) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(there), Ok(ours)) => (there.dev(), there.ino()) == (ours.dev(), ours.ino()),
        _ => false,
    }
}

/// Removes the temporary files of killed runs, by prefix.
pub fn remove_abandoned(folder: &Path, lead: &OsString) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(lead.as_encoded_bytes()) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = open_file::open_for_lock(&path) else {
            continue;
        };
        // Stays locked until it is removed: its writer may be about to lock it.
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_it_is_published_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let draft = AtomicFile::create(&path, IfExists::Fail).unwrap();
        draft.file().unwrap().write_all(b"all of it").unwrap();
        assert!(!path.exists());
        draft.publish().unwrap();
        assert_eq!(names(folder.path()), ["a.csv"]);
        assert_eq!(fs::read(&path).unwrap(), b"all of it");
        drop(AtomicFile::create(&path, IfExists::Replace).unwrap());
        assert_eq!(names(folder.path()), ["a.csv"]);
    }

    #[test]
    fn a_file_that_came_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let draft = AtomicFile::create(&path, IfExists::Fail).unwrap();
        fs::write(&path, "mine").unwrap();
        let error = draft.publish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        assert_eq!(names(folder.path()), ["a.csv"]);
    }

    #[test]
    fn what_another_run_is_about_to_remove_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".a.csv.shardq-1-2");
        let made = File::create(&path).unwrap();
        let remover = File::open(&path).unwrap();
        remover.try_lock().unwrap();
        assert!(!is_own(&path, &made), "it is locked, and not removed yet");
        fs::remove_file(&path).unwrap();
        drop(remover);
        assert!(!is_own(&path, &made), "it is removed");
        fs::write(&path, "another's").unwrap();
        assert!(!is_own(&path, &made), "another has the name");
    }

    /// Each one removes what it takes for abandoned when it starts.
    #[test]
    fn many_that_start_at_once_leave_each_other_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let draft = AtomicFile::create(&path, IfExists::Replace).unwrap();
                        draft.publish().unwrap();
                    }
                });
            }
        });
        assert_eq!(names(folder.path()), ["a.csv"]);
    }

    #[test]
    fn what_is_locked_is_alive_and_what_is_not_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(folder.path().join(".a.csv.shardq-1-2"), "half").unwrap();
        fs::write(folder.path().join(".b.csv.shardq-1-2"), "not ours").unwrap();
        let alive = AtomicFile::create(&path, IfExists::Fail).unwrap();
        let other = AtomicFile::create(&path, IfExists::Fail).unwrap();
        assert_eq!(names(folder.path()).len(), 3, "{:?}", names(folder.path()));
        drop((alive, other));
        assert_eq!(names(folder.path()), [".b.csv.shardq-1-2"]);
    }
}
