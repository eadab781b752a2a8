//! `shardq query`: one statement in every shard, one merged result.

use super::ended::{self, Ended, ReaderEnd};
use super::finished_run::FinishedRun;
use super::output::Output;
use super::request::{self, NEW_SNAPSHOT, QueryRequest, connect_retry};
use crate::cli::find::CONNECTIONS;
use crate::commands::attempt::Attempts;
use crate::commands::databases::{self, Prepared};
use crate::commands::error::Error;
use crate::commands::find::scope::{LookupConnections, LookupRequest};
use crate::commands::interruptible;
use crate::commands::origin::{Located, OriginLookups};
use crate::commands::result_end::then_say;
use crate::commands::select;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::exec::driver;
use crate::exec::merge::MergeMode;
use crate::exec::run_report::{RunReport, RunStatus};
use crate::exec::{hints, timing};
use crate::sharding::selection::Selection;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

pub(super) async fn run(
    request: QueryRequest<'_>,
    mut output: Output,
    console: &mut Console,
) -> Result<Ended, Error> {
    let args = request.args;
    let mut attempts = Attempts::new();
    attempts.connect = connect_retry(&request);
    loop {
        attempts.begin()?;
        let plan = attempts.plan(request.plan);
        let request = QueryRequest {
            plan: &plan,
            ..request
        };
        let (wanted, targets) = (args.run.connections, request.targets);
        let connections = session_setup::connections(wanted, &args.shards, &plan, targets);
        let prepared = match prepare(&request, connections, attempts.connect, console).await {
            Ok(Some(prepared)) => prepared,
            Ok(None) => return Ok(Ended::finally(Exit::Interrupted)),
            Err(error) if error.is_transient() => {
                attempts.retry_after(&error, console);
                continue;
            }
            Err(error) => return Err(error),
        };
        let Setup {
            prepared,
            selection,
            origin_lookups,
        } = prepared;
        if prepared.has_several_servers() {
            output.name_servers();
        }
        let scope = prepared.scope();
        let snapshots = prepared.snapshots(plan.instant, &selection.shards);
        let started = prepared.start(&selection.shards, MergeMode::IN_ORDER)?;
        let policy = request::policy(args.on_error);
        let outcome =
            driver::drive(started, &mut output, console, request.interrupt, policy).await?;
        if outcome.status != RunStatus::Retry {
            let finished = FinishedRun {
                request,
                selection,
                scope,
                snapshots,
                outcome,
            };
            return conclude(&finished, origin_lookups, output, console).await;
        }
        attempts.retry(outcome.rewritten, NEW_SNAPSHOT, console);
        output.restart(request.renderer()).await;
    }
}

/// Connected databases, and the selected shards.
pub(super) struct Setup {
    pub prepared: Prepared,
    pub selection: Selection,
    pub origin_lookups: OriginLookups,
}

/// Connects, runs the preflights, and selects the shards. `None` if interrupted.
pub(super) async fn prepare(
    request: &QueryRequest<'_>,
    connections: usize,
    connect_retry: ConnectRetry,
    console: &mut Console,
) -> Result<Option<Setup>, Error> {
    let QueryRequest {
        args,
        targets,
        plan,
        interrupt,
        ..
    } = *request;
    let retry = connect_retry;
    let connecting = databases::connect(targets, plan, connections, retry, interrupt, console);
    let Some(connected) = connecting.await? else {
        return Ok(None);
    };
    let servers = connected.servers();
    // Boxed because the future is large.
    let work = Box::pin(async {
        let preferred = &args.connection.prefer;
        let mut prepared = databases::prepare(connected, plan, preferred, console).await?;
        let shards = &args.shards;
        let selection = select::select_shards(shards, plan, &prepared.open(), console).await?;
        let session = |shard| prepared.session_of(shard);
        let origin_lookups = OriginLookups::send(session, selection.origins.as_ref()).await;
        prepared.keep(&selection.shards).await?;
        Ok(Setup {
            prepared,
            selection,
            origin_lookups,
        })
    });
    interruptible::run_in_all(&servers, interrupt, work).await
}

