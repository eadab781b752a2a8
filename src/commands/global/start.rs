//! Starts the final statement of a global query, after the partials if there are any.

use super::GlobalRequest;
use super::attempt::{RunningStatement, StartResult};
use super::failure::timeout_hint;
use super::gather::{GatherResult, gather};
use super::prepare::Prepared;
use crate::client::notices::Notices;
use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::exec::driver::Run;
use crate::exec::fanout::{DatabaseRun, Preflight};
use crate::exec::merge::MergeMode;
use crate::exec::plan::Plan;
use crate::exec::type_names::TypeNames;
use crate::global::ExecutionPlan;
use crate::sharding::discovered::Discovered;
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
            scope,
            preflight,
            server,
            pending_connections,
        } = self;
        let mut said = Notices::default();
        let (plan, mut preflight, parts) = match &execution {
            ExecutionPlan::SingleStatement(checked, _) => {
                drop(pending_connections);
                (checked.plan.clone(), preflight, Vec::new())
            }
            ExecutionPlan::PartialThenCombine(in_parts) => {
                let round_trip = preflight.round_trip;
                let gathering = gather(
                    in_parts,
                    preflight,
                    server.clone(),
                    pending_connections,
                    request.interrupt,
                    console,
                );
                let gathered = match gathering.await {
                    GatherResult::Complete(all) => Ok(all),
                    GatherResult::Fallback(why) => Err(StartResult::PartialsFailed(why)),
                    GatherResult::TimedOut(shard, error) => {
                        let hint = timeout_hint(shard, &error, &request.plan.layout, &server).await;
                        let error = Error::Part { shard, error, hint };
                        Err(StartResult::TimedOut(Box::new(error)))
                    }
                    GatherResult::Retry(rewritten) => Err(StartResult::Retry(rewritten)),
                    GatherResult::Interrupted => Err(StartResult::Interrupted),
                };
                let all = match gathered {
                    Ok(all) => all,
                    Err(failed) => {
                        server.close().await;
                        return Ok(failed);
                    }
                };
                let preflight = Preflight {
                    session: all.session,
                    shards: Discovered::default(),
                    types: TypeNames::default(),
                    round_trip,
                };
                said = server.take_notices().of_other_text();
                (in_parts.combine_plan(&all.parts), preflight, all.answers)
            }
        };
        let plan = Plan {
            transfer: request.plan.transfer.clone(),
            ..plan
        };
        let parsing = session_setup::prepare_copy(&mut preflight.session, &plan);
        let Some(plan) = session_setup::run_or_cancel(&server, request.interrupt, parsing).await?
        else {
            return Ok(StartResult::Interrupted);
        };
        // It runs as if it were the statement of the first shard.
        let run = DatabaseRun {
            plan,
            shards: vec![selection.shards[0]],
            server,
            preflight,
            pending_connections: Vec::new(),
        };
        let started = Run::new(vec![run], MergeMode::IN_ORDER)
            .over(execution.catalog().shards.len())
            .with_notices(said);
        Ok(StartResult::Started(Box::new(RunningStatement {
            started,
            execution,
            selection,
            scope,
            parts,
        })))
    }
}
