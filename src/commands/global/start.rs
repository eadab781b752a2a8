//! Starts the final statement of a global query, after the partials if there are any.

use super::GlobalRequest;
use super::attempt::{RunningStatement, StartResult};
use super::failure::timeout_hint;
use super::gather::{GatherResult, gather};
use super::prepare::Prepared;
use crate::client::notices::Notices;
use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::exec::databases::{Databases, OpenDatabase};
use crate::exec::driver::Run;
use crate::exec::fanout::{DatabaseRun, Preflight, ShardStats};
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
        } = self;
        let (scope, snapshots) = (
            databases.scope(),
            databases.snapshots(request.plan.instant, &selection.shards),
        );
        let runs = databases.runs(&execution.catalog().shards);
        let (run, notices, parts) = match final_run(&execution, runs, request, console).await {
            Ok(run) => run,
            Err(failed) => return Ok(failed),
        };
        let DatabaseRun {
            plan,
            shards,
            server,
            mut preflight,
            ..
        } = run;
        let plan = Plan {
            transfer: request.plan.transfer.clone(),
            ..plan
        };
        let parsing = session_setup::prepare_copy(&mut preflight.session, &plan);
        let Some(plan) = session_setup::run_or_cancel(&server, request.interrupt, parsing).await?
        else {
            return Ok(StartResult::Interrupted);
        };
        let run = DatabaseRun {
            plan,
            // It runs as if it were the statement of the first shard.
            shards: shards.into_iter().take(1).collect(),
            server,
            preflight,
            pending_connections: Vec::new(),
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
        })))
    }
}

/// The final statement in the first database, after the partials if there are any; with their
/// notices and statistics. Otherwise everything is closed.
async fn final_run(
    execution: &ExecutionPlan,
    mut runs: Vec<DatabaseRun>,
    request: &GlobalRequest<'_>,
    console: &mut Console,
) -> Result<(DatabaseRun, Notices, Vec<(Shard, ShardStats)>), StartResult> {
    let in_parts = match execution {
        ExecutionPlan::PartialThenCombine(in_parts) => in_parts,
        ExecutionPlan::SingleStatement(checked, _) => {
            let run = runs.swap_remove(0);
            let plan = checked.plan.clone();
            return Ok((DatabaseRun { plan, ..run }, Notices::default(), Vec::new()));
        }
    };
    let databases = Databases::of(&runs);
    let first = &runs[0];
    let (shards, server) = (first.shards.clone(), first.server.clone());
    let round_trip = first.preflight.round_trip;
    let failed = match gather(in_parts, runs, request.interrupt, console).await {
        GatherResult::Complete(all) => {
            let notices = databases.take_notices().of_other_text();
            databases.close_others().await;
            let run = DatabaseRun {
                plan: in_parts.combine_plan(&all.parts),
                shards,
                server,
                preflight: Preflight {
                    session: all.session,
                    shards: Discovered::default(),
                    types: TypeNames::default(),
                    round_trip,
                },
                pending_connections: Vec::new(),
            };
            return Ok((run, notices, all.answers));
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
    Err(failed)
}
