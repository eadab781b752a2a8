//! `shardq query`: one statement in every shard, one merged result.

use super::finished_run::FinishedRun;
use super::output::Output;
use super::request::{self, Ended, NEW_SNAPSHOT, QueryRequest, ReaderEnd, connect_retry};
use crate::client::{ConnectionPool, PendingConnection, PoolStart};
use crate::commands::attempt::Attempts;
use crate::commands::error::Error;
use crate::commands::origin::{Located, Looks};
use crate::commands::result_end::then_say;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::exec::driver::{self, Run};
use crate::exec::fanout::Preflight;
use crate::exec::merge::MergeMode;
use crate::exec::plan::Plan;
use crate::exec::run_report::{RunReport, RunStatus};
use crate::exec::{hints, timing};
use crate::sharding::selection::Selection;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::Scope;

pub(super) async fn run(
    asked: QueryRequest<'_>,
    mut output: Output,
    console: &mut Console,
) -> Result<Ended, Error> {
    let args = asked.args;
    let mut attempts = Attempts::new();
    attempts.connect = connect_retry(&asked);
    loop {
        attempts.begin()?;
        let plan = attempts.plan(asked.plan);
        let asked = QueryRequest {
            plan: &plan,
            ..asked
        };
        let connections = session_setup::connections(args.run.connections, &args.shards, &plan);
        let prepared = match prepare(&asked, connections, attempts.connect, console).await {
            Ok(Some(prepared)) => prepared,
            Ok(None) => return Ok(Ended::finally(Exit::Interrupted)),
            Err(error) if error.is_transient() => {
                attempts.retry(Vec::new(), &format!("{error}: retrying"), console);
                continue;
            }
            Err(error) => return Err(error),
        };
        let (started, selection, scope, looks) = prepared.start(&plan);
        let policy = request::policy(args.on_error);
        let outcome = driver::drive(started, &mut output, console, asked.interrupt, policy).await?;
        if outcome.status != RunStatus::Retry {
            let ran = FinishedRun {
                asked,
                selection,
                scope,
                outcome,
            };
            return conclude(&ran, looks, output, console).await;
        }
        attempts.retry(outcome.rewritten, NEW_SNAPSHOT, console);
        output.restart(request::renderer(args, asked.format)).await;
    }
}

/// The result of connecting: the preflight and the selected shards.
struct Setup {
    server: ConnectionPool,
    pending_connections: Vec<PendingConnection>,
    survey: Preflight,
    selection: Selection,
    scope: Scope,
    looks: Looks,
}

impl Setup {
    fn start(self, plan: &Plan) -> (Run, Selection, Scope, Looks) {
        let started = Run::new(
            plan,
            self.selection.shards.clone(),
            self.survey,
            self.server,
            self.pending_connections,
            MergeMode::IN_ORDER,
        );
        (started, self.selection, self.scope, self.looks)
    }
}

/// Connects, runs the preflight, and selects the shards. `None` if interrupted.
async fn prepare(
    asked: &QueryRequest<'_>,
    connections: usize,
    connect_retry: ConnectRetry,
    console: &mut Console,
) -> Result<Option<Setup>, Error> {
    let opened = tokio::select! {
        opened = session_setup::open(asked.settings, connections, connect_retry, console) => opened?,
        () = asked.interrupt.requested() => return Ok(None),
    };
    let PoolStart {
        server,
        first,
        pending_connections,
        ..
    } = opened;
    // Owns the pending connections, so that closing the pool does not wait for them.
    let work = async {
        let survey = session_setup::survey(first, asked.plan).await?;
        let topology = session_setup::topology(&survey, &asked.plan.layout, asked.settings).await?;
        let shards = &asked.args.shards;
        let selection =
            session_setup::select_shards(shards, asked.plan, &survey, &topology, console).await?;
        let looks = Looks::send(&survey.session, selection.origins.as_ref()).await;
        Ok(Setup {
            server: server.clone(),
            pending_connections,
            survey,
            selection,
            scope: session_setup::scope(&server, &topology),
            looks,
        })
    };
    session_setup::run_or_cancel(&server, asked.interrupt, work).await
}

/// Ends the result, and reports the outcome after it.
async fn conclude(
    ran: &FinishedRun<'_>,
    looks: Looks,
    mut output: Output,
    console: &mut Console,
) -> Result<Ended, Error> {
    let QueryRequest {
        args,
        interrupt,
        position,
        ..
    } = ran.asked;
    let footer = ran.footer(output.rows_so_far(), console);
    let Some(located) = located(ran, looks, console).await else {
        return Ok(Ended::finally(Exit::Interrupted));
    };
    let exit = ran.exit(&located);
    let Some(shown) = request::page(&mut output, exit, interrupt).await else {
        return Ok(Ended::finally(Exit::Interrupted));
    };
    let say = || {
        if let Err(error) = shown {
            console.warning(&error);
        }
        let RunReport { asked, notices, .. } = &ran.outcome;
        notices.say(*asked, &ran.asked.plan.statement, console);
        ran.say_what_is_missing(&located, console);
    };
    let ending = request::end(output, exit, position);
    let Some(ended) = then_say(ending, interrupt, say).await else {
        return Ok(Ended::finally(Exit::Interrupted));
    };
    let (read, output) = ended?;
    if read == ReaderEnd::InPart {
        return Ok(Ended::finally(if ran.is_whole(&located) {
            Exit::Complete
        } else {
            Exit::Incomplete
        }));
    }
    if !ran.outcome.filtered.is_empty() {
        console.warning(&hints::filtered(&ran.outcome.filtered));
    }
    if ![Exit::Complete, Exit::Interrupted].contains(&exit)
        && let Some(file) = args.output.file()
    {
        request::not_written(file, console);
    }
    if args.run.timing {
        console.note(&timing::describe(&ran.outcome.answers));
    }
    if let Some(hint) = hints::ungrouped_aggregate(&ran.asked.plan.statement, &ran.outcome.answers)
    {
        console.aside(&hint);
    }
    console.summary(&footer.line());
    Ok(Ended { exit, output })
}

/// Where requested origins are, if not where they belong. `None` if interrupted.
async fn located(ran: &FinishedRun<'_>, looks: Looks, console: &mut Console) -> Option<Located> {
    let is_told = [RunStatus::Completed, RunStatus::OutputClosed].contains(&ran.outcome.status);
    let (Some(origins), true) = (&ran.selection.origins, is_told) else {
        return Some(Located::default());
    };
    Located::anew(
        looks,
        origins.shard_count,
        ran.asked.plan,
        ran.asked.settings,
        ran.asked.interrupt,
        console,
    )
    .await
}

/// What would be sent. The statement is checked but not run. `None` if interrupted.
pub(super) async fn dry_run(
    asked: &QueryRequest<'_>,
    console: &mut Console,
) -> Result<Option<String>, Error> {
    let Some(prepared) = prepare(asked, 1, connect_retry(asked), console).await? else {
        return Ok(None);
    };
    let Setup {
        server,
        pending_connections,
        survey,
        selection,
        looks,
        ..
    } = prepared;
    drop((pending_connections, survey, looks));
    server.close().await;
    Ok(Some(asked.plan.describe(&selection.shards)))
}
