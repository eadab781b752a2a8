//! The start of a global query, shared by `query -g` and `export -g`: connects, reads the catalog,
//! chooses the strategy, and computes the partials if it is that.

pub mod gather;

use tokio_postgres::error::SqlState;

use super::origin::{KeyLocations, Located, Looks};
use super::session_setup;
use crate::cli::query::{GlobalArgs, ShardArgs};
use crate::client::notices::Notices;
use crate::client::{ConnectionPool, PendingConnection, ServerError};
use crate::commands::attempt::Attempts;
use crate::commands::error::Error;
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::exec::copy::ResultProtocol;
use crate::exec::driver::Run;
use crate::exec::explanation::Explanations;
use crate::exec::fanout::{Preflight, Session, ShardError, ShardStats};
use crate::exec::lock_holders::{self, WaitedIn};
use crate::exec::merge::MergeMode;
use crate::exec::plan::{Plan, TableName};
use crate::exec::type_names::TypeNames;
use crate::exec::unknown_name::UnknownName;
use crate::exec::{hints, timing};
use crate::global::schema_diff::by_shard;
use crate::global::{
    self, Catalog, Colocation, ExecutionPlan, FloatAggregation, GlobalOptions, Introspection,
    OnSchemaDrift, PrepareError, Readings, Strategy, UnsupportedQuery,
};
use crate::sharding::discovered::Discovered;
use crate::sharding::layout::Layout;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::Scope;

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
    pub way: ExecutionPlan,
    /// The selected shards, including those that are skipped.
    pub selection: Selection,
    pub scope: Scope,
    pub survey: Preflight,
    pub server: ConnectionPool,
    pub pending_connections: Vec<PendingConnection>,
}

/// The outcome of starting the final statement.
pub(super) enum StartResult {
    Started(Box<Going>),
    /// The partials failed.
    PartialsFailed(String),
    /// A partial timed out; a single statement would too.
    TimedOut(Box<Error>),
    /// The snapshot is lost, or does not cover these tables.
    Retry(Vec<TableName>),
    Interrupted,
}

/// The running final statement.
pub(super) struct Going {
    pub started: Run,
    pub way: ExecutionPlan,
    /// The selected shards.
    pub selection: Selection,
    pub scope: Scope,
    /// Statistics of the partials; empty for a single statement.
    pub parts: Vec<(Shard, ShardStats)>,
}

/// A flag that has no meaning for a global query: whether it is given, its name, and the
/// alternative.
pub(super) type IncompatibleFlag = (bool, &'static str, &'static str);

pub(super) const ONE_INSTANT: &str = "a global query reads one snapshot; remove the flag";
pub(super) const SHARDED_FIRST: &str = "a name means the sharded table if there is one; put \
     {shard} first, and write public.t for another table";
pub(super) const NO_COLUMN: &str = "a global query has no shard column; remove the flag";
pub(super) const NAME_THE_COLUMN: &str = "a global query has no shard column; select the column \
     shard, which every sharded table has: SELECT shard AS … FROM …";

