//! Temporary files of an export, created next to the target and renamed when complete.

use std::io;
use std::path::Path;

use super::ExportError;
use crate::output::atomic_file::{AtomicFile, IfExists};

/// For a companion of the target, such as its manifest. The user did not name this path, so a
/// link there is not followed.
pub fn create(path: &Path, existing: IfExists) -> Result<AtomicFile, ExportError> {
    AtomicFile::create_unfollowed(path, existing).map_err(not_drafted(path))
}

pub(super) fn not_drafted(path: &Path) -> impl Fn(io::Error) -> ExportError {
    move |source| match source.kind() {
        io::ErrorKind::AlreadyExists => ExportError::Exists(path.to_owned()),
        _ => ExportError::File {
            file: path.to_owned(),
            source,
        },
    }
}

pub(super) fn publish(draft: AtomicFile) -> Result<(), ExportError> {
    let file = draft.path().to_owned();
    draft.publish().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => ExportError::CreatedConcurrently(file),
        _ => ExportError::File { file, source },
    })
}
