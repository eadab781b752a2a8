//! The beginning of an export: from the first connection to lanes that are going.

use crate::commands::connect::{self, Acquaintance, Circumstances};
use crate::commands::query;
use crate::console::Console;
use crate::error::Error;
use crate::exit::Exit;
use crate::merge::Delivery;
use crate::plan::Plan;
use crate::run::Started;
use crate::shard::Shard;
use crate::types::TypeNames;

use super::{Asked, per_shard};

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
    let connections = connect::connections(args.run.connections, &args.shards, plan);
    let opened = tokio::select! {
        opened = connect::open(settings, connections, acquaintance, console) => opened?,
        () = interrupt.requested() => return Ok(None),
    };
    let server = opened.server.clone();
    let work = async {
        let mut survey = connect::survey(opened.first, plan).await?;
        let topology = connect::topology(&survey, settings).await?;
        let shards = connect::choose(&args.shards, &topology, console)?;
        let shards = (chosen.pick)(shards)?;
        let plan = connect::copyable(&mut survey.session, plan).await?;
        let mut circumstances = connect::circumstances(&survey.session).await?;
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
        })
    };
    connect::or_close(&server, interrupt, work).await
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
    let earlier = tokio::select! {
        earlier = per_shard::to_go_on_with(&args.output) => earlier?,
        () = interrupt.requested() => return Ok(Exit::Interrupted),
    };
    let opened = tokio::select! {
        opened = connect::open(settings, 1, Acquaintance::First, console) => opened?,
        () = interrupt.requested() => return Ok(Exit::Interrupted),
    };
    let work = async {
        let mut survey = connect::survey(opened.first, plan).await?;
        let topology = connect::topology(&survey, settings).await?;
        let shards = connect::choose(&args.shards, &topology, console)?;
        let shards = match &earlier {
            Some(earlier) => earlier.left(&shards),
            None => shards,
        };
        let plan = connect::copyable(&mut survey.session, plan).await?;
        Ok(plan.describe(&shards))
    };
    let Some(described) = connect::or_close(&opened.server, interrupt, work).await? else {
        return Ok(Exit::Interrupted);
    };
    opened.server.close().await;
    query::print(described, interrupt).await
}
