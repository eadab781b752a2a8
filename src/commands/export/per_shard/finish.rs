//! The end of an export with one file per shard: reports the outcome, moves a complete export into
//! place, and otherwise says whether `--resume` completes it.

use crate::commands::error::Error;
use crate::commands::export::ExportRequest;
use crate::commands::export::finish::FinishedRun;
use crate::exec::run_report::RunStatus;
use crate::export::ExportError;
use crate::export::dataset_dir::Folder;
use crate::export::per_shard::PerShard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::ResultSummary;

/// Reports the outcome, and moves the export into place if it is complete.
pub(super) async fn conclude(
    finished: &FinishedRun<'_>,
    parts: PerShard,
    folder: Folder,
    console: &mut Console,
) -> Result<Exit, Error> {
    let (manifest, trouble) = parts
        .finish(
            &finished.outcome,
            finished.columns.clone(),
            &finished.databases.so_far(),
        )
        .await;
    finished.say_notices(console);
    finished.say_what_is_missing(console);
    finished.say_drift(console);
    if let Some(error) = &trouble {
        console.error(error);
    }
    let mut exit = match finished.outcome.status {
        RunStatus::Interrupted => Exit::Interrupted,
        _ if trouble.is_some() => Exit::Failed,
        RunStatus::Completed if manifest.complete => Exit::Complete,
        RunStatus::Completed if manifest.shards_answered > 0 => Exit::Incomplete,
        _ => Exit::Failed,
    };
    if exit != Exit::Complete {
        match &trouble {
            // Resuming would be refused again.
            Some(ExportError::ResumeMismatch(_)) => {}
            Some(error) if error.is_of_the_statement() => {
                console.error(&to_be_changed(&finished.request, &folder));
            }
            _ => console.error(&incomplete(&finished.request, &folder)),
        }
    } else if let Err(error) = folder.settle(&manifest) {
        exit = Exit::Failed;
        console.error(&format!(
            "{error}\n\
             shardq: hint: {} now holds files of two exports; use --resume to complete the new \
             one",
            finished.request.args.output.output.display()
        ));
    }
    finished.say_timing(console);
    let extent = ResultSummary {
        origins: finished.selection.origins.clone(),
        keys: finished.selection.keys.clone(),
        ..manifest.extent()
    };
    console.summary(&finished.summary(extent, console).line());
    Ok(exit)
}

/// Ends a run that could not be retried. Its manifest exists already.
pub(super) fn abort(
    error: &Error,
    request: &ExportRequest<'_>,
    folder: &Folder,
    console: &mut Console,
) -> Exit {
    console.error(error);
    console.error(&incomplete(request, folder));
    error.exit()
}

/// An export that `--resume` cannot complete, since it would run the same statement.
fn to_be_changed(request: &ExportRequest<'_>, folder: &Folder) -> String {
    let path = request.args.output.output.display();
    let state = if folder.is_replacement() {
        "is unchanged"
    } else {
        "is not complete"
    };
    format!(
        "{path} {state}; change the statement as described above, and export again with --force"
    )
}

pub(super) fn incomplete(request: &ExportRequest<'_>, folder: &Folder) -> String {
    let path = request.args.output.output.display();
    if folder.is_replacement() {
        format!(
            "{path} is unchanged, because its replacement is not complete; use --resume to export \
             what is missing"
        )
    } else {
        format!("{path} is not complete; use --resume to export what is missing")
    }
}
