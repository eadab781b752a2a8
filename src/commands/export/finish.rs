//! The end of an export: publishes the file, writes the manifest, reports the outcome.

use std::path::PathBuf;

use jiff::Timestamp;
use tokio_postgres::error::SqlState;

use super::ExportRequest;
use crate::commands::databases::DatabaseInfos;
use crate::commands::error::{Error, advice};
use crate::commands::result_end::then_say;
use crate::commands::session_setup::ServerInfo;
use crate::exec::cancel::Interrupt;
use crate::exec::fanout::ShardError;
use crate::exec::plan::{Consistency, Plan};
use crate::exec::run_report::{RunReport, RunStatus};
use crate::exec::{hints, timing};
use crate::export::manifest::ColumnRecord;
use crate::export::{ExportError, ExportFormat, OneFile, columns, manifest_builder};
use crate::sharding::selection::Selection;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{ResultSummary, Scope, SnapshotCount, Summary};

/// A finished run.
pub struct FinishedRun<'a> {
    pub request: ExportRequest<'a>,
    /// With the statement in the form that COPY accepts.
    pub plan: Plan,
    /// Of the first database.
    pub server_info: ServerInfo,
    /// All databases, if there are several.
    pub databases: DatabaseInfos,
    /// The selected shards.
    pub selection: Selection,
    pub scope: Scope,
    pub began: Timestamp,
    pub outcome: RunReport,
    /// For the manifest, or why they are unknown.
    pub columns: Result<Vec<ColumnRecord>, String>,
}

/// Reports the outcome, and publishes the file if it is what was requested.
pub async fn conclude(
    finished: FinishedRun<'_>,
    file: OneFile,
    console: &mut Console,
) -> Result<Exit, Error> {
    let mut say = || {
        finished.say_notices(console);
        finished.say_what_is_missing(console);
    };
    let ended = if finished.request.is_stream() {
        then_say(end(&finished, file), finished.request.interrupt, say).await
    } else {
        // A file ends soon, and an interrupt must not leave half of it.
        let ended = end(&finished, file).await;
        say();
        Some(ended)
    };
    let Some(ended) = ended else {
        return Ok(Exit::Interrupted);
    };
    let (exit, written) = match ended {
        (_, Err(ExportError::Closed)) if finished.is_whole() => {
            return Ok(Exit::Complete);
        }
        (_, Err(ExportError::Closed)) => return Ok(Exit::Failed),
        (_, written @ Err(_)) => (Exit::Failed, written),
        ended => ended,
    };
    if let Err(error) = &written {
        console.error(error);
    }
    finished.say_timing(console);
    match written {
        Ok(Some(line)) => {
            finished.say_drift(console);
            console.note(&line);
        }
        Err(error) if !error.leaves_all_as_it_was() => {}
        _ if !finished.request.is_stream() => {
            let file = finished.request.args.output.output.display();
            console.error(&format!("{file} was not written"));
        }
        _ => {}
    }
    console.summary(&finished.footer(console).line());
    Ok(exit)
}

/// For a stream, whose reader may pause forever. A file is always published together with its
/// manifest; a second Ctrl-C still ends the process at once.
pub async fn or_cancelled(
    conclusion: impl Future<Output = Result<Exit, Error>>,
    interrupt: &Interrupt,
) -> Result<Exit, Error> {
    tokio::select! {
        biased;
        exit = conclusion => exit,
        () = interrupt.requested() => Ok(Exit::Interrupted),
    }
}

/// Publishes or discards the file; returns a line about what was written.
async fn end(
    finished: &FinishedRun<'_>,
    file: OneFile,
) -> (Exit, Result<Option<String>, ExportError>) {
    let RunReport {
        status, answers, ..
    } = &finished.outcome;
    match status {
        RunStatus::Completed if finished.is_whole() => (
            Exit::Complete,
            publish(finished, file, None).await.map(Some),
        ),
        RunStatus::Completed
            if finished.request.args.output.allow_partial && !answers.is_empty() =>
        {
            let name = ExportFormat::partial(&finished.request.args.output.output);
            let written = publish(finished, file, Some(name)).await;
            (Exit::Incomplete, written.map(Some))
        }
        RunStatus::Interrupted => {
            // Do not wait for a reader that may be pausing.
            drop(file);
            (Exit::Interrupted, Ok(None))
        }
        _ => (Exit::Failed, file.abandon().await.map_or(Ok(None), Err)),
    }
}

