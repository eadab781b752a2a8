//! The file that an export writes, and its sidecar. Opened before connecting, so that an unwritable
//! path is reported first.

use std::path::Path;

use crate::cli::export::ExportOutputArgs;
use crate::commands::error::Error;
use crate::exec::cancel::Interrupt;
use crate::export::manifest::Manifest;
use crate::export::{ExportError, ExportFormat, ExportTarget, Sidecar};
use crate::output::atomic_file::{self, IfExists};

/// `None` if interrupted.
pub async fn open(
    args: &ExportOutputArgs,
    interrupt: &Interrupt,
) -> Result<Option<(ExportTarget, Sidecar)>, Error> {
    let path = args.output.as_path();
    if ExportTarget::is_stream_path(path) {
        let stream = tokio::select! {
            stream = ExportTarget::stream(path) => stream?,
            // Opening a pipe waits for its reader, possibly forever.
            () = interrupt.requested() => return Ok(None),
        };
        return Ok(Some((stream, Sidecar::nothing())));
    }
    let existing = if args.force {
        IfExists::Replace
    } else {
        IfExists::Fail
    };
    if args.allow_partial && existing == IfExists::Fail {
        is_free(&ExportFormat::partial(path))?;
    }
    let target = ExportTarget::open(path, existing)?;
    let sidecar = if args.no_manifest {
        Sidecar::no_manifest(path, &target, existing)?
    } else {
        Sidecar::manifest(path, &target, existing)?
    };
    Ok(Some((target, sidecar)))
}

/// The name of a partial file.
fn is_free(partial: &Path) -> Result<(), ExportError> {
    for path in [partial, &Manifest::path_of(partial)] {
        if atomic_file::is_there(path) {
            return Err(ExportError::Exists(path.to_owned()));
        }
    }
    Ok(())
}
