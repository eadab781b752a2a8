//! The manifest next to an exported file, and the removal of manifests of the file it replaces.

use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::publish::CommitFiles;
use super::{ExportError, ExportTarget, draft};
use crate::output::atomic_file::{self, AtomicFile, IfExists};

/// Dropping it before it is published leaves nothing behind.
#[derive(Debug, Default)]
pub struct Sidecar {
    manifest: Option<AtomicFile>,
    /// Manifests of the replaced file, which would not match the new one.
    stale: Vec<PathBuf>,
}

impl Sidecar {
    /// For streams, which have no manifest.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A manifest next to the path as given, where `verify` looks for it. If that path is a link,
    /// a manifest next to the link's target describes the older file.
    ///
    /// # Errors
    /// If it cannot be written, or one exists that must be kept.
    pub fn manifest(
        given: &Path,
        target: &ExportTarget,
        existing: IfExists,
    ) -> Result<Self, ExportError> {
        let manifest = draft::create(&Manifest::path_of(given), existing)?;
        let mut stale = manifests(given, target);
        stale.retain(|path| *path != resolved(manifest.path()));
        let sidecar = Self {
            manifest: Some(manifest),
            stale,
        };
        sidecar.checked(existing)
    }

    /// Writes no manifest, and removes the older file's.
    ///
    /// # Errors
    /// If one exists that must be kept.
    pub fn no_manifest(
        given: &Path,
        target: &ExportTarget,
        existing: IfExists,
    ) -> Result<Self, ExportError> {
        let sidecar = Self {
            manifest: None,
            stale: manifests(given, target),
        };
        sidecar.checked(existing)
    }

    fn checked(self, existing: IfExists) -> Result<Self, ExportError> {
        match self.stale.iter().find(|path| atomic_file::is_there(path)) {
            Some(there) if existing == IfExists::Fail => {
                Err(ExportError::StaleManifest(there.clone()))
            }
            _ => Ok(self),
        }
    }

    pub(super) fn rename(&mut self, file: &Path) -> Result<(), ExportError> {
        let path = Manifest::path_of(file);
        self.stale.clear();
        let Some(manifest) = &mut self.manifest else {
            self.stale.push(path);
            return Ok(());
        };
        renamed(manifest, path)
    }

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

/// # Errors
/// [`ExportError::Exists`] if the new name is taken.
pub(super) fn renamed(draft: &mut AtomicFile, path: PathBuf) -> Result<(), ExportError> {
    draft
        .rename(path.clone())
        .map_err(|_| ExportError::Exists(path))
}

/// Where a manifest of the file that is about to be replaced may be.
fn manifests(given: &Path, target: &ExportTarget) -> Vec<PathBuf> {
    let mut all = [given, target.path()]
        .map(|file| resolved(&Manifest::path_of(file)))
        .to_vec();
    all.dedup();
    all
}

/// Like `canonicalize`, but also for a file that does not exist.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = atomic_file::folder(path).canonicalize();
        match (folder, path.file_name()) {
            (Ok(folder), Some(name)) => folder.join(name),
            _ => path.to_owned(),
        }
    })
}
