//! Work on files, on a thread of its own.

use std::path::PathBuf;

use super::ExportError;

/// Disks can take their time, and Ctrl-C is to be heard meanwhile.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
) -> Result<T, ExportError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(ExportError::WriterPanicked(PathBuf::new())))
}
