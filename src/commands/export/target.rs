//! The file that an export writes, and what stands beside it: open before anything
//! is asked, so that what cannot be written is said first.

use std::path::Path;

use crate::cli::export::ExportOutputArgs;
use crate::commands::error::Error;
use crate::exec::cancel::Interrupt;
use crate::export::manifest::Manifest;
use crate::export::{Beside, ExportError, Kind, Target};
use crate::output::atomic_file::{self, Existing};

/// `None` if interrupted.
pub async fn open(
    args: &ExportOutputArgs,
    interrupt: &Interrupt,
) -> Result<Option<(Target, Beside)>, Error> {
    let path = args.output.as_path();
    if Target::names_a_stream(path) {
        let stream = tokio::select! {
            stream = Target::stream(path) => stream?,
            // A pipe opens when somebody reads it, which may be never.
            () = interrupt.requested() => return Ok(None),
        };
        return Ok(Some((stream, Beside::nothing())));
    }
    let existing = if args.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    if args.allow_partial && existing == Existing::Keep {
        is_free(&Kind::partial(path))?;
    }
    let target = Target::open(path, existing)?;
    let beside = if args.no_manifest {
        Beside::no_manifest(path, &target, existing)?
    } else {
        Beside::manifest(path, &target, existing)?
    };
    Ok(Some((target, beside)))
}

/// The other name that the file may get.
fn is_free(partial: &Path) -> Result<(), ExportError> {
    for path in [partial, &Manifest::path_of(partial)] {
        if atomic_file::is_there(path) {
            return Err(ExportError::Exists(path.to_owned()));
        }
    }
    Ok(())
}
