//! The start of an export: from the first connection to running workers.

use super::ExportRequest;
use crate::commands::error::Error;
use crate::commands::origin::{KeyLocations, Located, OriginLookups};
use crate::commands::select;
use crate::commands::session_setup::{self, ConnectRetry, ServerInfo};
use crate::commands::setup;
use crate::exec::driver::Run;
use crate::exec::fanout::Preflight;
use crate::exec::merge::MergeMode;
use crate::exec::plan::Plan;
use crate::exec::type_names::TypeNames;
use crate::export::resume::load_previous;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::Scope;

/// Which of the selected shards are queried, and how their rows are merged.
pub struct ShardSelection<'a> {
    pub merge_mode: MergeMode,
    pub pick: &'a mut dyn FnMut(Vec<Shard>) -> Result<Vec<Shard>, Error>,
}

/// A started run, and what the manifest records about it.
pub struct ExportStarted {
    pub started: Run,
    /// With the statement in the form that COPY accepts.
    pub plan: Plan,
    pub types: TypeNames,
    pub server_info: ServerInfo,
    /// The selected shards.
    pub selection: Selection,
    pub scope: Scope,
}

/// Connects, runs the preflight, and starts the workers. `None` if interrupted.
pub async fn start(
    request: &ExportRequest<'_>,
    connect_retry: ConnectRetry,
    console: &mut Console,
    chosen: &mut ShardSelection<'_>,
) -> Result<Option<ExportStarted>, Error> {
    let ExportRequest {
        args,
        settings,
        plan,
        interrupt,
        ..
    } = *request;
    let connections = session_setup::connections(args.run.connections, &args.shards, plan);
    let opened = tokio::select! {
        opened = session_setup::open(settings, connections, connect_retry, console) => opened?,
        () = interrupt.requested() => return Ok(None),
    };
    let server = opened.server.clone();
    let work = async {
        let mut preflight = session_setup::preflight(opened.first, plan).await?;
        let topology = session_setup::topology(&preflight, &plan.layout, settings).await?;
        let selection = choose(request, &preflight, &topology, console).await?;
        let origin_lookups =
            OriginLookups::send(&preflight.session, selection.origins.as_ref()).await;
        let shards = (chosen.pick)(selection.shards.clone())?;
        let plan = session_setup::prepare_copy(&mut preflight.session, plan).await?;
        let mut server_info = session_setup::fetch_server_info(&preflight.session, &plan).await?;
        // The lookups have been answered by now.
        if let Some(origins) = &selection.origins {
            let places = KeyLocations {
                session: &preflight.session,
                topology: &topology,
                shard_count: origins.shard_count,
                plan: &plan,
            };
            let located = Located::by(origin_lookups, places, console).await?;
            located.or_refuse(console)?;
        }
        Located::of_keys(selection.keys.as_ref()).or_refuse(console)?;
        // The progress estimate must not include shards that are not queried.
        let rows = &mut server_info.shard_rows;
        rows.retain(|shard, _| shards.binary_search(shard).is_ok());
        let types = preflight.types.clone();
        let started = Run::new(
            &plan,
            shards,
            preflight,
            opened.server,
            opened.pending_connections,
            chosen.merge_mode,
        );
        Ok(ExportStarted {
            started,
            plan,
            types,
            server_info,
            selection,
            scope: session_setup::scope(&server, &topology),
        })
    };
    session_setup::run_or_cancel(&server, interrupt, work).await
}

/// If shards may be missing, only `--allow-partial` continues.
async fn choose(
    request: &ExportRequest<'_>,
    preflight: &Preflight,
    topology: &Topology,
    console: &mut Console,
) -> Result<Selection, Error> {
    let (plan, shards) = (request.plan, &request.args.shards);
    if request.args.output.allow_partial {
        select::select_shards(shards, plan, preflight, topology, console).await
    } else {
        select::select_all_shards(shards, plan, preflight, topology, console).await
    }
}

/// Prints what would be sent to which shards. The statement is checked but not run.
pub async fn dry_run(request: &ExportRequest<'_>, console: &mut Console) -> Result<Exit, Error> {
    let ExportRequest {
        args,
        settings,
        plan,
        interrupt,
        ..
    } = *request;
    let earlier = if args.output.resume {
        tokio::select! {
            earlier = load_previous(&args.output.output) => Some(earlier?),
            () = interrupt.requested() => return Ok(Exit::Interrupted),
        }
    } else {
        None
    };
    let opened = tokio::select! {
        opened = session_setup::open(settings, 1, ConnectRetry::FailFast, console) => opened?,
        () = interrupt.requested() => return Ok(Exit::Interrupted),
    };
    let work = async {
        let mut preflight = session_setup::preflight(opened.first, plan).await?;
        let topology = session_setup::topology(&preflight, &plan.layout, settings).await?;
        let selection = choose(request, &preflight, &topology, console).await?;
        let shards = match &earlier {
            Some(earlier) => earlier.left(&selection.shards),
            None => selection.shards,
        };
        let plan = session_setup::prepare_copy(&mut preflight.session, plan).await?;
        Ok(plan.describe(&shards))
    };
    let Some(described) = session_setup::run_or_cancel(&opened.server, interrupt, work).await?
    else {
        return Ok(Exit::Interrupted);
    };
    opened.server.close().await;
    setup::print(described, interrupt).await
}
