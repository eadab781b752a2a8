//! Prepares a global query: connects, reads the catalog, chooses the strategy, and has the server
//! check the statement. Nothing of the user's runs yet.

use super::failure::or_explanation;
use super::flags::options;
use super::introspected::{Introspected, introspect, of_shard, open};
use super::{GlobalAttempt, GlobalRequest};

use crate::commands::databases::{self, DatabaseInfos};
use crate::commands::error::Error;
use crate::commands::federate::LockedTables;
use crate::commands::interruptible;
use crate::commands::misplaced;
use crate::commands::origin::OriginLookups;
use crate::commands::{select, session_setup};
use crate::exec::copy::ResultProtocol;
use crate::exec::plan::Plan;
use crate::global::schema_diff::by_shard;
use crate::global::several::{self, DatabasePart};
use crate::global::{
    self, Catalog, ExecutionPlan, GlobalOptions, Readings, Strategy, UnsupportedQuery,
};
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;

/// Ready to run.
pub(in crate::commands) struct Prepared {
    pub execution: ExecutionPlan,
    /// The selected shards, including those that are skipped.
    pub selection: Selection,
    pub databases: databases::Prepared,
    /// What keeps the tables as they are that a hub reads.
    pub locked: Option<LockedTables>,
}

/// Connects, reads the catalogs, chooses the strategy and has the server check the statement.
/// `None` if interrupted.
pub(in crate::commands) async fn prepare(
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
    let names = readings.names().tables();
    let locked = match request.via {
        None => None,
        Some(via) => {
            let locked = via.check(&names, plan.limits, request.interrupt, console);
            let Some(locked) = Box::pin(locked).await? else {
                return Ok(None);
            };
            Some(locked)
        }
    };
    let connections = connections(request, attempt, &readings);
    let retry = attempt.attempts.connect;
    let (targets, interrupt) = (request.targets, request.interrupt);
    let connecting = databases::connect(targets, plan, connections, retry, interrupt, console);
    let Some(connected) = connecting.await? else {
        return Ok(None);
    };
    let servers = connected.servers();
    // Boxed because the future is large.
    let work = Box::pin(async {
        let (mut connected, later, unreachable) = connected.into_parts(plan);
        if !later.is_empty() {
            let all = connected.len() + later.len();
            return Err(Error::Usage(format!(
                "one answer needs a connection to each of {all} databases at once; add -j {all}"
            )));
        }
        // Boxed because the futures are large.
        let within = Box::pin(databases::begin(&mut connected, &later, plan)).await?;
        let mut found = Box::pin(introspect(connected, &readings)).await?;
        let topology = {
            let listed: Vec<_> = found.iter().map(Introspected::listed).collect();
            let preferred = request.preferred;
            databases::topology(&listed, &[], plan, unreachable, preferred, console).await?
        };
        let shards = request.shards;
        let databases = open(&found, &topology);
        let selection = select::select_all_shards(shards, plan, &databases, console).await?;
        let session = |shard| Some(&of_shard(&found, shard)?.found.preflight.session);
        let lookups = OriginLookups::send(session, selection.origins.as_ref()).await;
        let (execution, plans) =
            choose(request, attempt, &readings, &found, &selection.shards).await?;
        report_drift(execution.catalog(), console);
        // The lookups have been answered by now.
        misplaced::refuse(lookups, &selection, &open(&found, &topology), plan, console).await?;
        for (database, plan) in found.iter_mut().zip(plans) {
            database.plan = plan;
        }
        let mut databases = databases::Prepared {
            databases: found.into_iter().map(Introspected::prepared).collect(),
            later: Vec::new(),
            topology,
            infos: DatabaseInfos::within(within),
        };
        databases.keep(&selection.shards).await?;
        Ok(Prepared {
            execution,
            selection,
            databases,
            locked,
        })
    });
    interruptible::run_in_all(&servers, request.interrupt, work).await
}

/// How to answer the statement, and what to run in each database.
async fn choose(
    request: &GlobalRequest<'_>,
    attempt: &GlobalAttempt,
    readings: &Readings<'_>,
    found: &[Introspected],
    shards: &[Shard],
) -> Result<(ExecutionPlan, Vec<Plan>), Error> {
    if let [only] = found {
        let options = options(request.global, attempt.strategy);
        let execution = prepare_in(only, readings, shards, &options).await?;
        let plan = match &execution {
            ExecutionPlan::SingleStatement(checked, _) => checked.plan.clone(),
            ExecutionPlan::PartialThenCombine(in_parts) => in_parts.plan.clone(),
        };
        return Ok((execution, vec![plan]));
    }
    // Only partials can be read in several databases.
    let options = &options(request.global, Strategy::Partial);
    let mut parts = Vec::new();
    let mut plans = Vec::new();
    for database in found {
        let shards = databases::own(shards, &database.target);
        if shards.is_empty() {
            plans.push(database.plan.clone());
            continue;
        }
        let session = &database.found.preflight.session;
        let in_parts = match prepare_in(database, readings, &shards, options).await {
            Ok(ExecutionPlan::PartialThenCombine(in_parts)) => in_parts,
            Ok(ExecutionPlan::SingleStatement(..)) => return Err(Error::Unstable(1)),
            Err(Error::Global(UnsupportedQuery::NotInParts(why))) => {
                // What no database accepts, such as a misspelt table, fails for that reason.
                let alone = &self::options(request.global, Strategy::One);
                return Err(match prepare_in(database, readings, &shards, alone).await {
                    Err(refused @ Error::Refused { .. }) => refused,
                    _ => UnsupportedQuery::SeveralDatabases(why).into(),
                });
            }
            Err(error) => return Err(error),
        };
        plans.push(in_parts.plan.clone());
        parts.push(DatabasePart {
            place: database.target.place(),
            plan: *in_parts,
            likeness: several::likeness(session).await.map_err(Error::Fanout)?,
        });
    }
    match several::combine(&parts)? {
        Some(combined) => Ok((ExecutionPlan::PartialThenCombine(Box::new(combined)), plans)),
        None => Err(Error::NoneReachable),
    }
}

async fn prepare_in(
    database: &Introspected,
    readings: &Readings<'_>,
    shards: &[Shard],
    options: &GlobalOptions,
) -> Result<ExecutionPlan, Error> {
    let Introspected { plan, found, .. } = database;
    let prepared = global::prepare(plan, readings, found, shards, options).await;
    let prepared = or_explanation(prepared, &found.preflight.session, plan).await?;
    Ok(prepared.plan)
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
        // Each session of a hub has snapshots of its own on the servers.
        _ if request.via.is_some() => 1,
        Strategy::Auto | Strategy::Partial if readings.may_be_partial() => {
            session_setup::connections(
                request.connections,
                request.shards,
                request.plan,
                request.targets,
            )
        }
        _ => 1,
    }
}
