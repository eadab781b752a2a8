//! The start of a global query, shared by `query -g` and `export -g`: connects, reads the catalog,
//! chooses the strategy, and computes the partials if it is that.

pub mod failure;
pub mod flags;
pub mod gather;

use super::origin::{KeyLocations, Located, OriginLookups};
use super::{select, session_setup};
use crate::cli::query::{GlobalArgs, ShardArgs};
use crate::client::notices::Notices;
use crate::client::{ConnectionPool, PendingConnection};
use crate::commands::attempt::Attempts;
use crate::commands::error::Error;
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::exec::copy::ResultProtocol;
use crate::exec::driver::Run;
use crate::exec::fanout::{Preflight, ShardStats};
use crate::exec::merge::MergeMode;
use crate::exec::plan::{Plan, TableName};
use crate::exec::timing;
use crate::exec::type_names::TypeNames;
use crate::global::schema_diff::by_shard;
use crate::global::{
    self, Catalog, ExecutionPlan, Introspection, Readings, Strategy, UnsupportedQuery,
};
use crate::sharding::discovered::Discovered;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::Scope;

use failure::{or_explanation, timeout_hint};
use flags::options;
use gather::{GatherResult, gather};

/// What was requested, except for the output.
#[derive(Clone, Copy)]
pub(super) struct GlobalRequest<'a> {
    pub global: &'a GlobalArgs,
    pub shards: &'a ShardArgs,
    pub connections: usize,
    pub settings: &'a Settings,
    /// The user's statement, and the protocol for its result.
    pub plan: &'a Plan,
    pub interrupt: &'a Interrupt,
}

/// The state that changes between attempts.
pub(super) struct GlobalAttempt {
    pub attempts: Attempts,
    strategy: Strategy,
}

/// Ready to run.
pub(super) struct Prepared {
    pub execution: ExecutionPlan,
    /// The selected shards, including those that are skipped.
    pub selection: Selection,
    pub scope: Scope,
    pub preflight: Preflight,
    pub server: ConnectionPool,
    pub pending_connections: Vec<PendingConnection>,
}

/// The outcome of starting the final statement.
pub(super) enum StartResult {
    Started(Box<RunningStatement>),
    /// The partials failed.
    PartialsFailed(String),
    /// A partial timed out; a single statement would too.
    TimedOut(Box<Error>),
    /// The snapshot is lost, or does not cover these tables.
    Retry(Vec<TableName>),
    Interrupted,
}

/// The running final statement.
pub(super) struct RunningStatement {
    pub started: Run,
    pub execution: ExecutionPlan,
    /// The selected shards.
    pub selection: Selection,
    pub scope: Scope,
    /// Statistics of the partials; empty for a single statement.
    pub parts: Vec<(Shard, ShardStats)>,
}

impl GlobalAttempt {
    pub fn first(global: &GlobalArgs) -> Self {
        Self {
            attempts: Attempts::new(),
            strategy: global.strategy,
        }
    }

    /// What to do if the statement was not started: exit with this status, or try again.
    ///
    /// # Errors
    /// If another attempt would fail in the same way.
    pub fn not_started(
        &mut self,
        result: StartResult,
        note: &str,
        console: &mut Console,
    ) -> Result<Option<Exit>, Error> {
        match result {
            StartResult::Started(_) => Ok(None),
            StartResult::PartialsFailed(why) => self.fall_back_to_single(why).map(|()| None),
            StartResult::TimedOut(error) => Err(*error),
            StartResult::Retry(rewritten) => {
                self.attempts.retry(rewritten, note, console);
                Ok(None)
            }
            StartResult::Interrupted => Ok(Some(Exit::Interrupted)),
        }
    }

    /// Errors of a single statement refer to the user's own text.
    ///
    /// # Errors
    /// If partials were requested explicitly.
    fn fall_back_to_single(&mut self, why: String) -> Result<(), Error> {
        if self.strategy == Strategy::Partial {
            return Err(UnsupportedQuery::NotInParts(why).into());
        }
        self.strategy = Strategy::One;
        Ok(())
    }
}

/// Connects, reads the catalog, chooses the strategy and has the server check the statement. `None`
/// if interrupted.
pub(super) async fn prepare(
    request: &GlobalRequest<'_>,
    attempt: &GlobalAttempt,
    console: &mut Console,
) -> Result<Option<Prepared>, Error> {
    // Partials need values, even if the final result is copied.
    let plan = &Plan {
        transfer: ResultProtocol::SimpleQuery,
        ..request.plan.clone()
    };
    let readings = Readings::new(plan.statement.as_str());
    let names = readings.names();
    let connections = connections(request, attempt, &readings);
    let opened = tokio::select! {
        opened = session_setup::open(request.settings, connections, attempt.attempts.connect, console) => opened?,
        () = request.interrupt.requested() => return Ok(None),
    };
    let server = opened.server.clone();
    let work = async {
        let found = Introspection::take(opened.first, plan, &names)
            .await
            .map_err(|error| Error::fanout(error, &plan.statement))?;
        let topology =
            session_setup::topology(&found.preflight, &plan.layout, request.settings).await?;
        let (shards, preflight) = (request.shards, &found.preflight);
        let selection =
            select::select_all_shards(shards, plan, preflight, &topology, console).await?;
        let session = &found.preflight.session;
        let origin_lookups = OriginLookups::send(session, selection.origins.as_ref()).await;
        let options = options(request.global, attempt.strategy);
        let prepared = global::prepare(plan, &readings, &found, &selection.shards, &options).await;
        let prepared = or_explanation(prepared, session, plan).await?;
        report_drift(&prepared.catalog, console);
        // The lookups have been answered by now.
        if let Some(origins) = &selection.origins {
            let places = KeyLocations {
                session,
                topology: &topology,
                shard_count: origins.shard_count,
                plan,
            };
            let located = Located::by(origin_lookups, places, console).await?;
            located.or_refuse(console)?;
        }
        Located::of_keys(selection.keys.as_ref()).or_refuse(console)?;
        Ok(Prepared {
            execution: prepared.plan,
            selection,
            scope: session_setup::scope(&server, &topology),
            preflight: found.preflight,
            server: server.clone(),
            pending_connections: opened.pending_connections,
        })
    };
    session_setup::run_or_cancel(&server, request.interrupt, work).await
}

