//! The beginning of an export: from the first connection to lanes that are going.

use crate::cli::export::ExportArgs;
use crate::commands::error::Error;
use crate::commands::origin::{Located, Looks, Places};
use crate::commands::query;
use crate::commands::session_setup::{self, Acquaintance, Circumstances};
use crate::exec::driver::Started;
use crate::exec::merge::Delivery;
use crate::exec::plan::Plan;
use crate::exec::type_names::TypeNames;
use crate::export::resume::load_previous;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use super::Asked;

/// Which of the shards that were asked for are asked, and how their rows come.
pub struct Chosen<'a> {
    pub delivery: Delivery,
    pub pick: &'a mut dyn FnMut(Vec<Shard>) -> Result<Vec<Shard>, Error>,
}

/// A run under way, and what the manifest will say of it.
pub struct Begun {
    pub started: Started,
    /// With the statement as COPY takes it.
    pub plan: Plan,
    pub types: TypeNames,
    pub circumstances: Circumstances,
    /// All that were asked for.
    pub selection: Selection,
}

/// Connects, surveys, and sets the lanes going. `None` if interrupted.
pub async fn start(
    asked: &Asked<'_>,
    acquaintance: Acquaintance,
    console: &mut Console,
    chosen: &mut Chosen<'_>,
) -> Result<Option<Begun>, Error> {
    let Asked {
        args,
        settings,
        plan,
        interrupt,
        ..
    } = *asked;
    let connections = session_setup::connections(args.run.connections, &args.shards, plan);
    let opened = tokio::select! {
        opened = session_setup::open(settings, connections, acquaintance, console) => opened?,
        () = interrupt.requested() => return Ok(None),
    };
    let server = opened.server.clone();
    let work = async {
        let mut survey = session_setup::survey(opened.first, plan).await?;
        let topology = session_setup::topology(&survey, settings).await?;
        let selection = choose(args, &topology, console)?;
        let looks = Looks::send(&survey.session, selection.origins.as_ref()).await;
        let shards = (chosen.pick)(selection.shards.clone())?;
        let plan = session_setup::copyable(&mut survey.session, plan).await?;
        let mut circumstances = session_setup::circumstances(&survey.session).await?;
        // The looks are answered by now.
        if let Some(origins) = &selection.origins {
            let places = Places {
                session: &survey.session,
                topology: &topology,
                modulus: origins.modulus,
                limits: plan.limits,
            };
            let located = Located::by(looks, places, console).await?;
            located.or_refuse(console)?;
        }
        // What is not asked is nothing to wait for.
        let rows = &mut circumstances.shard_rows;
        rows.retain(|shard, _| shards.binary_search(shard).is_ok());
        let types = survey.types.clone();
        let started = Started::new(
            &plan,
            shards,
            survey,
            opened.server,
            opened.spares,
            chosen.delivery,
        );
        Ok(Begun {
            started,
            plan,
            types,
            circumstances,
            selection,
        })
    };
    session_setup::or_close(&server, interrupt, work).await
}

/// Only a file that may lack shards is written while some may be missing.
fn choose(
    args: &ExportArgs,
    topology: &Topology,
    console: &mut Console,
) -> Result<Selection, Error> {
    if args.output.allow_partial {
        session_setup::choose(&args.shards, topology, console)
    } else {
        session_setup::choose_all(&args.shards, topology, console)
    }
}

/// Prints what would be sent, to the shards that would be asked. The statement is
/// checked, and run nowhere.
pub async fn dry_run(asked: &Asked<'_>, console: &mut Console) -> Result<Exit, Error> {
    let Asked {
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
        opened = session_setup::open(settings, 1, Acquaintance::First, console) => opened?,
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
        let plan = session_setup::copyable(&mut survey.session, plan).await?;
        Ok(plan.describe(&shards))
    };
    let Some(described) = session_setup::or_close(&opened.server, interrupt, work).await? else {
        return Ok(Exit::Interrupted);
    };
    opened.server.close().await;
    query::print(described, interrupt).await
}
