//! Checks whether an export still matches its manifest: bytes, row counts, and rows per shard.
//! First that the manifest does not contradict itself, then each file (`file`), then that a folder
//! holds no other files.

mod error;
mod file;
mod hashing;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::export::dataset_dir::untracked_files;
use crate::export::manifest::{Manifest, NOT_YET};
use crate::terminal::summary::ResultSummary;

pub use error::VerifyError;
use file::check;
pub use hashing::matches_digest;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub manifest: Manifest,
    pub extent: ResultSummary,
    pub bytes: u64,
}

/// Checks a file, or a folder with one file per shard.
///
/// # Errors
/// The first mismatch.
pub fn verify(path: &Path) -> Result<Verified, VerifyError> {
    // First, so that a mistyped name is not reported as a missing manifest.
    let there = fs::metadata(path).map_err(|source| VerifyError::File {
        file: path.to_owned(),
        source,
    })?;
    let (manifest_path, folder) = if there.is_dir() {
        (Manifest::path_in(path), path.to_owned())
    } else {
        (
            Manifest::path_of(path),
            crate::output::atomic_file::folder(path),
        )
    };
    let manifest = Manifest::read(&manifest_path)?;
    validate_manifest(&manifest, &manifest_path)?;
    let (extent, mut bytes) = (manifest.extent(), 0);
    if let Some(file) = &manifest.file {
        // By its current name: it may have been renamed along with its manifest.
        let shards = manifest
            .shards
            .iter()
            .map(|shard| (shard.shard.clone(), shard.rows))
            .collect();
        check(path, &manifest, file, manifest.rows, &shards)?;
        bytes = file.bytes;
    }
    for shard in &manifest.shards {
        if let Some(file) = &shard.file {
            let none = BTreeMap::new();
            check(&folder.join(&file.name), &manifest, file, shard.rows, &none)?;
            bytes += file.bytes;
        }
    }
    if there.is_dir() {
        check_untracked(path, &manifest)?;
    }
    Ok(Verified {
        manifest,
        extent,
        bytes,
    })
}

/// Readers of a dataset folder read every file in it.
fn check_untracked(folder: &Path, manifest: &Manifest) -> Result<(), VerifyError> {
    let files = manifest
        .shards
        .iter()
        .filter_map(|shard| shard.file.as_ref());
    let listed = files.map(|file| PathBuf::from(&file.name)).collect();
    let files = untracked_files(folder, &listed).map_err(|source| VerifyError::File {
        file: folder.to_owned(),
        source,
    })?;
    if files.is_empty() {
        return Ok(());
    }
    Err(VerifyError::Unlisted {
        folder: folder.to_owned(),
        files,
    })
}

fn validate_manifest(manifest: &Manifest, file: &Path) -> Result<(), VerifyError> {
    let contradiction = |what: &str| VerifyError::Contradiction {
        file: file.to_owned(),
        what: what.to_owned(),
    };
    if manifest.global && !manifest.shards.is_empty() {
        return Err(contradiction(
            "its rows belong to no shard, but it lists shards",
        ));
    }
    let rows: u64 = manifest.shards.iter().map(|shard| shard.rows).sum();
    if rows != manifest.rows && !manifest.global {
        return Err(contradiction("the rows of its shards do not add up"));
    }
    if manifest.shards.len() != manifest.shards_answered && !manifest.global {
        return Err(contradiction("it does not list every shard that answered"));
    }
    if manifest.shards_answered + manifest.missing.len() != manifest.shards_expected {
        return Err(contradiction(
            "some shards are listed neither as answered nor as missing",
        ));
    }
    if manifest.missing.iter().any(|shard| shard.error == NOT_YET) {
        return Err(VerifyError::Unfinished {
            file: file.to_owned(),
            answered: manifest.shards_answered,
            expected: manifest.shards_expected,
        });
    }
    Ok(())
}
