//! Starts the final statement of a global query, after the partials if there are any.

use super::GlobalRequest;
use super::attempt::{RunningStatement, StartResult};
use super::failure::timeout_hint;
use super::gather::{GatherResult, gather};
use super::prepare::Prepared;
use crate::client::ConnectionPool;
use crate::client::notices::Notices;
use crate::commands::databases;
use crate::commands::error::Error;
use crate::commands::federate::Via;
use crate::commands::interruptible;
use crate::commands::session_setup;
use crate::exec::databases::{Databases, OpenDatabase};
use crate::exec::driver::Run;
use crate::exec::fanout::{DatabaseRun, DatabaseStart, Preflight, ShardStats};
use crate::exec::hints;
use crate::exec::merge::MergeMode;
use crate::exec::plan::Plan;
use crate::exec::type_names::TypeNames;
use crate::global::ExecutionPlan;
use crate::sharding::discovered::Discovered;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;

impl Prepared {
    /// Starts the final statement, after the partials if there are any.
    pub async fn start(
        self,
        request: &GlobalRequest<'_>,
        console: &mut Console,
    ) -> Result<StartResult, Error> {
        let Self {
            execution,
            selection,
            databases,
            locked,
        } = self;
        let scope = databases.scope();
        let (scope, snapshots) = match request.via {
            Some(_) => Via::describe(scope),
            None => (
                scope,
                databases.snapshots(request.plan.instant, &selection.shards),
            ),
        };
        let last = match last(&execution, databases, request, console).await? {
            Ok(last) => last,
            Err(failed) => return Ok(failed),
        };
        let LastStatement {
            plan,
            shard,
            server,
            mut preflight,
            notices,
            parts,
        } = last;
        let plan = Plan {
            transfer: request.plan.transfer.clone(),
            ..plan
        };
        let parsing = session_setup::prepare_copy(&mut preflight.session, &plan);
        let Some(plan) = interruptible::run(&server, request.interrupt, parsing).await? else {
            return Ok(StartResult::Interrupted);
        };
        let run = DatabaseRun {
            plan,
            // It runs as if it were the statement of that shard.
            shards: vec![shard],
            server,
            start: DatabaseStart::Now {
                preflight: Box::new(preflight),
                pending_connections: Vec::new(),
            },
        };
        let started = Run::new(vec![run], MergeMode::IN_ORDER)
            .over(execution.catalog().shards.len())
            .with_notices(notices);
        Ok(StartResult::Started(Box::new(RunningStatement {
            started,
            execution,
            selection,
            scope,
            snapshots,
            parts,
            locked,
        })))
    }
}

/// The final statement, and the database that it runs in.
struct LastStatement {
    plan: Plan,
    /// Any one of that database.
    shard: Shard,
    server: ConnectionPool,
    preflight: Preflight,
    /// Of the partials before it.
    notices: Notices,
    parts: Vec<(Shard, ShardStats)>,
}

/// The final statement in the first database, after the partials if there are any. If there is
/// none, everything is closed.
async fn last(
    execution: &ExecutionPlan,
    databases: databases::Prepared,
    request: &GlobalRequest<'_>,
    console: &mut Console,
) -> Result<Result<LastStatement, StartResult>, Error> {
    let shards = &execution.catalog().shards;
    let first = databases.only_or_first()?;
    let (server, round_trip) = (first.server.clone(), first.preflight.round_trip);
    let of_first = |shard: &&Shard| shard.database() == first.target.database;
    let shard = *shards.iter().find(of_first).unwrap_or(&shards[0]);
    let in_parts = match execution {
        ExecutionPlan::PartialThenCombine(in_parts) => in_parts,
        ExecutionPlan::SingleStatement(checked, _) => {
            return Ok(Ok(LastStatement {
                plan: checked.plan.clone(),
                shard,
                server,
                preflight: databases.into_only()?,
                notices: Notices::default(),
                parts: Vec::new(),
            }));
        }
    };
    let runs = databases.runs(shards)?;
    let databases = Databases::of(&runs);
    let failed = match gather(in_parts, runs, request.interrupt, console).await {
        GatherResult::Complete(all) => {
            let notices = databases.take_notices().of_other_text();
            databases.close_others().await;
            return Ok(Ok(LastStatement {
                plan: in_parts.combine_plan(&all.parts),
                shard,
                server,
                preflight: Preflight {
                    session: all.session,
                    shards: Discovered::default(),
                    types: TypeNames::default(),
                    round_trip,
                },
                notices,
                parts: all.answers,
            }));
        }
        GatherResult::Fallback(why) => StartResult::PartialsFailed(why),
        GatherResult::TimedOut(shard, error) => {
            let hint = match databases.of_shard(shard) {
                Some(database) => {
                    let OpenDatabase { server, layout, .. } = database;
                    timeout_hint(shard, &error, layout, server).await
                }
                None => hints::LOCKED.to_owned(),
            };
            let error = Error::Part { shard, error, hint };
            StartResult::TimedOut(Box::new(error))
        }
        GatherResult::Retry(rewritten) => StartResult::Retry(rewritten),
        GatherResult::Interrupted => StartResult::Interrupted,
    };
    databases.close().await;
    Ok(Err(failed))
}
