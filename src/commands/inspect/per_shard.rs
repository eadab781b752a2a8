//! Runs a statement in every shard, at one snapshot per database: a run as that of `query`, so that
//! locks, rewritten tables and lost connections are handled as there.

use std::ops::AsyncFn;

use super::request::{InspectRequest, Selected};
use super::rows_by_shard::{Reading, RowsByShard};
use crate::commands::attempt::Attempts;
use crate::commands::databases::PreparedDatabase;
use crate::commands::error::{Error, advice};
use crate::commands::interruptible;
use crate::exec::driver::{self, OnShardError};
use crate::exec::merge::MergeMode;
use crate::exec::plan::Plan;
use crate::exec::run_report::{RunReport, RunStatus};
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;

/// How such a run ended.
pub struct ShardRun {
    report: RunReport,
    /// Of the user's; an error's position in one of ours means nothing.
    statement: Statement,
}

/// Runs `plan` in these shards, after `prepare` has completed the plan of each database. `None` if
/// interrupted.
pub async fn run<T>(
    request: &InspectRequest,
    plan: &Plan,
    reading: &Reading<T>,
    connections: usize,
    shards: &[Shard],
    prepare: impl AsyncFn(&mut PreparedDatabase) -> Result<(), Error>,
    console: &mut Console,
) -> Result<Option<(RowsByShard<T>, RunReport)>, Error> {
    let limits = connections.min(shards.len()).into();
    let interrupt = &request.interrupt;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let plan = attempts.plan(plan);
        let work = match request.select(&plan, limits, &attempts, console).await {
            Ok(Some(selected)) => prepared(selected, request, &prepare).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let Selected { prepared, .. } = match work {
            Ok(Some(selected)) => selected,
            Ok(None) => return Ok(None),
            Err(error) if error.is_transient() => {
                attempts.retry_after(&error, console);
                continue;
            }
            Err(error) => return Err(error),
        };
        let run = prepared.start(shards, MergeMode::IN_ORDER)?;
        let mut sink = RowsByShard::new(reading);
        let policy = OnShardError::Continue;
        let report = driver::drive(run, &mut sink, console, interrupt, policy).await;
        let report = report.map_err(|error| Error::Sink(error.into()))?;
        match report.status {
            RunStatus::Retry => {
                attempts.retry(report.rewritten, "retrying at a new snapshot", console);
            }
            RunStatus::Interrupted => return Ok(None),
            _ => return Ok(Some((sink, report))),
        }
    }
}

/// `None` if interrupted.
async fn prepared(
    mut selected: Selected,
    request: &InspectRequest,
    prepare: &impl AsyncFn(&mut PreparedDatabase) -> Result<(), Error>,
) -> Result<Option<Selected>, Error> {
    let servers = selected.prepared.servers();
    let work = async {
        for database in &mut selected.prepared.databases {
            prepare(database).await?;
        }
        Ok(selected)
    };
    interruptible::run_in_all(&servers, &request.interrupt, work).await
}

impl ShardRun {
    pub fn new(report: RunReport, statement: Statement) -> Self {
        Self { report, statement }
    }

    pub fn has_answered(&self, shard: Shard) -> bool {
        self.report.has_answered(shard)
    }

    /// Reports why shards have not.
    pub fn say_failures(&self, console: &mut Console) {
        let RunReport {
            queried,
            failures,
            explanations,
            notices,
            ..
        } = &self.report;
        notices.say(*queried, &self.statement, console);
        let advice = |error: &_| explanations.of(error).or_else(|| advice(error));
        for message in failures.describe(*queried, &self.statement, advice) {
            console.error(&message);
        }
    }
}