/// Ends the result, and reports the outcome after it.
async fn conclude(
    finished: &FinishedRun<'_>,
    origin_lookups: OriginLookups,
    mut output: Output,
    console: &mut Console,
) -> Result<Ended, Error> {
    let QueryRequest {
        args,
        interrupt,
        position,
        ..
    } = finished.request;
    let footer = finished.footer(output.rows_so_far(), console);
    let Some(located) = located(finished, origin_lookups, console).await else {
        return Ok(Ended::finally(Exit::Interrupted));
    };
    let exit = finished.exit(&located);
    let Some(shown) = ended::page(&mut output, exit, interrupt).await else {
        return Ok(Ended::finally(Exit::Interrupted));
    };
    let say = || {
        if let Err(error) = shown {
            console.warning(&error);
        }
        let RunReport {
            queried, notices, ..
        } = &finished.outcome;
        notices.say(*queried, &finished.request.plan.statement, console);
        finished.say_what_is_missing(&located, console);
    };
    let ending = ended::end(output, exit, position);
    let Some(ended) = then_say(ending, interrupt, say).await else {
        return Ok(Ended::finally(Exit::Interrupted));
    };
    let (read, output) = ended?;
    if read == ReaderEnd::InPart {
        return Ok(Ended::unread(if finished.is_whole(&located) {
            Exit::Complete
        } else {
            Exit::Incomplete
        }));
    }
    if !finished.outcome.filtered.is_empty() {
        console.warning(&hints::filtered(&finished.outcome.filtered));
    }
    if ![Exit::Complete, Exit::Interrupted].contains(&exit)
        && let Some(file) = args.output.file()
    {
        ended::not_written(file, console);
    }
    if args.run.timing {
        console.note(&timing::describe(&finished.outcome.answers));
    }
    if let Some(hint) =
        hints::ungrouped_aggregate(&finished.request.plan.statement, &finished.outcome.answers)
    {
        console.aside(&hint);
    }
    console.summary(&footer.line());
    Ok(Ended {
        reader: read,
        exit,
        output,
        coverage: Some((&footer).into()),
        failed: finished.outcome.failures.iter().map(|it| it.0).collect(),
    })
}

/// Where requested origins are, if not where they belong. `None` if interrupted.
async fn located(
    finished: &FinishedRun<'_>,
    origin_lookups: OriginLookups,
    console: &mut Console,
) -> Option<Located> {
    let is_told =
        [RunStatus::Completed, RunStatus::OutputClosed].contains(&finished.outcome.status);
    let keys = finished.selection.keys.as_ref().filter(|_| is_told);
    let (Some(origins), true) = (&finished.selection.origins, is_told) else {
        return Some(Located::of_keys(keys));
    };
    let QueryRequest {
        args,
        targets,
        plan,
        interrupt,
        ..
    } = finished.request;
    let request = LookupRequest {
        targets,
        plan,
        preferred: &args.connection.prefer,
        connections: LookupConnections::AtOnce(CONNECTIONS),
        interrupt,
    };
    // Boxed because the future is large.
    Box::pin(Located::anew(
        origin_lookups,
        origins.shard_count,
        request,
        console,
    ))
    .await
}

/// What would be sent. The statement is checked but not run. `None` if interrupted.
pub(super) async fn dry_run(
    request: &QueryRequest<'_>,
    console: &mut Console,
) -> Result<Option<String>, Error> {
    let Some(prepared) = prepare(request, 1, connect_retry(request), console).await? else {
        return Ok(None);
    };
    let Setup {
        prepared: setup,
        selection,
        origin_lookups,
    } = prepared;
    drop(origin_lookups);
    Ok(Some(setup.describe(&selection.shards).await))
}
