//! Runs blocking file operations on a separate thread.

use std::path::PathBuf;

use super::ExportError;

/// Disks can be slow, and Ctrl-C must be handled meanwhile.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
) -> Result<T, ExportError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(ExportError::WriterPanicked(PathBuf::new())))
}
