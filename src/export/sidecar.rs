//! What stands beside a file: its manifest, or none, and none that is another's.

use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::publish::CommitFiles;
use super::{ExportError, ExportTarget, draft};
use crate::output::atomic_file::{self, AtomicFile, IfExists};

/// Dropping it leaves nothing behind.
#[derive(Debug, Default)]
pub struct Sidecar {
    manifest: Option<AtomicFile>,
    /// Manifests that the new file would not fit.
    stale: Vec<PathBuf>,
}

impl Sidecar {
    /// A stream has nothing beside it.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A manifest, beside the name that was given, where `verify` looks for it. One
    /// beside the file that a link of that name points to is the older file's.
    ///
    /// # Errors
    /// If it cannot be written, or one that is to be kept is there.
    pub fn manifest(
        given: &Path,
        target: &ExportTarget,
        existing: IfExists,
    ) -> Result<Self, ExportError> {
        let manifest = draft::create(&Manifest::path_of(given), existing)?;
        let mut stale = manifests(given, target);
        stale.retain(|path| *path != resolved(manifest.path()));
        let beside = Self {
            manifest: Some(manifest),
            stale,
        };
        beside.checked(existing)
    }

    /// No manifest, neither a new one nor the older file's.
    ///
    /// # Errors
    /// If one that is to be kept is there.
    pub fn no_manifest(
        given: &Path,
        target: &ExportTarget,
        existing: IfExists,
    ) -> Result<Self, ExportError> {
        let beside = Self {
            manifest: None,
            stale: manifests(given, target),
        };
        beside.checked(existing)
    }

    fn checked(self, existing: IfExists) -> Result<Self, ExportError> {
        match self.stale.iter().find(|path| atomic_file::is_there(path)) {
            Some(there) if existing == IfExists::Fail => {
                Err(ExportError::StaleManifest(there.clone()))
            }
            _ => Ok(self),
        }
    }

    /// What stands beside another name.
    pub(super) fn rename(&mut self, file: &Path) -> Result<(), ExportError> {
        let path = Manifest::path_of(file);
        self.stale.clear();
        let Some(manifest) = &mut self.manifest else {
            self.stale.push(path);
            return Ok(());
        };
        renamed(manifest, path)
    }

    /// Gives the file its name, and the manifest, if there is to be one.
    pub(super) fn publish(&self, file: &AtomicFile, record: &Manifest) -> Result<(), ExportError> {
        if let Some(manifest) = &self.manifest {
            record.write(manifest)?;
        }
        let publication = CommitFiles {
            file,
            manifest: self.manifest.as_ref(),
            stale: &self.stale,
        };
        publication.publish()
    }
}

/// Another name, if that is not taken.
pub(super) fn renamed(draft: &mut AtomicFile, path: PathBuf) -> Result<(), ExportError> {
    draft
        .rename(path.clone())
        .map_err(|_| ExportError::Exists(path))
}

/// Where the manifest of a file may be that is about to be replaced.
fn manifests(given: &Path, target: &ExportTarget) -> Vec<PathBuf> {
    let mut all = [given, target.path()]
        .map(|file| resolved(&Manifest::path_of(file)))
        .to_vec();
    all.dedup();
    all
}

/// The one name of a file that may not be there.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = atomic_file::folder(path).canonicalize();
        match (folder, path.file_name()) {
            (Ok(folder), Some(name)) => folder.join(name),
            _ => path.to_owned(),
        }
    })
}
