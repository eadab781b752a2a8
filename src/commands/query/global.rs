//! `shardq query --global`: one answer, as if all shards were one database.

use super::ended::{self, Ended, ReaderEnd};
use super::output::Output;
use super::request::{self, NEW_SNAPSHOT, QueryRequest};
use crate::cli::query::QueryArgs;
use crate::commands::error::Error;
use crate::commands::global::failure::failure;
use crate::commands::global::flags;
use crate::commands::global::{self, GlobalAttempt, GlobalRequest, StartResult};
use crate::exec::driver::{self, OnShardError};
use crate::exec::fanout::ShardStats;
use crate::exec::run_report::{RunReport, RunStatus};
use crate::global::ExecutionPlan;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{ResultSummary, Scope, SnapshotCount, Summary};

pub(super) async fn run(
    request: QueryRequest<'_>,
    mut output: Output,
    console: &mut Console,
) -> Result<Ended, Error> {
    let QueryRequest {
        args, interrupt, ..
    } = request;
    let mut attempt = GlobalAttempt::first(&args.global);
    attempt.attempts.connect = request::connect_retry(&request);
    loop {
        attempt.attempts.begin()?;
        let plan = attempt.attempts.plan(request.plan);
        let request = QueryRequest {
            plan: &plan,
            ..request
        };
        let global = global_request(&request);
        let Some(prepared) = global::prepare(&global, &attempt, console).await? else {
            return Ok(Ended::finally(Exit::Interrupted));
        };
        let running = match prepared.start(&global, console).await? {
            StartResult::Started(running) => *running,
            other => match attempt.not_started(other, NEW_SNAPSHOT, console)? {
                Some(exit) => return Ok(Ended::finally(exit)),
                None => continue,
            },
        };
        let policy = OnShardError::Stop;
        let driving = driver::drive(running.started, &mut output, console, interrupt, policy);
        let outcome = driving.await?;
        if let Some(locked) = running.locked {
            locked.close().await;
        }
        if outcome.status != RunStatus::Retry {
            let finished = FinishedRun {
                request,
                execution: running.execution,
                selection: running.selection,
                scope: running.scope,
                snapshots: running.snapshots,
                parts: running.parts,
                outcome,
            };
            return tokio::select! {
                biased;
                ended = conclude(finished, output, console) => ended,
                // The rest of the result may wait for a reader that pauses.
                () = interrupt.requested() => Ok(Ended::finally(Exit::Interrupted)),
            };
        }
        attempt
            .attempts
            .retry(outcome.rewritten, NEW_SNAPSHOT, console);
        output.restart(request.renderer()).await;
    }
}

/// The strategy and the SQL. `None` if interrupted.
pub(super) async fn explain(
    request: &QueryRequest<'_>,
    console: &mut Console,
) -> Result<Option<String>, Error> {
    global::explain(&global_request(request), console).await
}

fn global_request<'a>(request: &QueryRequest<'a>) -> GlobalRequest<'a> {
    GlobalRequest {
        global: &request.args.global,
        shards: &request.args.shards,
        connections: request.args.run.connections,
        targets: request.targets,
        preferred: &request.args.connection.prefer,
        plan: request.plan,
        interrupt: request.interrupt,
        via: request.via,
    }
}

/// Refuses flags that have no meaning for a global query.
pub(super) fn check(args: &QueryArgs) -> Result<(), Error> {
    flags::refuse(&[
        (args.run.no_snapshot, "--no-snapshot", flags::ONE_INSTANT),
        (
            !args.shards.search_path.begins_with_shard(),
            "a schema before {shard} in --search-path",
            flags::SHARDED_FIRST,
        ),
        (
            args.shard_column.no_shard_column,
            "--no-shard-column",
            flags::NO_COLUMN,
        ),
        (
            args.shard_column.shard_column.is_some(),
            "--shard-column",
            flags::NAME_THE_COLUMN,
        ),
    ])
}

/// A finished run.
struct FinishedRun<'a> {
    request: QueryRequest<'a>,
    execution: ExecutionPlan,
    /// The selected shards.
    selection: Selection,
    scope: Scope,
    snapshots: SnapshotCount,
    parts: Vec<(Shard, ShardStats)>,
    outcome: RunReport,
}

/// Ends the result and reports the outcome.
async fn conclude(
    finished: FinishedRun<'_>,
    mut output: Output,
    console: &mut Console,
) -> Result<Ended, Error> {
    let QueryRequest {
        args,
        plan,
        position,
        interrupt,
        ..
    } = finished.request;
    let taking_part = &finished.execution.catalog().shards;
    let footer = Summary {
        extent: ResultSummary::new(
            output.rows_so_far(),
            &finished.selection,
            taking_part.len(),
            |shard| taking_part.contains(&shard),
            finished.snapshots,
        ),
        scope: finished.scope.clone(),
        elapsed: console.elapsed(),
    };
    let exit = match finished.outcome.status {
        RunStatus::Interrupted => Exit::Interrupted,
        RunStatus::Completed if finished.outcome.failures.is_empty() => Exit::Complete,
        _ => Exit::Failed,
    };
    let Some(shown) = ended::page(&mut output, exit, interrupt).await else {
        return Ok(Ended::finally(Exit::Interrupted));
    };
    let ended = ended::end(output, exit, position).await;
    if let Err(error) = shown {
        console.warning(&error);
    }
    let notices = &finished.outcome.notices;
    notices.say(footer.extent.answered, &plan.statement, console);
    if let Some(error) = finished.outcome.failures.first() {
        if let Some(file) = args.output.file() {
            ended::not_written(file, console);
        }
        return Err(failure(
            error.clone(),
            &finished.outcome.explanations,
            &finished.execution,
            plan,
        ));
    }
    let (read, output) = ended?;
    if read == ReaderEnd::InPart {
        return Ok(Ended::unread(Exit::Complete));
    }
    if exit == Exit::Interrupted {
        return Ok(Ended::finally(exit));
    }
    if args.run.timing {
        console.note(&global::timing(&finished.parts));
    }
    console.summary(&footer.line());
    Ok(Ended {
        reader: read,
        exit: global::exit(&finished.execution, &finished.selection.shards),
        output,
        coverage: Some((&footer).into()),
        failed: Vec::new(),
    })
}
