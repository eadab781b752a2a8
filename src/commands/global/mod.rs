//! Global queries, for `query -g` and `export -g`: `prepare` connects, reads the catalog and
//! chooses the strategy; `start` computes the partials, if it is that, and starts the final
//! statement; `attempt` decides what follows if it could not start.

mod attempt;
pub mod failure;
pub mod flags;
pub mod gather;
mod introspected;
mod prepare;
mod start;

use crate::cli::query::{GlobalArgs, ShardArgs};
use crate::commands::databases::Targets;
use crate::commands::error::Error;
use crate::commands::federate::Via;
use crate::exec::cancel::Interrupt;
use crate::exec::fanout::ShardStats;
use crate::exec::plan::Plan;
use crate::exec::timing;
use crate::global::ExecutionPlan;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

pub(super) use attempt::{GlobalAttempt, StartResult};
pub(super) use prepare::prepare;

/// What was requested, except for the output.
#[derive(Clone, Copy)]
pub(super) struct GlobalRequest<'a> {
    pub global: &'a GlobalArgs,
    pub shards: &'a ShardArgs,
    pub connections: usize,
    pub targets: &'a Targets,
    /// Of servers that have the same shards, which to read.
    pub preferred: &'a [String],
    /// The user's statement, and the protocol for its result.
    pub plan: &'a Plan,
    pub interrupt: &'a Interrupt,
    /// The hub that answers, which the targets consist of.
    pub via: Option<&'a Via>,
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
    prepared.databases.close().await;
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