/// Refuses flags that have no meaning for a global query.
pub(super) fn refuse(flags: &[IncompatibleFlag]) -> Result<(), Error> {
    match flags.iter().find(|(given, ..)| *given) {
        Some((_, flag, instead)) => Err(Error::Usage(format!(
            "{flag} cannot be used with --global: {instead}"
        ))),
        None => Ok(()),
    }
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
    asked: &GlobalRequest<'_>,
    attempt: &GlobalAttempt,
    console: &mut Console,
) -> Result<Option<Prepared>, Error> {
    // Partials need values, even if the final result is copied.
    let plan = &Plan {
        transfer: ResultProtocol::SimpleQuery,
        ..asked.plan.clone()
    };
    let readings = Readings::new(plan.statement.as_str());
    let names = readings.names();
    let connections = connections(asked, attempt, &readings);
    let opened = tokio::select! {
        opened = session_setup::open(asked.settings, connections, attempt.attempts.connect, console) => opened?,
        () = asked.interrupt.requested() => return Ok(None),
    };
    let server = opened.server.clone();
    let work = async {
        let found = Introspection::take(opened.first, plan, &names)
            .await
            .map_err(|error| Error::fanout(error, &plan.statement))?;
        let topology =
            session_setup::topology(&found.preflight, &plan.layout, asked.settings).await?;
        let (shards, survey) = (asked.shards, &found.preflight);
        let selection =
            session_setup::select_all_shards(shards, plan, survey, &topology, console).await?;
        let session = &found.preflight.session;
        let looks = Looks::send(session, selection.origins.as_ref()).await;
        let options = options(asked.global, attempt.strategy);
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
            let located = Located::by(looks, places, console).await?;
            located.or_refuse(console)?;
        }
        Ok(Prepared {
            way: prepared.plan,
            selection,
            scope: session_setup::scope(&server, &topology),
            survey: found.preflight,
            server: server.clone(),
            pending_connections: opened.pending_connections,
        })
    };
    session_setup::run_or_cancel(&server, asked.interrupt, work).await
}

fn options(args: &GlobalArgs, strategy: Strategy) -> GlobalOptions {
    GlobalOptions {
        strategy,
        drift: if args.skip_missing {
            OnSchemaDrift::Skip
        } else {
            OnSchemaDrift::Refuse
        },
        colocation: if args.colocated {
            Colocation::Asserted
        } else {
            Colocation::Unknown
        },
        float_sums: if args.float_sums_in_parts {
            FloatAggregation::AnyOrder
        } else {
            FloatAggregation::Exact
        },
    }
}

