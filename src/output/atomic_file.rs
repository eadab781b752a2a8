//! A file that is whole or absent: written under a temporary name beside its
//! own, which it gets when all of it is on the disk.
//!
//! A draft is locked for as long as its writer lives. What a killed run left is
//! therefore known by its lock, which the system has let go, and not by a
//! process number, which somebody else may have by now.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::io::Errno;

use crate::output::open_file;

/// In the name of every draft, behind a dot and the name that it is to get.
pub const MARK: &str = ".shardq-";

/// As many as Linux follows.
const MOST_LINKS: u32 = 40;

/// What to do about a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfExists {
    Fail,
    Replace,
}

/// The temporary name. Removed when dropped, unless it was published.
#[derive(Debug)]
pub struct AtomicFile {
    temporary: PathBuf,
    path: PathBuf,
    existing: IfExists,
    /// The older file's: who could not read that does not read the new one. Until it
    /// has its name it is its owner's alone, who can lock and remove it then, whatever
    /// they are.
    permissions: Option<Permissions>,
    /// Holds the lock.
    file: File,
}

impl AtomicFile {
    /// Opens a draft for a path, and removes what killed runs left beside it.
    ///
    /// # Errors
    /// If nothing can be written there, or a file that is to be kept is there.
    pub fn create(path: &Path, existing: IfExists) -> io::Result<Self> {
        if names_a_folder(path) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // A link stays one: what it points to gets the result.
        Self::begin(&resolve_symlinks(path)?, existing)
    }

    /// The same for a name that nobody has typed. Whoever put a link there may have
    /// meant any file of ours: the link is replaced, and what it points to stays.
    ///
    /// # Errors
    /// As [`Self::create`].
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
            // Not setuid and the like: that was about the older file's owner.
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

    /// To write to.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it another name in the same folder, if there is nothing to be kept.
    pub fn rename(&mut self, path: PathBuf) -> io::Result<()> {
        if self.existing == IfExists::Fail && is_there(&path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.path = path;
        Ok(())
    }

    /// Waits until all of it is on the disk: what can fail fails here.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Gives the file its name, once it is on the disk.
    pub fn publish(self) -> io::Result<()> {
        self.sync()?;
        self.place()?;
        sync_folder_of(&self.path)
    }

    /// Gives the file its name. If that fails, nothing has changed.
    pub fn place(&self) -> io::Result<()> {
        if let Some(permissions) = &self.permissions {
            self.file.set_permissions(permissions.clone())?;
        }
        match self.existing {
            IfExists::Replace => fs::rename(&self.temporary, &self.path),
            // A link, unlike a rename, does not replace what has come meanwhile. The
            // other name goes with the draft.
            IfExists::Fail => match fs::hard_link(&self.temporary, &self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                // Some file systems know no links.
                Err(_) if is_there(&self.path) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => fs::rename(&self.temporary, &self.path),
                Ok(()) => Ok(()),
            },
        }
    }

    /// Takes the name away again, unless somebody else's file has it by now.
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
        // Gone already if it was published.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Whether its end says so, be it there or not. [`Path`] takes no notice of that.
fn names_a_folder(path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    path.ends_with(b"/") || path.ends_with(b"/.")
}

/// Where links lead to, the last of which may lead to nothing yet: a shell's `>`
/// makes a file there.
///
/// # Errors
/// If they lead in a circle, or another user has put one there.
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

/// The folder that a path is in.
pub fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A name is on the disk only when its folder is. There are folders that one may
/// write to and not read, and file systems that know no such thing.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let Ok(folder) = File::open(folder(path)) else {
        return Ok(());
    };
    match folder.sync_all().map_err(|error| (error.kind(), error)) {
        Err((io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported, _)) | Ok(()) => Ok(()),
        Err((_, error)) => Err(error),
    }
}

/// Whether anything has the name, be it a link that leads nowhere.
pub fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// How the hidden names begin that belong to a name.
fn lead(name: &OsStr) -> OsString {
    let mut lead = OsString::from(".");
    lead.push(name);
    lead.push(MARK);
    lead
}

/// A name beside a path's own, for as long as this run takes. If it is killed, what
/// has that name is removed by the next, unless somebody has locked it.
pub fn hidden_name(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = now.map_or(0, |now| now.subsec_nanos());
    let mut hidden = lead(name);
    hidden.push(format!("{}-{nanoseconds:x}", std::process::id()));
    Ok(path.with_file_name(hidden))
}

/// Locks a file that was made a moment ago, unless another run has taken it for
/// abandoned: that one locks it too, and then removes it.
fn is_own(path: &Path, file: &File) -> bool {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => false,
        // Some network file systems know no locks. Then nothing tells what is
        // abandoned, and nothing is removed.
        Ok(()) | Err(TryLockError::Error(_)) => same_inode(path, file),
    }
}

/// Whether a path is still the name of this file.
pub fn same_inode(path: &Path, file: &File) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(there), Ok(ours)) => (there.dev(), there.ino()) == (ours.dev(), ours.ino()),
        _ => false,
    }
}

/// Removes the drafts that killed runs left, by how their names begin.
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
        // Locked until it is removed: its writer may be about to lock it.
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

    /// Each start of one removes what it takes for abandoned of the others.
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
