//! `shardq query --global`: one answer, as if all shards were one database.

use super::output::Output;
use super::request::{self, Ended, NEW_SNAPSHOT, QueryRequest, ReaderEnd};
use crate::cli::query::QueryArgs;
use crate::commands::error::Error;
use crate::commands::global::{self, GlobalAttempt, GlobalRequest, StartResult};
use crate::exec::driver::{self, OnShardError};
use crate::exec::fanout::ShardStats;
use crate::exec::run_report::{RunReport, RunStatus};
use crate::global::ExecutionPlan;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{ResultSummary, Scope, Summary};

pub(super) async fn run(
    asked: QueryRequest<'_>,
    mut output: Output,
    console: &mut Console,
) -> Result<Ended, Error> {
    let QueryRequest {
        args, interrupt, ..
    } = asked;
    let mut attempt = GlobalAttempt::first(&args.global);
    attempt.attempts.connect = request::connect_retry(&asked);
    loop {
        attempt.attempts.begin()?;
        let plan = attempt.attempts.plan(asked.plan);
        let asked = QueryRequest {
            plan: &plan,
            ..asked
        };
        let global = global_request(&asked);
        let Some(prepared) = global::prepare(&global, &attempt, console).await? else {
            return Ok(Ended::finally(Exit::Interrupted));
        };
        let going = match prepared.start(&global, console).await? {
            StartResult::Started(going) => *going,
            other => match attempt.not_started(other, NEW_SNAPSHOT, console)? {
                Some(exit) => return Ok(Ended::finally(exit)),
                None => continue,
            },
        };
        let policy = OnShardError::Stop;
        let driving = driver::drive(going.started, &mut output, console, interrupt, policy);
        let outcome = driving.await?;
        if outcome.status != RunStatus::Retry {
            let ran = FinishedRun {
                asked,
                way: going.way,
                selection: going.selection,
                scope: going.scope,
                parts: going.parts,
                outcome,
            };
            return tokio::select! {
                biased;
                ended = conclude(ran, output, console) => ended,
                // The rest of the result may wait for a reader that pauses.
                () = interrupt.requested() => Ok(Ended::finally(Exit::Interrupted)),
            };
        }
        attempt
            .attempts
            .retry(outcome.rewritten, NEW_SNAPSHOT, console);
        output.restart(request::renderer(args, asked.format)).await;
    }
}

/// The strategy and the SQL. `None` if interrupted.
pub(super) async fn explain(
    asked: &QueryRequest<'_>,
    console: &mut Console,
) -> Result<Option<String>, Error> {
    global::explain(&global_request(asked), console).await
}

fn global_request<'a>(asked: &QueryRequest<'a>) -> GlobalRequest<'a> {
    GlobalRequest {
        global: &asked.args.global,
        shards: &asked.args.shards,
        connections: asked.args.run.connections,
        settings: asked.settings,
        plan: asked.plan,
        interrupt: asked.interrupt,
    }
}

/// Refuses flags that have no meaning for a global query.
pub(super) fn check(args: &QueryArgs) -> Result<(), Error> {
    global::refuse(&[
        (args.run.no_snapshot, "--no-snapshot", global::ONE_INSTANT),
        (
            !args.shards.search_path.begins_with_shard(),
            "a schema before {shard} in --search-path",
            global::SHARDED_FIRST,
        ),
        (
            args.output.no_shard_column,
            "--no-shard-column",
            global::NO_COLUMN,
        ),
        (
            args.output.shard_column.is_some(),
            "--shard-column",
            global::NAME_THE_COLUMN,
        ),
    ])
}

/// A finished run.
struct FinishedRun<'a> {
    asked: QueryRequest<'a>,
    way: ExecutionPlan,
    /// The selected shards.
    selection: Selection,
    scope: Scope,
    parts: Vec<(Shard, ShardStats)>,
    outcome: RunReport,
}

/// Ends the result and reports the outcome.
async fn conclude(
    ran: FinishedRun<'_>,
    mut output: Output,
    console: &mut Console,
) -> Result<Ended, Error> {
    let QueryRequest {
        args,
        plan,
        position,
        interrupt,
        ..
    } = ran.asked;
    let taking_part = &ran.way.catalog().shards;
    let footer = Summary {
        extent: ResultSummary {
            rows: output.rows_so_far(),
            answered: taking_part.len(),
            expected: ran.selection.expected(),
            missing: ran.selection.missing(|shard| taking_part.contains(&shard)),
            origins: ran.selection.origins.clone(),
            instants: plan.instant.into(),
        },
        scope: ran.scope.clone(),
        elapsed: console.elapsed(),
    };
    let exit = match ran.outcome.status {
        RunStatus::Interrupted => Exit::Interrupted,
        RunStatus::Completed if ran.outcome.failures.is_empty() => Exit::Complete,
        _ => Exit::Failed,
    };
    let Some(shown) = request::page(&mut output, exit, interrupt).await else {
        return Ok(Ended::finally(Exit::Interrupted));
    };
    let ended = request::end(output, exit, position).await;
    if let Err(error) = shown {
        console.warning(&error);
    }
    let notices = &ran.outcome.notices;
    notices.say(footer.extent.answered, &plan.statement, console);
    if let Some(error) = ran.outcome.failures.first() {
        if let Some(file) = args.output.file() {
            request::not_written(file, console);
        }
        return Err(global::failure(
            error.clone(),
            &ran.outcome.explanations,
            &ran.way,
            plan,
        ));
    }
    let (read, output) = ended?;
    if read == ReaderEnd::InPart {
        return Ok(Ended::finally(Exit::Complete));
    }
    if exit == Exit::Interrupted {
        return Ok(Ended::finally(exit));
    }
    if args.run.timing {
        console.note(&global::timing(&ran.parts));
    }
    console.summary(&footer.line());
    Ok(Ended {
        exit: global::exit(&ran.way, &ran.selection.shards),
        output,
    })
}
