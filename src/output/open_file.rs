//! Opens files that someone else may have put there: a link to one of the user's files, a pipe
//! without a writer, or a device without an end.
//!
//! The file type is checked before opening, because opening alone has effects on some devices,
//! and again afterwards, because the name may have changed. In between, the open flags prevent
//! blocking, and in [`open_for_lock`] also following links.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// On a folder: only a file's owner may remove or rename it.
const STICKY: u32 = 0o1000;
const WRITABLE_BY_ALL: u32 = 0o002;

/// For reading. Follows links. Reads cannot block forever.
///
/// # Errors
/// If it is not a regular file.
pub fn to_read(path: &Path) -> io::Result<File> {
    regular(&fs::metadata(path)?)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags(OFlags::NONBLOCK | OFlags::NOCTTY))
        .open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// For locking. Opened for writing, because some systems lock only such files; if that is not
/// permitted, for reading. Removing a file needs neither, but finding out whether it is locked
/// does.
///
/// # Errors
/// If it is not a regular file; links are not followed.
pub fn open_for_lock(path: &Path) -> io::Result<File> {
    regular(&fs::symlink_metadata(path)?)?;
    let unfollowed = flags(OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY);
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(unfollowed);
    let both = options.clone().write(true).open(path);
    let file = both.or_else(|_| options.open(path))?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// A pipe or a device, for writing. Opening a pipe waits for its reader.
///
/// # Errors
/// If it has become a regular file, which would be partly overwritten.
pub fn stream(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).open(path)?;
    if file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a regular file has replaced a pipe or device",
        ));
    }
    Ok(file)
}

/// # Errors
/// If it is not a regular file; the message names its type.
pub fn regular(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    if kind.is_file() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{}, not a regular file", name_of(kind)),
    ))
}

fn name_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Whether a link's target may be written. Linux has the same rule (`protected_symlinks`) for
/// opening through a link, but not for `readlink`.
///
/// # Errors
/// If anyone may have put it there: another user's link in a folder such as `/tmp`.
pub fn may_follow(link: &Path, folder: &Path) -> io::Result<()> {
    let owner = fs::symlink_metadata(link)?.uid();
    let folder = fs::metadata(folder)?;
    let anybodys = STICKY | WRITABLE_BY_ALL;
    let trusted = [rustix::process::geteuid().as_raw(), folder.uid()];
    if folder.mode() & anybodys == anybodys && !trusted.contains(&owner) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "a symbolic link owned by another user in a world-writable directory; it is not \
             followed",
        ));
    }
    Ok(())
}

/// Creates a folder inside an export's folder, if it does not exist.
///
/// # Errors
/// If it cannot be created, or is a link, through which files would end up elsewhere.
pub fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => is_folder(path),
        made => made,
    }
}

/// # Errors
/// If it is not a folder; a link to one is not.
pub fn is_folder(path: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_dir() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "{}, not a directory of the export; remove it, or export to another directory",
            name_of(kind)
        ),
    ))
}

fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};

    #[test]
    fn only_regular_files_are_read_and_only_their_own_names_are_locked() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| folder.path().join(name));
        fs::write(&file, "text").unwrap();
        symlink(&file, &link).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();

        assert!(to_read(&file).is_ok() && to_read(&link).is_ok());
        assert!(open_for_lock(&file).is_ok());
        let said = |opened: io::Result<File>| opened.unwrap_err().to_string();
        assert_eq!(said(to_read(&pipe)), "a pipe, not a regular file");
        assert_eq!(said(open_for_lock(&pipe)), "a pipe, not a regular file");
        assert_eq!(
            said(open_for_lock(&link)),
            "a symbolic link, not a regular file"
        );
        let device = Path::new("/dev/zero");
        assert_eq!(said(to_read(device)), "a device, not a regular file");
        assert_eq!(
            said(to_read(folder.path())),
            "a directory, not a regular file"
        );
    }

    #[test]
    #[allow(clippy::print_stdout, reason = "reports why a test is skipped")]
    fn in_a_folder_of_everybodys_only_ones_own_links_are_followed() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root can give a link to another user");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("anywhere", &link).unwrap();
        let set = |mode| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        };
        set(0o1777);
        assert!(may_follow(&link, folder.path()).is_ok());
        lchown(&link, Some(65534), None).unwrap();
        let refused = may_follow(&link, folder.path()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        set(0o755);
        assert!(may_follow(&link, folder.path()).is_ok());
    }
}
