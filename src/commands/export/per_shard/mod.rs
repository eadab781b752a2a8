//! `shardq export --per-shard`: one file per shard, and `--resume` after an interruption. `finish`
//! ends the run.

mod finish;

use std::time::Duration;

use jiff::Timestamp;

use super::start::{self, ExportStarted, ShardSelection};
use super::{ExportRequest, NEW_SNAPSHOT, column_types};
use crate::cli::export::ExportOutputArgs;
use crate::commands::attempt::Attempts;
use crate::commands::error::Error;
use crate::commands::export::finish::FinishedRun;
use crate::commands::session_setup::ConnectRetry;
use crate::exec::driver::{self, OnShardError, Run};
use crate::exec::merge::{MergeMode, Order, Restart};
use crate::exec::run_report::{RunReport, RunStatus};
use crate::export::ExportError;
use crate::export::dataset_dir::Folder;
use crate::export::manifest::Manifest;
use crate::export::per_shard::{FileEncoding, PerShard};
use crate::export::resume::{self, PreviousExport, Users};
use crate::output::atomic_file::IfExists;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use finish::{abort, conclude, incomplete};

pub async fn run(request: &ExportRequest<'_>, console: &mut Console) -> Result<Exit, Error> {
    let (folder, earlier) = open(&request.args.output)?;
    let interrupt = request.interrupt;
    let earlier = tokio::select! {
        earlier = verify_previous(earlier, &folder, console) => earlier?,
        () = interrupt.requested() => return Ok(Exit::Interrupted),
    };
    let mut attempts = Attempts::new();
    while attempts.begin().is_ok() {
        let plan = attempts.plan(request.plan);
        let request = &ExportRequest {
            plan: &plan,
            ..*request
        };
        let begun = begin(
            request,
            attempts.connect,
            earlier.as_ref(),
            &folder,
            console,
        )
        .await;
        let (started, mut finished, mut parts) = match begun {
            Ok(Some(begun)) => begun,
            Ok(None) if attempts.is_first() => return Ok(Exit::Interrupted),
            Ok(None) => {
                console.error(&incomplete(request, &folder));
                return Ok(Exit::Interrupted);
            }
            Err(error) if attempts.is_first() => return Err(error),
            Err(error) => return Ok(abort(&error, request, &folder, console)),
        };
        let policy = OnShardError::Continue;
        let driving = driver::drive_open(started, &mut parts, console, interrupt, policy).await?;
        let (mut outcome, open) = driving;
        if outcome.status != RunStatus::Retry {
            let types = parts.column_types(&outcome);
            finished.columns = column_types::declared(open, &types, &mut outcome, interrupt).await;
            finished.outcome = outcome;
            return tokio::select! {
                biased;
                exit = conclude(&finished, parts, folder, console) => exit,
                () = async {
                    interrupt.requested().await;
                    // Complete files are still published, but that is bounded.
                    tokio::time::sleep(Duration::from_secs(10)).await;
                } => Ok(Exit::Interrupted),
            };
        }
        parts.abandon().await;
        attempts.retry(outcome.rewritten, NEW_SNAPSHOT, console);
    }
    Ok(abort(&Attempts::error(), request, &folder, console))
}

/// Creates the folder, or opens the one to resume. Before connecting.
fn open(args: &ExportOutputArgs) -> Result<(Folder, Option<Manifest>), ExportError> {
    if args.resume {
        let (folder, earlier) = Folder::resume(&args.output)?;
        return Ok((folder, Some(earlier)));
    }
    let existing = if args.force {
        IfExists::Replace
    } else {
        IfExists::Fail
    };
    Ok((Folder::create(&args.output, existing)?, None))
}

/// Checks which files of an earlier export can stay. Before connecting: it reads all of them, and a
/// snapshot should not be held meanwhile.
async fn verify_previous(
    earlier: Option<Manifest>,
    folder: &Folder,
    console: &mut Console,
) -> Result<Option<PreviousExport>, ExportError> {
    let Some(manifest) = earlier else {
        return Ok(None);
    };
    let earlier = PreviousExport::examine(manifest, folder.at()).await?;
    for file in &earlier.changed {
        console.warning(&format!(
            "{}: changed since it was exported; exporting it again",
            file.display()
        ));
    }
    Ok(Some(earlier))
}

/// Starts the workers, after writing a manifest that announces the run. `None` if interrupted.
async fn begin<'a>(
    request: &ExportRequest<'a>,
    connect_retry: ConnectRetry,
    earlier: Option<&PreviousExport>,
    folder: &Folder,
    console: &mut Console,
) -> Result<Option<(Run, FinishedRun<'a>, PerShard)>, Error> {
    let began = Timestamp::now();
    // The shards are known only after the preflight; the remaining ones are queried.
    let (mut all, mut left) = (Vec::new(), Vec::new());
    let mut chosen = ShardSelection {
        merge_mode: MergeMode {
            order: Order::Arrival,
            restart: Restart::WhileIncomplete,
        },
        pick: &mut |shards: Vec<Shard>| {
            left = match earlier {
                Some(earlier) => earlier.left(&shards),
                None => shards.clone(),
            };
            all = shards;
            Ok(left.clone())
        },
    };
    let underway = start::start(request, connect_retry, console, &mut chosen).await?;
    let Some(ExportStarted {
        started,
        plan,
        types,
        server_info,
        databases,
        selection,
        scope,
    }) = underway
    else {
        return Ok(None);
    };
    let finished = FinishedRun {
        request: *request,
        plan,
        server_info,
        databases,
        selection,
        scope,
        began,
        outcome: RunReport::new(all.len()),
        columns: Ok(Vec::new()),
    };
    let now = finished.particulars().manifest();
    let manifest = match earlier {
        Some(earlier) => earlier.resumed(&now, &all, &left, users(&request.args.output))?,
        None => resume::announced(now, &all),
    };
    let parts = PerShard::start(
        folder.at(),
        request.args.output.folder_key(),
        &all,
        FileEncoding {
            kind: request.kind,
            text: request.encoder(&finished.server_info),
            types,
        },
        finished.server_info.shard_rows.clone(),
        manifest,
    )?;
    Ok(Some((started, finished, parts)))
}

fn users(args: &ExportOutputArgs) -> Users {
    if args.force { Users::Any } else { Users::Same }
}
