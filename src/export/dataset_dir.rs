//! A folder with one file a shard. A new export is written into it; one that
//! replaces another is written into a hidden folder in it, and takes its place part
//! by part when all of it is there. Until then the older one stays as it was.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::folder_lock::{FolderLock, LOCK};
use super::manifest::Manifest;
use super::{ExportError, ExportFormat};
use crate::output::atomic_file::{self, IfExists, MARK, remove_abandoned};
use crate::output::open_file;
use crate::sharding::shard::Shard;

/// Readers of such folders skip names that begin with a dot.
const REPLACEMENT: &str = ".shardq-replacement";

/// Where the parts of an export go.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Where they are written. Another than `path` while there is an older export.
    at: PathBuf,
    /// Nobody else's, until all is done.
    _claim: FolderLock,
}

/// Below the folder. Readers take the key for the name of a column.
pub fn part_name(key: &str, shard: Shard, kind: ExportFormat) -> String {
    format!("{key}={shard}/part.{kind}")
}

/// Whether folders can have this key, and all readers see it as it is: they skip names
/// that begin with `.` or `_`, and some read `%` as an escape.
pub fn is_key(key: &str) -> bool {
    let is_odd = |c: char| r"/\=%".contains(c) || c.is_control();
    !key.is_empty() && !key.starts_with(['.', '_']) && !key.contains(is_odd)
}

impl Folder {
    /// For a new export.
    ///
    /// # Errors
    /// If nothing can be written there, or what is there is to be kept.
    pub fn create(path: &Path, existing: IfExists) -> Result<Self, ExportError> {
        let claim = FolderLock::make(path)?;
        let in_path = failed(path);
        if existing == IfExists::Fail && !is_empty(path).map_err(&in_path)? {
            return Err(ExportError::FolderExists(path.to_owned()));
        }
        let replacement = path.join(REPLACEMENT);
        // Of a run that was given up.
        if atomic_file::is_there(&replacement) {
            fs::remove_dir_all(&replacement).map_err(failed(&replacement))?;
        }
        remove_stale_drafts(path).map_err(&in_path)?;
        let older = atomic_file::is_there(&Manifest::path_in(path))
            || !parts(path).map_err(in_path)?.is_empty();
        if older {
            fs::create_dir(&replacement).map_err(failed(&replacement))?;
        }
        Ok(Self::of(path, older, claim))
    }

    /// For an export that goes on, and what its manifest says so far.
    ///
    /// # Errors
    /// If there is none, or not as it was written, or another run has it.
    pub fn resume(path: &Path) -> Result<(Self, Manifest), ExportError> {
        // Another may bring one to its end meanwhile, so once more when it is ours.
        interrupted(path)?;
        let claim = FolderLock::take_over(path)?;
        remove_stale_drafts(path).map_err(failed(path))?;
        let (at, manifest) = interrupted(path)?;
        Ok((Self::of(path, at != path, claim), manifest))
    }

    fn of(path: &Path, replaces: bool, claim: FolderLock) -> Self {
        let at = if replaces {
            path.join(REPLACEMENT)
        } else {
            path.to_owned()
        };
        Self {
            path: path.to_owned(),
            at,
            _claim: claim,
        }
    }

    pub fn at(&self) -> &Path {
        &self.at
    }

    /// Whether an older export is in it, which stays until this one is complete.
    pub fn is_replacement(&self) -> bool {
        self.at != self.path
    }

    /// Puts a complete export in the place of the older one. The manifest comes
    /// last: one of a run that is killed in between does not fit what is there, and
    /// `verify` says so.
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
            // Stays if anything is in it, for --resume.
            let _ = fs::remove_dir(&self.at);
        }
    }
}

/// Where the export is that was interrupted in a folder, and its manifest. It may
/// be complete as well.
///
/// # Errors
/// If there is none, or not as it was written.
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

/// But for the claim on it.
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

/// A name is on the disk only when its folder is.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(atomic_file::folder(path))?.sync_all()
}

/// A part, and the folder of its shard, which stays if something else is in it.
fn remove(part: &Path) -> Result<(), ExportError> {
    fs::remove_file(part).map_err(failed(part))?;
    let _ = fs::remove_dir(atomic_file::folder(part));
    Ok(())
}

/// What a reader of `FOLDER/*/*.parquet`, or of another format, would find besides
/// what is listed.
pub fn untracked_files(folder: &Path, listed: &BTreeSet<PathBuf>) -> io::Result<Vec<PathBuf>> {
    let mut unlisted = Vec::new();
    for inner in visible(folder)? {
        let names = match visible(&folder.join(&inner)) {
            // A file, or a link to nothing.
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

/// The names in a folder that do not begin with a dot.
fn visible(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(PathBuf::from(entry?.file_name())));
    names
        .filter(|name| {
            let hidden = |name: &PathBuf| name.as_os_str().as_encoded_bytes().starts_with(b".");
            !name.as_ref().is_ok_and(hidden)
        })
        .collect()
}

/// Removes what killed runs were writing, and the folders that they made for it.
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
            // Stays if anything is in it.
            let _ = fs::remove_dir(&inner);
        }
    }
    Ok(())
}

/// The parts of an export in a folder, whatever shards and format it had.
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

/// The names of the folders that parts are in. What a link leads to is not of this
/// folder, and nothing is removed there.
fn shard_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let key = name.to_str().and_then(|name| name.split_once('='));
        let shard = key.and_then(|(_, shard)| Shard::from_schema(shard));
        if shard.is_some() && open_file::is_folder(&folder.join(&name)).is_ok() {
            names.push(name.into());
        }
    }
    Ok(names)
}
