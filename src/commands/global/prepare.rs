//! Prepares a global query: connects, reads the catalog, chooses the strategy, and has the server
//! check the statement. Nothing of the user's runs yet.

use super::failure::or_explanation;
use super::flags::options;
use super::{GlobalAttempt, GlobalRequest};
use crate::client::{ConnectionPool, PendingConnection};
use crate::commands::error::Error;
use crate::commands::origin::{KeyLocations, Located, OriginLookups};
use crate::commands::{select, session_setup};
use crate::exec::copy::ResultProtocol;
use crate::exec::fanout::Preflight;
use crate::exec::plan::Plan;
use crate::global::schema_diff::by_shard;
use crate::global::{self, Catalog, ExecutionPlan, Introspection, Readings, Strategy};
use crate::sharding::selection::Selection;
use crate::terminal::console::Console;
use crate::terminal::summary::Scope;

/// Ready to run.
pub(in crate::commands) struct Prepared {
    pub execution: ExecutionPlan,
    /// The selected shards, including those that are skipped.
    pub selection: Selection,
    pub scope: Scope,
    pub preflight: Preflight,
    pub server: ConnectionPool,
    pub pending_connections: Vec<PendingConnection>,
}

/// Connects, reads the catalog, chooses the strategy and has the server check the statement. `None`
/// if interrupted.
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
        let origin_lookups =
            OriginLookups::send(|_| Some(session), selection.origins.as_ref()).await;
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
