//! A folder with one file per shard. A new export is written straight into it; a replacement
//! is written into a hidden subfolder and moved into place part by part once it is complete.
//! Until then the older export stays untouched.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::folder_lock::{FolderLock, LOCK};
use super::manifest::Manifest;
use super::{ExportError, ExportFormat};
use crate::output::atomic_file::{self, IfExists, MARK, remove_abandoned};
use crate::output::open_file;
use crate::sharding::shard::Shard;

/// Dataset readers skip names that begin with a dot.
const REPLACEMENT: &str = ".shardq-replacement";

#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Where parts are written. Differs from `path` while an older export exists.
    at: PathBuf,
    /// Held until the export ends.
    _lock: FolderLock,
}

/// Relative to the folder. Dataset readers use the key as a column name.
pub fn part_name(key: &str, shard: Shard, kind: ExportFormat) -> String {
    format!("{key}={}/part.{kind}", escaped(shard.name()))
}

/// As Hive writes values into names of folders, and dataset readers decode them. Source:
/// `FileUtils.escapePathName`.
fn escaped(name: &str) -> String {
    let is_special = |c: char| c.is_ascii_control() || "\"#%'*/:=?\\{[]^".contains(c);
    let mut escaped = String::with_capacity(name.len());
    for c in name.chars() {
        if is_special(c) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{:02X}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether the key is safe as a folder name: readers skip names that begin with `.` or `_`,
/// and some decode `%`.
pub fn is_key(key: &str) -> bool {
    let is_odd = |c: char| r"/\=%".contains(c) || c.is_control();
    !key.is_empty() && !key.starts_with(['.', '_']) && !key.contains(is_odd)
}

impl Folder {
    /// For a new export.
    ///
    /// # Errors
    /// If the folder is not writable, or has content that must be kept.
    pub fn create(path: &Path, existing: IfExists) -> Result<Self, ExportError> {
        let lock = FolderLock::make(path)?;
        let in_path = failed(path);
        if existing == IfExists::Fail && !is_empty(path).map_err(&in_path)? {
            return Err(ExportError::FolderExists(path.to_owned()));
        }
        let replacement = path.join(REPLACEMENT);
        // Left by an aborted run.
        if atomic_file::is_there(&replacement) {
            fs::remove_dir_all(&replacement).map_err(failed(&replacement))?;
        }
        remove_stale_drafts(path).map_err(&in_path)?;
        let older = atomic_file::is_there(&Manifest::path_in(path))
            || !parts(path).map_err(in_path)?.is_empty();
        if older {
            fs::create_dir(&replacement).map_err(failed(&replacement))?;
        }
        Ok(Self::of(path, older, lock))
    }

    /// Reopens an interrupted export, with its manifest so far.
    ///
    /// # Errors
    /// If there is none, its manifest was modified, or another run holds the folder.
    pub fn resume(path: &Path) -> Result<(Self, Manifest), ExportError> {
        // Read again once locked: another run may complete the export in between.
        interrupted(path)?;
        let lock = FolderLock::take_over(path)?;
        remove_stale_drafts(path).map_err(failed(path))?;
        let (at, manifest) = interrupted(path)?;
        Ok((Self::of(path, at != path, lock), manifest))
    }

    fn of(path: &Path, replaces: bool, lock: FolderLock) -> Self {
        let at = if replaces {
            path.join(REPLACEMENT)
        } else {
            path.to_owned()
        };
        Self {
            path: path.to_owned(),
            at,
            _lock: lock,
        }
    }

    pub fn at(&self) -> &Path {
        &self.at
    }

    /// Whether the folder holds an older export, which stays until this one is complete.
    pub fn is_replacement(&self) -> bool {
        self.at != self.path
    }

    /// Moves a complete export over the older one. The manifest comes last: if the run is killed
    /// before, the old manifest no longer matches the files, and `verify` reports that.
    pub fn settle(self, manifest: &Manifest) -> Result<(), ExportError> {
        if !self.is_replacement() {
            return Ok(());
        }
        let files = manifest
            .shards
            .iter()
            .filter_map(|shard| shard.file.as_ref());
        let names: BTreeSet<_> = files.map(|file| PathBuf::from(&file.name)).collect();
        for stale in parts(&self.path).map_err(failed(&self.path))? {
            if !names.contains(&stale) {
                remove(&self.path.join(&stale))?;
            }
        }
        for name in &names {
            let part = self.path.join(name);
            let written = self.at.join(name);
            let moved = open_file::is_folder(&atomic_file::folder(&written))
                .and_then(|()| open_file::make_folder(&atomic_file::folder(&part)))
                .and_then(|()| fs::rename(&written, &part))
                .and_then(|()| sync_folder_of(&part));
            moved.map_err(failed(&part))?;
        }
        let manifest = Manifest::path_in(&self.path);
        fs::rename(Manifest::path_in(&self.at), &manifest)
            .and_then(|()| sync_folder_of(&manifest))
            .and_then(|()| fs::remove_dir_all(&self.at))
            .map_err(failed(&manifest))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_replacement() {
            // Fails if not empty: the files are kept for --resume.
            let _ = fs::remove_dir(&self.at);
        }
    }
}

/// Where an interrupted export is in a folder, with its manifest. It may also be complete.
///
/// # Errors
/// If there is none, or its manifest was modified.
pub fn interrupted(path: &Path) -> Result<(PathBuf, Manifest), ExportError> {
    let replacement = path.join(REPLACEMENT);
    if atomic_file::is_there(&replacement) {
        open_file::is_folder(&replacement).map_err(failed(&replacement))?;
    }
    let there = [replacement, path.to_owned()]
        .into_iter()
        .find(|at| atomic_file::is_there(&Manifest::path_in(at)));
    let at = there.ok_or_else(|| ExportError::NothingToResume(path.to_owned()))?;
    let manifest = Manifest::read(&Manifest::path_in(&at))?;
    Ok((at, manifest))
}

/// Ignores the folder lock.
fn is_empty(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if entry?.file_name() != LOCK {
            return Ok(false);
        }
    }
    Ok(true)
}

fn failed(file: &Path) -> impl Fn(io::Error) -> ExportError {
    let file = file.to_owned();
    move |source| ExportError::File {
        file: file.clone(),
        source,
    }
}

/// A new name is durable only once its parent folder is synced.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(atomic_file::folder(path))?.sync_all()
}

