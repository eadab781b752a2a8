//! `shardq export --global`: the result of a global query in a file that is complete or absent.
//! `request` says what the flags mean here, `finish` ends the export.

mod finish;
mod request;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::finish::or_cancelled;
use super::{ExportRequest, NEW_SNAPSHOT, column_types, target};
use crate::commands::error::Error;
use crate::commands::federate::Via;
use crate::commands::global::{self, GlobalAttempt, StartResult};
use crate::commands::interruptible;
use crate::commands::setup;
use crate::exec::driver::{self, OnShardError};
use crate::exec::merge::MergeMode;
use crate::exec::run_report::RunStatus;
use crate::export::OneFile;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use finish::FinishedRun;

pub(super) async fn run(
    request: &ExportRequest<'_>,
    via: Option<&Via>,
    console: &mut Console,
) -> Result<Exit, Error> {
    let ExportRequest { args, kind, .. } = *request;
    request::check(args)?;
    let plan = request::plan(request.plan);
    let question = global::GlobalRequest {
        global: &args.global,
        shards: &args.shards,
        connections: args.run.connections,
        targets: request.targets,
        preferred: &args.connection.prefer,
        plan: &plan,
        interrupt: request.interrupt,
        via,
    };
    if args.global.explain || args.run.dry_run {
        return match global::explain(&question, console).await? {
            Some(text) => setup::print(text, request.interrupt).await,
            None => Ok(Exit::Interrupted),
        };
    }
    let opened = target::open(&args.output, request.interrupt).await?;
    let Some((mut target, mut sidecar)) = opened else {
        return Ok(Exit::Interrupted);
    };
    if target.is_terminal() {
        console.progress_line().end();
    }
    let mut attempt = GlobalAttempt::first(&args.global);
    loop {
        attempt.attempts.begin()?;
        let began = Timestamp::now();
        let locking = attempt.attempts.plan(&plan);
        let question = global::GlobalRequest {
            plan: &locking,
            ..question
        };
        let Some(prepared) = global::prepare(&question, &attempt, console).await? else {
            return Ok(Exit::Interrupted);
        };
        let servers = prepared.databases.servers();
        let work = prepared.databases.server_info(&[]);
        let Some(server_info) =
            interruptible::run_in_all(&servers, request.interrupt, work).await?
        else {
            return Ok(Exit::Interrupted);
        };
        let databases = prepared.databases.infos.clone();
        let running = match prepared.start(&question, console).await? {
            StartResult::Started(running) => *running,
            other => match attempt.not_started(other, NEW_SNAPSHOT, console)? {
                Some(exit) => return Ok(exit),
                None => continue,
            },
        };
        // No progress estimate: there is only one statement.
        let mut file = OneFile::start(
            target,
            sidecar,
            kind,
            request::encoder(request, &server_info),
            MergeMode::IN_ORDER.restart,
            BTreeMap::new(),
        )?;
        let (started, policy) = (running.started, OnShardError::Stop);
        let driving = driver::drive_open(started, &mut file, console, request.interrupt, policy);
        let (mut outcome, heard) = driving.await?;
        if let Some(locked) = running.locked {
            locked.close().await;
        }
        if outcome.status != RunStatus::Retry {
            let columns = column_types::of_result(request, heard, &mut outcome).await;
            let finished = FinishedRun {
                request,
                plan,
                execution: running.execution,
                selection: running.selection,
                scope: running.scope,
                snapshots: running.snapshots,
                parts: running.parts,
                server_info,
                databases,
                began,
                outcome,
                columns,
            };
            let is_stream = file.is_stream();
            let conclusion = finish::conclude(finished, file, console);
            return if is_stream {
                or_cancelled(conclusion, request.interrupt).await
            } else {
                conclusion.await
            };
        }
        (target, sidecar) = file.reset().await?;
        attempt
            .attempts
            .retry(outcome.rewritten, NEW_SNAPSHOT, console);
    }
}
