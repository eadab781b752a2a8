//! The end of a global export: publishes the file if the answer is complete, writes the manifest,
//! reports the outcome. Differs from the export of shards in that a result with one shard failed
//! is no result, and that no row or error belongs to a shard.

use std::path::Path;

use jiff::Timestamp;

use super::request;
use crate::commands::databases::DatabaseInfos;
use crate::commands::error::Error;
use crate::commands::export::ExportRequest;
use crate::commands::global;
use crate::commands::global::failure::failure;
use crate::commands::session_setup::ServerInfo;
use crate::exec::fanout::ShardStats;
use crate::exec::plan::Plan;
use crate::exec::run_report::{RunReport, RunStatus};
use crate::export::manifest::ColumnRecord;
use crate::export::{ExportError, ExportTarget, OneFile, manifest_builder};
use crate::global::ExecutionPlan;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{ResultSummary, Scope, SnapshotCount, Summary};

/// A finished run.
pub(super) struct FinishedRun<'a> {
    pub request: &'a ExportRequest<'a>,
    pub plan: Plan,
    pub execution: ExecutionPlan,
    /// The selected shards.
    pub selection: Selection,
    pub scope: Scope,
    pub snapshots: SnapshotCount,
    pub parts: Vec<(Shard, ShardStats)>,
    /// Of the first database.
    pub server_info: ServerInfo,
    /// All databases, if there are several.
    pub databases: DatabaseInfos,
    /// The servers that a hub read.
    pub behind_hub: Vec<String>,
    pub began: Timestamp,
    pub outcome: RunReport,
    /// For the manifest, or why they are unknown.
    pub columns: Result<Vec<ColumnRecord>, String>,
}

/// Reports the outcome, and publishes the file if the answer is complete.
pub(super) async fn conclude(
    finished: FinishedRun<'_>,
    file: OneFile,
    console: &mut Console,
) -> Result<Exit, Error> {
    let outcome = &finished.outcome;
    let path = &finished.request.args.output.output;
    let (exit, written) = match outcome.status {
        RunStatus::Completed if outcome.failures.is_empty() => {
            let exit = global::exit(&finished.execution, &finished.selection.shards);
            (exit, publish(&finished, file).await.map(Some))
        }
        RunStatus::Interrupted => {
            // Do not wait for a reader that may be pausing.
            drop(file);
            (Exit::Interrupted, Ok(None))
        }
        _ => (Exit::Failed, file.abandon().await.map_or(Ok(None), Err)),
    };
    let answered = finished.execution.catalog().shards.len();
    let notices = &outcome.notices;
    notices.say(answered, &finished.plan.statement, console);
    let line = match written {
        Ok(line) => line,
        Err(ExportError::Closed) if outcome.failures.is_empty() => return Ok(Exit::Complete),
        Err(ExportError::Closed) => None,
        Err(error) => {
            if error.leaves_all_as_it_was() {
                not_written(path, console);
            }
            return Err(relabel_error(error).into());
        }
    };
    let Some(line) = line else {
        not_written(path, console);
        return match outcome.failures.first() {
            Some(error) => Err(failure(
                error.clone(),
                &finished.outcome.explanations,
                &finished.execution,
                &finished.plan,
            )),
            None => Ok(exit),
        };
    };
    console.note(&line);
    if finished.request.args.run.timing {
        console.note(&global::timing(&finished.parts));
    }
    let taking_part = &finished.execution.catalog().shards;
    let summary = Summary {
        extent: ResultSummary::new(
            outcome.answers.iter().map(|(_, answer)| answer.rows).sum(),
            &finished.selection,
            taking_part.len(),
            |shard| taking_part.contains(&shard),
            finished.snapshots,
        ),
        scope: finished.scope.clone(),
        elapsed: console.elapsed(),
    };
    console.summary(&summary.line());
    Ok(exit)
}

fn not_written(path: &Path, console: &mut Console) {
    if !ExportTarget::is_stream_path(path) {
        console.error(&format!("{} was not written", path.display()));
    }
}

/// The final statement only ran under the first shard's name.
fn relabel_error(error: ExportError) -> ExportError {
    match error {
        ExportError::Value {
            column,
            value,
            type_name,
            format,
            ..
        } => ExportError::Value {
            column,
            shard: "the answer".to_owned(),
            value,
            type_name,
            format,
        },
        error => error,
    }
}

/// Finishes and publishes the file; returns a line about what was written.
async fn publish(finished: &FinishedRun<'_>, file: OneFile) -> Result<String, ExportError> {
    let columns = finished.columns.clone().map_err(ExportError::ColumnTypes)?;
    let columns = of_no_shard(columns);
    let unpublished = file.finish().await?;
    let particulars = manifest_builder::ManifestInputs {
        shard_column: None,
        options: request::options(finished.request),
        plan: &finished.plan,
        settings: finished.request.settings,
        server_info: &finished.server_info,
        databases: finished.databases.so_far(),
        behind_hub: finished.behind_hub.clone(),
        snapshots_within: finished.databases.snapshots_within,
        began: finished.began,
        outcome: &finished.outcome,
        doubt: None,
        without_table: finished.selection.without_table.as_ref(),
        kind: finished.request.kind,
        header: finished.request.has_header(),
    };
    let record = manifest_builder::of_answer(
        &particulars,
        columns,
        unpublished.path(),
        &unpublished.written,
        &finished.selection.shards,
        finished.execution.catalog(),
    );
    let line = unpublished.describe();
    unpublished.publish(record).await?;
    Ok(line)
}

/// The final statement only ran under the first shard's name.
fn of_no_shard(mut columns: Vec<ColumnRecord>) -> Vec<ColumnRecord> {
    for declared in columns.iter_mut().flat_map(|column| &mut column.declared) {
        declared.shards = None;
    }
    columns
}
