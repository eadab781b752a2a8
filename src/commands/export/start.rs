//! The start of an export: from the first connection to running workers.

use super::ExportRequest;
use crate::commands::databases::{self, DatabaseInfos, Prepared};
use crate::commands::error::Error;
use crate::commands::interruptible;
use crate::commands::misplaced;
use crate::commands::origin::OriginLookups;
use crate::commands::select;
use crate::commands::session_setup::{self, ConnectRetry, ServerInfo};
use crate::commands::setup;
use crate::exec::driver::Run;
use crate::exec::merge::MergeMode;
use crate::exec::plan::Plan;
use crate::exec::type_names::DatabaseTypes;
use crate::export::resume::load_previous;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
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
    pub types: DatabaseTypes,
    /// Of the first database.
    pub server_info: ServerInfo,
    /// All databases that were opened so far, if there are several.
    pub databases: DatabaseInfos,
    /// The selected shards.
    pub selection: Selection,
    pub scope: Scope,
}

/// Connects, runs the preflights, and starts the workers. `None` if interrupted.
pub async fn start(
    request: &ExportRequest<'_>,
    connect_retry: ConnectRetry,
    console: &mut Console,
    chosen: &mut ShardSelection<'_>,
) -> Result<Option<ExportStarted>, Error> {
    let ExportRequest {
        args,
        plan,
        interrupt,
        ..
    } = *request;
    let (targets, retry) = (request.targets, connect_retry);
    let wanted = args.run.connections;
    let connections = session_setup::connections(wanted, &args.shards, plan, targets);
    let connecting = databases::connect(targets, plan, connections, retry, interrupt, console);
    let Some(connected) = connecting.await? else {
        return Ok(None);
    };
    let servers = connected.servers();
    // Boxed because the future is large.
    let work = Box::pin(async {
        let preferred = &args.connection.prefer;
        let mut prepared = databases::prepare(connected, plan, preferred, console).await?;
        let selection = choose(request, &prepared, console).await?;
        let lookups = OriginLookups::send(
            |shard| prepared.session_of(shard),
            selection.origins.as_ref(),
        );
        let mut lookups = Some(lookups.await);
        let shards = (chosen.pick)(selection.shards.clone())?;
        // Other databases, where a key may be, are closed next.
        if let Some(lookups) = lookups.take_if(|_| prepared.databases.len() > 1) {
            misplaced::refuse(lookups, &selection, &prepared.open(), plan, console).await?;
        }
        prepared.keep(&selection.shards).await?;
        let plan = prepared.prepare_copy().await?;
        let server_info = prepared.server_info(&shards).await?;
        if let Some(lookups) = lookups {
            // They have been answered by now.
            misplaced::refuse(lookups, &selection, &prepared.open(), &plan, console).await?;
        }
        let (scope, databases) = (prepared.scope(), prepared.infos.clone());
        let started = prepared.start(&shards, chosen.merge_mode)?;
        Ok(ExportStarted {
            types: started.types(),
            started,
            plan,
            server_info,
            databases,
            selection,
            scope,
        })
    });
    interruptible::run_in_all(&servers, interrupt, work).await
}

/// If shards may be missing, only `--allow-partial` continues.
async fn choose(
    request: &ExportRequest<'_>,
    prepared: &Prepared,
    console: &mut Console,
) -> Result<Selection, Error> {
    let (plan, shards) = (request.plan, &request.args.shards);
    let databases = prepared.open();
    if request.args.output.allow_partial {
        select::select_shards(shards, plan, &databases, console).await
    } else {
        select::select_all_shards(shards, plan, &databases, console).await
    }
}

/// Prints what would be sent to which shards. The statement is checked but not run.
pub async fn dry_run(request: &ExportRequest<'_>, console: &mut Console) -> Result<Exit, Error> {
    let ExportRequest {
        args,
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
    let (targets, retry) = (request.targets, ConnectRetry::FailFast);
    let connecting = databases::connect(targets, plan, 1, retry, interrupt, console);
    let Some(connected) = connecting.await? else {
        return Ok(Exit::Interrupted);
    };
    let servers = connected.servers();
    let work = async {
        let preferred = &args.connection.prefer;
        let mut prepared = databases::prepare(connected, plan, preferred, console).await?;
        let selection = choose(request, &prepared, console).await?;
        let shards = match &earlier {
            Some(earlier) => earlier.left(&selection.shards),
            None => selection.shards,
        };
        prepared.prepare_copy().await?;
        Ok(prepared.describe(&shards).await)
    };
    let Some(described) = interruptible::run_in_all(&servers, interrupt, work).await? else {
        return Ok(Exit::Interrupted);
    };
    setup::print(described, interrupt).await
}