/// Reports which shards are skipped, and how the tables differ otherwise.
fn report_drift(catalog: &Catalog, console: &mut Console) {
    for line in by_shard(&catalog.drift) {
        console.warning(&format!("left out: {line}"));
    }
    for table in &catalog.tables {
        for deviation in &table.left_out {
            if table.need.every.is_some() {
                console.warning(&format!("left out: {deviation}"));
            } else {
                console.note(&format!("not needed: {deviation}"));
            }
        }
    }
}

/// A single statement needs one.
fn connections(
    request: &GlobalRequest<'_>,
    attempt: &GlobalAttempt,
    readings: &Readings<'_>,
) -> usize {
    match attempt.strategy {
        Strategy::Auto | Strategy::Partial if readings.may_be_partial() => {
            session_setup::connections(request.connections, request.shards, request.plan)
        }
        _ => 1,
    }
}

impl Prepared {
    /// Starts the final statement, after the partials if there are any.
    pub async fn start(
        self,
        request: &GlobalRequest<'_>,
        console: &mut Console,
    ) -> Result<StartResult, Error> {
        let Self {
            execution,
            selection,
            scope,
            preflight,
            server,
            pending_connections,
        } = self;
        let mut said = Notices::default();
        let (plan, mut preflight, parts) = match &execution {
            ExecutionPlan::SingleStatement(checked, _) => {
                drop(pending_connections);
                (checked.plan.clone(), preflight, Vec::new())
            }
            ExecutionPlan::PartialThenCombine(in_parts) => {
                let round_trip = preflight.round_trip;
                let gathering = gather(
                    in_parts,
                    preflight,
                    server.clone(),
                    pending_connections,
                    request.interrupt,
                    console,
                );
                let gathered = match gathering.await {
                    GatherResult::Complete(all) => Ok(all),
                    GatherResult::Fallback(why) => Err(StartResult::PartialsFailed(why)),
                    GatherResult::TimedOut(shard, error) => {
                        let hint = timeout_hint(shard, &error, &request.plan.layout, &server).await;
                        let error = Error::Part { shard, error, hint };
                        Err(StartResult::TimedOut(Box::new(error)))
                    }
                    GatherResult::Retry(rewritten) => Err(StartResult::Retry(rewritten)),
                    GatherResult::Interrupted => Err(StartResult::Interrupted),
                };
                let all = match gathered {
                    Ok(all) => all,
                    Err(failed) => {
                        server.close().await;
                        return Ok(failed);
                    }
                };
                let preflight = Preflight {
                    session: all.session,
                    shards: Discovered::default(),
                    types: TypeNames::default(),
                    round_trip,
                };
                said = server.take_notices().of_other_text();
                (in_parts.combine_plan(&all.parts), preflight, all.answers)
            }
        };
        let plan = Plan {
            transfer: request.plan.transfer.clone(),
            ..plan
        };
        let parsing = session_setup::prepare_copy(&mut preflight.session, &plan);
        let Some(plan) = session_setup::run_or_cancel(&server, request.interrupt, parsing).await?
        else {
            return Ok(StartResult::Interrupted);
        };
        // It runs as if it were the statement of the first shard.
        let turn = vec![selection.shards[0]];
        let started = Run::new(
            &plan,
            turn,
            preflight,
            server,
            Vec::new(),
            MergeMode::IN_ORDER,
        )
        .over(execution.catalog().shards.len())
        .with_notices(said);
        Ok(StartResult::Started(Box::new(RunningStatement {
            started,
            execution,
            selection,
            scope,
            parts,
        })))
    }
}

/// The strategy and the SQL. The statement is checked but not run. `None` if interrupted.
pub(super) async fn explain(
    request: &GlobalRequest<'_>,
    console: &mut Console,
) -> Result<Option<String>, Error> {
    let attempt = GlobalAttempt::first(request.global);
    let Some(prepared) = prepare(request, &attempt, console).await? else {
        return Ok(None);
    };
    let text = prepared.execution.explain();
    drop((prepared.preflight, prepared.pending_connections));
    prepared.server.close().await;
    Ok(Some(text))
}

/// Which partials took longest.
pub(super) fn timing(parts: &[(Shard, ShardStats)]) -> String {
    if parts.is_empty() {
        "one statement ran over all shards: there are no times per shard".to_owned()
    } else {
        timing::describe(parts)
    }
}

/// An answer without all selected shards is incomplete, even if skipping was requested.
pub(super) fn exit(execution: &ExecutionPlan, shards: &[Shard]) -> Exit {
    if execution.catalog().shards.len() < shards.len() {
        Exit::Incomplete
    } else {
        Exit::Complete
    }
}
