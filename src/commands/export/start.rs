//! The beginning of an export: from the first connection to lanes that are going.

use super::ExportRequest;
use crate::cli::export::ExportArgs;
use crate::commands::error::Error;
use crate::commands::origin::{KeyLocations, Located, Looks};
use crate::commands::session_setup::{self, ConnectRetry, ServerInfo};
use crate::commands::setup;
use crate::exec::driver::Run;
use crate::exec::merge::MergeMode;
use crate::exec::plan::Plan;
use crate::exec::type_names::TypeNames;
use crate::export::resume::load_previous;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

/// Which of the shards that were asked for are asked, and how their rows come.
pub struct ShardSelection<'a> {
    pub merge_mode: MergeMode,
    pub pick: &'a mut dyn FnMut(Vec<Shard>) -> Result<Vec<Shard>, Error>,
}

/// A run under way, and what the manifest will say of it.
pub struct ExportStarted {
    pub started: Run,
    /// With the statement as COPY takes it.
    pub plan: Plan,
    pub types: TypeNames,
    pub server_info: ServerInfo,
    /// All that were asked for.
    pub selection: Selection,
}

/// Connects, surveys, and sets the lanes going. `None` if interrupted.
pub async fn start(
    asked: &ExportRequest<'_>,
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
    } = *asked;
    let connections = session_setup::connections(args.run.connections, &args.shards, plan);
    let opened = tokio::select! {
        opened = session_setup::open(settings, connections, connect_retry, console) => opened?,
        () = interrupt.requested() => return Ok(None),
    };
    let server = opened.server.clone();
    let work = async {
        let mut survey = session_setup::survey(opened.first, plan).await?;
        let topology = session_setup::topology(&survey, settings).await?;
        let selection = choose(args, &topology, console)?;
        let looks = Looks::send(&survey.session, selection.origins.as_ref()).await;
        let shards = (chosen.pick)(selection.shards.clone())?;
        let plan = session_setup::prepare_copy(&mut survey.session, plan).await?;
        let mut server_info = session_setup::fetch_server_info(&survey.session).await?;
        // The looks are answered by now.
        if let Some(origins) = &selection.origins {
            let places = KeyLocations {
                session: &survey.session,
                topology: &topology,
                shard_count: origins.shard_count,
                limits: plan.limits,
            };
            let located = Located::by(looks, places, console).await?;
            located.or_refuse(console)?;
        }
        // What is not asked is nothing to wait for.
        let rows = &mut server_info.shard_rows;
        rows.retain(|shard, _| shards.binary_search(shard).is_ok());
        let types = survey.types.clone();
        let started = Run::new(
            &plan,
            shards,
            survey,
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
        })
    };
    session_setup::run_or_cancel(&server, interrupt, work).await
}

/// Only a file that may lack shards is written while some may be missing.
fn choose(
    args: &ExportArgs,
    topology: &Topology,
    console: &mut Console,
) -> Result<Selection, Error> {
    if args.output.allow_partial {
        session_setup::select_shards(&args.shards, topology, console)
    } else {
        session_setup::select_all_shards(&args.shards, topology, console)
    }
}

/// Prints what would be sent, to the shards that would be asked. The statement is
/// checked, and run nowhere.
pub async fn dry_run(asked: &ExportRequest<'_>, console: &mut Console) -> Result<Exit, Error> {
    let ExportRequest {
        args,
        settings,
        plan,
        interrupt,
        ..
    } = *asked;
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
        let mut survey = session_setup::survey(opened.first, plan).await?;
        let topology = session_setup::topology(&survey, settings).await?;
        let shards = choose(args, &topology, console)?.shards;
        let shards = match &earlier {
            Some(earlier) => earlier.left(&shards),
            None => shards,
        };
        let plan = session_setup::prepare_copy(&mut survey.session, plan).await?;
        Ok(plan.describe(&shards))
    };
    let Some(described) = session_setup::run_or_cancel(&opened.server, interrupt, work).await?
    else {
        return Ok(Exit::Interrupted);
    };
    opened.server.close().await;
    setup::print(described, interrupt).await
}