/// Removes a part, and its shard's folder if that is then empty.
fn remove(part: &Path) -> Result<(), ExportError> {
    fs::remove_file(part).map_err(failed(part))?;
    let _ = fs::remove_dir(atomic_file::folder(part));
    Ok(())
}

/// Files that a reader of `FOLDER/*/*.parquet` (or another format) would find, but that are
/// not listed.
pub fn untracked_files(folder: &Path, listed: &BTreeSet<PathBuf>) -> io::Result<Vec<PathBuf>> {
    let mut unlisted = Vec::new();
    for inner in visible(folder)? {
        let names = match visible(&folder.join(&inner)) {
            // A file, or a dangling link.
            Err(error)
                if [io::ErrorKind::NotADirectory, io::ErrorKind::NotFound]
                    .contains(&error.kind()) =>
            {
                continue;
            }
            names => names?,
        };
        let data = names.into_iter().map(|name| inner.join(name));
        unlisted
            .extend(data.filter(|name| ExportFormat::of(name).is_some() && !listed.contains(name)));
    }
    unlisted.sort();
    Ok(unlisted)
}

/// Names in a folder that do not begin with a dot.
fn visible(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(PathBuf::from(entry?.file_name())));
    names
        .filter(|name| {
            let hidden = |name: &PathBuf| name.as_os_str().as_encoded_bytes().starts_with(b".");
            !name.as_ref().is_ok_and(hidden)
        })
        .collect()
}

/// Removes the temporary files of killed runs, and the folders made for them.
fn remove_stale_drafts(folder: &Path) -> io::Result<()> {
    remove_abandoned(folder, &format!("._manifest.json{MARK}").into());
    for name in shard_folders(folder)? {
        let inner = folder.join(name);
        let leads = fs::read_dir(&inner)?.filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let end = name.find(MARK)? + MARK.len();
            name.starts_with(".part.").then(|| name[..end].to_owned())
        });
        for lead in leads.collect::<BTreeSet<_>>() {
            remove_abandoned(&inner, &lead.into());
            // Fails if not empty.
            let _ = fs::remove_dir(&inner);
        }
    }
    Ok(())
}

/// The parts of an export in a folder, whatever its shards and format.
fn parts(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut parts = Vec::new();
    for name in shard_folders(folder)? {
        let names = ExportFormat::names()
            .into_iter()
            .map(|kind| format!("part.{kind}"));
        let there = |part: &PathBuf| atomic_file::is_there(&folder.join(part));
        parts.extend(names.map(|part| name.join(part)).filter(there));
    }
    Ok(parts)
}

/// The shards' folders. Links are skipped: nothing outside this folder may be removed.
fn shard_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let key = name.to_str().and_then(|name| name.split_once('='));
        if key.is_some() && open_file::is_folder(&folder.join(&name)).is_ok() {
            names.push(name.into());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_folder() {
        let part = |name| part_name("shard", Shard::named(name), ExportFormat::CSV);
        assert_eq!(part("shard_30"), "shard=shard_30/part.csv");
        assert_eq!(part("a/../b=%"), "shard=a%2F..%2Fb%3D%25/part.csv");
        assert_eq!(part("żółw 1.x"), "shard=żółw 1.x/part.csv");
    }
}
