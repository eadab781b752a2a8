//! Looks for a key in several databases: where it belongs, then in all of them.

use jiff::Timestamp;

use super::FindRequest;
use super::routed::{FindOutcome, Routed};
use super::routing;
use super::search::{ExpectedShardResult, Found, Search};
use crate::commands::databases::{self, Prepared, PreparedDatabase, Targets};
use crate::commands::error::Error;
use crate::commands::{select, session_setup};
use crate::exec::cancel::Interrupt;
use crate::find::lookup::Lookup;
use crate::find::report::FindVerdict;
use crate::sharding::routing::key::{Key, RouteScope};
use crate::sharding::routing::rule::Route;
use crate::sharding::selection::Selection;
use crate::terminal::console::Console;

/// Databases of a server that are searched at once, over a connection each.
const DATABASES: usize = 16;

/// Looks for the key. `None` if interrupted.
pub async fn look(
    request: FindRequest<'_>,
    targets: &Targets,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Option<FindOutcome>, Error> {
    let retry = session_setup::ConnectRetry::FailFast;
    let plan = request.plan;
    let connecting = databases::connect(targets, plan, DATABASES, retry, interrupt, console);
    let Some(connected) = connecting.await? else {
        return Ok(None);
    };
    let servers = connected.servers();
    let work = async {
        let preferred = &request.args.connection.prefer;
        let prepared = databases::prepare(connected, plan, preferred, console).await?;
        if !prepared.later.is_empty() {
            return Err(Error::Usage(format!(
                "a key is searched for in at most {DATABASES} databases of a server; name fewer \
                 with --databases"
            )));
        }
        let found = search(request, &prepared, console).await?;
        prepared.close().await;
        Ok(found)
    };
    session_setup::run_or_cancel_all(&servers, interrupt, work).await
}

async fn search(
    request: FindRequest<'_>,
    prepared: &Prepared,
    console: &mut Console,
) -> Result<FindOutcome, Error> {
    let FindRequest {
        settings,
        key,
        plan,
        ..
    } = request;
    let topology = &prepared.topology;
    select::warn_of_names(topology, console);
    for unreachable in topology.unreachable() {
        console.error(unreachable);
    }
    let selection = select::filtered(plan, prepared.first()?, topology).await?;
    let own: Vec<_> = (prepared.databases.iter())
        .map(|database| of_database(&selection, database))
        .collect();
    let search = |database, selection| search_in(request, prepared, database, selection);
    let first = search(prepared.only_or_first()?, &selection);
    let now = Timestamp::now();
    let scope = RouteScope {
        layout: &plan.layout,
        shards: Some(first.shard_count),
        now,
    };
    let computed = routing::computed(&first, settings).await?;
    // A rule knows the shard's name, not its database.
    let route = routing::route(key, &scope, computed.as_ref())?.map(|route| Route {
        shard: topology.named(route.shard.name()).unwrap_or(route.shard),
        ..route
    });
    let home = route.as_ref().ok().map(|route| route.shard);
    let routed = Routed {
        search: first,
        route,
        now,
    };
    if let Key::Listed { .. } = key {
        return Ok(routed.listed(console));
    }
    let parts = || prepared.databases.iter().zip(&own);
    let is_home = |database: &PreparedDatabase| {
        home.is_some_and(|shard| shard.database() == database.target.database)
    };
    let at_home = match (home, parts().find(|(database, _)| is_home(database))) {
        (Some(shard), Some((database, own))) => {
            search(database, own)
                .in_expected_shard(shard, console)
                .await?
        }
        _ => ExpectedShardResult::NotFound,
    };
    if let ExpectedShardResult::Found(hits) = at_home {
        return Ok(FindOutcome::without_search(
            routed.report(FindVerdict::Verified(hits), None),
        ));
    }
    let mut found: Option<Found> = None;
    for (database, own) in parts().filter(|(_, own)| !own.shards.is_empty()) {
        let here = search(database, own).in_selected_shards(console).await?;
        match &mut found {
            Some(found) => found.extend(here),
            None => found = Some(here),
        }
    }
    let found = found.ok_or(Error::NoneReachable)?;
    let everywhere = first.everywhere(found, home);
    let location = prepared.scope().location;
    let outcome = routed
        .conclude(at_home, everywhere, settings, location)
        .await?;
    Ok(FindOutcome {
        snapshots: prepared.snapshots(plan.instant, &selection.shards),
        ..outcome
    })
}

/// The selected shards of this database.
fn of_database(selection: &Selection, database: &PreparedDatabase) -> Selection {
    Selection {
        shards: databases::own(&selection.shards, &database.target),
        ..selection.clone()
    }
}

fn search_in<'a>(
    request: FindRequest<'a>,
    prepared: &'a Prepared,
    database: &'a PreparedDatabase,
    selection: &'a Selection,
) -> Search<'a> {
    let FindRequest { args, key, .. } = request;
    let session = &database.preflight.session;
    session
        .connection()
        .wait_at_most(database.plan.limits.patience());
    Search {
        lookup: Lookup {
            key,
            layout: &database.plan.layout,
            session,
        },
        plan: &database.plan,
        topology: &prepared.topology,
        selection,
        shard_count: args.shard_count.unwrap_or(prepared.topology.shard_count()),
    }
}