/// Reports which shards are skipped, and how the tables differ otherwise.
fn report_drift(catalog: &Catalog, console: &mut Console) {
    for line in by_shard(&catalog.deviations) {
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

/// The query; or why it is refused, with the nearest name if a name was not found.
async fn or_explanation(
    prepared: Result<global::Prepared, PrepareError>,
    session: &Session,
    plan: &Plan,
) -> Result<global::Prepared, Error> {
    let mut refused = match prepared {
        Ok(prepared) => return Ok(prepared),
        Err(refused) => refused,
    };
    if let PrepareError::Server(report) = &mut refused
        && let Some(hint) = hint(report, session, plan).await
    {
        report.advise(&hint);
    }
    Err(Error::global(refused, &plan.statement))
}

/// What a look at the server tells of a statement that could not be prepared.
async fn hint(report: &ServerError, session: &Session, plan: &Plan) -> Option<String> {
    // The failed check has aborted the transaction.
    if report.code == SqlState::LOCK_NOT_AVAILABLE {
        session.recover().await.ok()?;
        let holders = lock_holders::hint(session.connection(), WaitedIn::Anywhere).await;
        return Some(holders.unwrap_or_else(|| hints::LOCKED.to_owned()));
    }
    let unknown = UnknownName::of(report, &plan.statement)?;
    session.recover().await.ok()?;
    let found = unknown
        .look(session.connection(), &plan.layout, &[])
        .await?;
    found.hint(&unknown, &plan.search_path.with_default())
}

/// A single statement needs one.
fn connections(
    asked: &GlobalRequest<'_>,
    attempt: &GlobalAttempt,
    readings: &Readings<'_>,
) -> usize {
    match attempt.strategy {
        Strategy::Auto | Strategy::Partial if readings.may_be_partial() => {
            session_setup::connections(asked.connections, asked.shards, asked.plan)
        }
        _ => 1,
    }
}

impl Prepared {
    /// Starts the final statement, after the partials if there are any.
    pub async fn start(
        self,
        asked: &GlobalRequest<'_>,
        console: &mut Console,
    ) -> Result<StartResult, Error> {
        let Self {
            way,
            selection,
            scope,
            survey,
            server,
            pending_connections,
        } = self;
        let mut said = Notices::default();
        let (plan, mut survey, parts) = match &way {
            ExecutionPlan::SingleStatement(checked, _) => {
                drop(pending_connections);
                (checked.plan.clone(), survey, Vec::new())
            }
            ExecutionPlan::PartialThenCombine(in_parts) => {
                let round_trip = survey.round_trip;
                let gathering = gather(
                    in_parts,
                    survey,
                    server.clone(),
                    pending_connections,
                    asked.interrupt,
                    console,
                );
                let gathered = match gathering.await {
                    GatherResult::Complete(all) => Ok(all),
                    GatherResult::Fallback(why) => Err(StartResult::PartialsFailed(why)),
                    GatherResult::TimedOut(shard, error) => {
                        let hint = timeout_hint(shard, &error, &asked.plan.layout, &server).await;
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
                let survey = Preflight {
                    session: all.session,
                    shards: Discovered::default(),
                    types: TypeNames::default(),
                    round_trip,
                };
                said = server.take_notices().of_other_text();
                (in_parts.combine_plan(&all.parts), survey, all.answers)
            }
        };
        let plan = Plan {
            transfer: asked.plan.transfer.clone(),
            ..plan
        };
        let parsing = session_setup::prepare_copy(&mut survey.session, &plan);
        let Some(plan) = session_setup::run_or_cancel(&server, asked.interrupt, parsing).await?
        else {
            return Ok(StartResult::Interrupted);
        };
        // It runs as if it were the statement of the first shard.
        let turn = vec![selection.shards[0]];
        let started = Run::new(&plan, turn, survey, server, Vec::new(), MergeMode::IN_ORDER)
            .over(way.catalog().shards.len())
            .with_notices(said);
        Ok(StartResult::Started(Box::new(Going {
            started,
            way,
            selection,
            scope,
            parts,
        })))
    }
}

/// The strategy and the SQL. The statement is checked but not run. `None` if interrupted.
pub(super) async fn explain(
    asked: &GlobalRequest<'_>,
    console: &mut Console,
) -> Result<Option<String>, Error> {
    let attempt = GlobalAttempt::first(asked.global);
    let Some(prepared) = prepare(asked, &attempt, console).await? else {
        return Ok(None);
    };
    let text = prepared.way.explain();
    drop((prepared.survey, prepared.pending_connections));
    prepared.server.close().await;
    Ok(Some(text))
}

async fn timeout_hint(
    shard: Shard,
    error: &ShardError,
    layout: &Layout,
    server: &ConnectionPool,
) -> String {
    match error {
        ShardError::Server(report) if report.code == SqlState::QUERY_CANCELED => {
            hints::cancelled_hint(report).to_owned()
        }
        _ => lock_holders::look(server, WaitedIn::Shards(&[shard], layout))
            .await
            .unwrap_or_else(|| hints::LOCKED.to_owned()),
    }
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
pub(super) fn exit(way: &ExecutionPlan, shards: &[Shard]) -> Exit {
    if way.catalog().shards.len() < shards.len() {
        Exit::Incomplete
    } else {
        Exit::Complete
    }
}

/// Why there is no answer, with positions in the user's text where possible.
pub(super) fn failure(
    mut error: ShardError,
    explained: &Explanations,
    way: &ExecutionPlan,
    plan: &Plan,
) -> Error {
    let hint = explained.of(&error);
    if let ShardError::Server(report) = &mut error {
        if report.code == SqlState::LOCK_NOT_AVAILABLE {
            report.advise(hint.as_deref().unwrap_or(hints::LOCKED));
        }
        if report.code == SqlState::QUERY_CANCELED {
            report.advise(hints::cancelled_hint(report));
        } else if report.code == SqlState::CHARACTER_NOT_IN_REPERTOIRE {
            report.advise(hints::NOT_UTF8);
        }
    }
    match (error, way) {
        (ShardError::Server(report), ExecutionPlan::SingleStatement(checked, _)) => {
            Error::global(checked.refused(plan, report), &plan.statement)
        }
        (error, _) => Error::Incomplete(error),
    }
}