/// Finishes the file and publishes it, under its own name or the partial one.
async fn publish(
    finished: &FinishedRun<'_>,
    file: OneFile,
    name: Option<PathBuf>,
) -> Result<String, ExportError> {
    let columns = finished.columns.clone().map_err(ExportError::ColumnTypes)?;
    let mut unpublished = file.finish().await?;
    if let Some(name) = name {
        unpublished.rename(name)?;
    }
    let particulars = finished.particulars();
    let record = manifest_builder::of_file(
        &particulars,
        columns,
        unpublished.path(),
        &unpublished.written,
    );
    let line = unpublished.describe();
    unpublished.publish(record).await?;
    Ok(line)
}

impl FinishedRun<'_> {
    pub fn particulars(&self) -> manifest_builder::ManifestInputs<'_> {
        let request = &self.request;
        manifest_builder::ManifestInputs {
            plan: &self.plan,
            settings: request.settings,
            server_info: &self.server_info,
            databases: self.databases.so_far(),
            behind_hub: Vec::new(),
            snapshots_within: self.databases.snapshots_within,
            began: self.began,
            outcome: &self.outcome,
            doubt: self.selection.doubt.as_ref(),
            without_table: self.selection.without_table.as_ref(),
            kind: request.kind,
            header: request.has_header(),
            shard_column: request.shard_column(),
            options: request.options(),
        }
    }

    /// Whether nothing is missing as far as is known.
    fn is_whole(&self) -> bool {
        self.outcome.failures.is_empty() && self.selection.doubt.is_none()
    }

    pub fn say_notices(&self, console: &mut Console) {
        let RunReport {
            queried, notices, ..
        } = &self.outcome;
        notices.say(*queried, &self.plan.statement, console);
    }

    pub fn say_what_is_missing(&self, console: &mut Console) {
        let RunReport {
            queried, failures, ..
        } = &self.outcome;
        if !failures.is_empty() {
            let advice = |error: &_| self.hint_for(error);
            for message in failures.describe(*queried, &self.plan.statement, advice) {
                console.error(&message);
            }
        }
        if let Some(doubt) = &self.selection.doubt {
            console.error(doubt);
        }
    }

    pub fn say_drift(&self, console: &mut Console) {
        for line in columns::drift(self.columns.as_deref().unwrap_or_default()) {
            console.note(&line);
        }
    }

    pub fn say_timing(&self, console: &mut Console) {
        if self.request.args.run.timing {
            console.note(&timing::describe(&self.outcome.answers));
        }
    }

    /// A hint for a failed shard; the flags differ from those of `query`.
    fn hint_for(&self, error: &ShardError) -> Option<String> {
        if let Some(hint) = self.outcome.explanations.of(error) {
            return Some(hint);
        }
        let text = match error {
            ShardError::Server(report) if report.code == SqlState::QUERY_CANCELED => {
                hints::cancelled_hint(report).to_owned()
            }
            // A file cannot continue at another snapshot.
            ShardError::Lost { .. } if !self.request.args.output.per_shard => {
                "export again; with --per-shard, --resume exports only what is missing".to_owned()
            }
            _ => return advice(error),
        };
        Some(text)
    }

    fn footer(&self, console: &Console) -> Summary {
        let answers = &self.outcome.answers;
        let extent = ResultSummary::new(
            answers.iter().map(|(_, answer)| answer.rows).sum(),
            &self.selection,
            answers.len(),
            |shard| self.outcome.has_answered(shard),
            match self.databases.so_far().len() {
                0 => self.plan.instant.into(),
                _ if self.plan.instant == Consistency::PerShard => SnapshotCount::EachShard,
                databases => {
                    SnapshotCount::of_databases(databases, self.databases.snapshots_within)
                }
            },
        );
        self.summary(extent, console)
    }

    pub fn summary(&self, extent: ResultSummary, console: &Console) -> Summary {
        Summary {
            extent,
            scope: self.scope.clone(),
            elapsed: console.elapsed(),
        }
    }
}
