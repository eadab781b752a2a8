//! `shardq export`: one statement in every shard, one file that is complete or absent.

mod column_types;
mod finish;
mod global;
mod per_shard;
mod request;
mod start;
mod target;

use jiff::Timestamp;

use crate::cli::export::ExportArgs;
use crate::commands::attempt::Attempts;
use crate::commands::error::Error;
use crate::commands::federate::{Via, servers_or_hub};
use crate::commands::{databases, setup};
use crate::exec::driver;
use crate::exec::run_report::RunStatus;
use crate::export::OneFile;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use finish::FinishedRun;
use request::ExportRequest;
use start::{ExportStarted, ShardSelection};

const NEW_SNAPSHOT: &str = "nothing written yet: retrying at a new snapshot";

pub async fn run(mut args: ExportArgs) -> Result<Exit, Error> {
    args.shards.layout.substitute(&args.statement.variables)?;
    let mut console = Console::new(args.run.quiet).with_periodic_log();
    let kind = request::kind(&args.output)?;
    let plan = request::plan(&args, kind)?;
    console.start_clock();
    let layout = &args.shards.layout;
    let via = Via::of(args.global.via.as_deref(), &args.connection, layout)?;
    let servers = servers_or_hub(via.as_ref(), &args.connection)?;
    let interrupt = setup::listen()?;
    setup::say_warnings(&servers, &mut console);
    let (patterns, layout) = (&args.shards.layout.patterns.databases, args.shards.layout());
    let snapshots = args.connection.snapshots.as_ref();
    let targets = databases::targets(&servers, patterns, &layout, snapshots, &interrupt);
    let Some(targets) = targets.await? else {
        return Ok(Exit::Interrupted);
    };
    let request = ExportRequest {
        args: &args,
        kind,
        settings: &servers[0],
        targets: &targets,
        plan: &plan,
        interrupt: &interrupt,
    };
    // Boxed because the futures are large.
    if args.global.global {
        Box::pin(global::run(&request, via.as_ref(), &mut console)).await
    } else if args.run.dry_run {
        start::dry_run(&request, &mut console).await
    } else if args.output.per_shard {
        Box::pin(per_shard::run(&request, &mut console)).await
    } else {
        Box::pin(one_file(&request, &mut console)).await
    }
}

async fn one_file(request: &ExportRequest<'_>, console: &mut Console) -> Result<Exit, Error> {
    let interrupt = request.interrupt;
    let Some((mut target, mut sidecar)) = target::open(&request.args.output, interrupt).await?
    else {
        return Ok(Exit::Interrupted);
    };
    if target.is_terminal() {
        console.progress_line().end();
    }
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let plan = attempts.plan(request.plan);
        let request = &ExportRequest {
            plan: &plan,
            ..*request
        };
        let began = Timestamp::now();
        let merge_mode = OneFile::merge_mode(&target, request.kind, request.args.output.order);
        let mut all = ShardSelection {
            merge_mode,
            pick: &mut Ok,
        };
        let underway = start::start(request, attempts.connect, console, &mut all).await?;
        let Some(ExportStarted {
            started,
            plan,
            server_info,
            databases,
            selection,
            scope,
            ..
        }) = underway
        else {
            return Ok(Exit::Interrupted);
        };
        let mut file = OneFile::start(
            target,
            sidecar,
            request.kind,
            request.encoder(&server_info),
            merge_mode.restart,
            server_info.shard_rows.clone(),
        )?;
        let driving =
            driver::drive_open(started, &mut file, console, interrupt, request.policy()).await?;
        let (mut outcome, heard) = driving;
        if outcome.status != RunStatus::Retry {
            let columns = column_types::of_result(request, heard, &mut outcome).await;
            let finished = FinishedRun {
                request: *request,
                plan,
                server_info,
                databases,
                selection,
                scope,
                began,
                outcome,
                columns,
            };
            let is_stream = file.is_stream();
            let conclusion = finish::conclude(finished, file, console);
            return if is_stream {
                Box::pin(finish::or_cancelled(conclusion, interrupt)).await
            } else {
                conclusion.await
            };
        }
        (target, sidecar) = file.reset().await?;
        attempts.retry(outcome.rewritten, NEW_SNAPSHOT, console);
    }
}
