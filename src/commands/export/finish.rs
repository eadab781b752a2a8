//! The end of an export: publishes the file, writes the manifest, reports the outcome.

use std::path::PathBuf;

use jiff::Timestamp;
use tokio_postgres::error::SqlState;

use super::ExportRequest;
use crate::commands::error::{Error, advice};
use crate::commands::result_end::then_say;
use crate::commands::session_setup::ServerInfo;
use crate::exec::cancel::Interrupt;
use crate::exec::fanout::ShardError;
use crate::exec::plan::Plan;
use crate::exec::run_report::{RunReport, RunStatus};
use crate::exec::{hints, timing};
use crate::export::manifest::ColumnRecord;
use crate::export::{ExportError, ExportFormat, OneFile, columns, manifest_builder};
use crate::sharding::selection::Selection;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{ResultSummary, Scope, Summary};

/// A finished run.
pub struct FinishedRun<'a> {
    pub asked: ExportRequest<'a>,
    /// With the statement in the form that COPY accepts.
    pub plan: Plan,
    pub server_info: ServerInfo,
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
    ran: FinishedRun<'_>,
    file: OneFile,
    console: &mut Console,
) -> Result<Exit, Error> {
    let mut say = || {
        ran.say_notices(console);
        ran.say_what_is_missing(console);
    };
    let ended = if ran.asked.is_stream() {
        then_say(end(&ran, file), ran.asked.interrupt, say).await
    } else {
        // A file ends soon, and an interrupt must not leave half of it.
        let ended = end(&ran, file).await;
        say();
        Some(ended)
    };
    let Some(ended) = ended else {
        return Ok(Exit::Interrupted);
    };
    let (exit, written) = match ended {
        (_, Err(ExportError::Closed)) if ran.is_whole() => {
            return Ok(Exit::Complete);
        }
        (_, Err(ExportError::Closed)) => return Ok(Exit::Failed),
        (_, written @ Err(_)) => (Exit::Failed, written),
        ended => ended,
    };
    if let Err(error) = &written {
        console.error(error);
    }
    ran.say_timing(console);
    match written {
        Ok(Some(line)) => {
            ran.say_drift(console);
            console.note(&line);
        }
        Err(error) if !error.leaves_all_as_it_was() => {}
        _ if !ran.asked.is_stream() => {
            let file = ran.asked.args.output.output.display();
            console.error(&format!("{file} was not written"));
        }
        _ => {}
    }
    console.summary(&ran.footer(console).line());
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
async fn end(ran: &FinishedRun<'_>, file: OneFile) -> (Exit, Result<Option<String>, ExportError>) {
    let RunReport {
        status, answers, ..
    } = &ran.outcome;
    match status {
        RunStatus::Completed if ran.is_whole() => {
            (Exit::Complete, publish(ran, file, None).await.map(Some))
        }
        RunStatus::Completed if ran.asked.args.output.allow_partial && !answers.is_empty() => {
            let name = ExportFormat::partial(&ran.asked.args.output.output);
            let written = publish(ran, file, Some(name)).await;
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
    ran: &FinishedRun<'_>,
    file: OneFile,
    name: Option<PathBuf>,
) -> Result<String, ExportError> {
    let columns = ran.columns.clone().map_err(ExportError::ColumnTypes)?;
    let mut finished = file.finish().await?;
    if let Some(name) = name {
        finished.rename(name)?;
    }
    let particulars = ran.particulars();
    let record =
        manifest_builder::of_file(&particulars, columns, finished.path(), &finished.written);
    let line = finished.describe();
    finished.publish(record).await?;
    Ok(line)
}

impl FinishedRun<'_> {
    pub fn particulars(&self) -> manifest_builder::ManifestInputs<'_> {
        let asked = &self.asked;
        manifest_builder::ManifestInputs {
            plan: &self.plan,
            settings: asked.settings,
            server_info: &self.server_info,
            began: self.began,
            outcome: &self.outcome,
            doubt: self.selection.doubt.as_ref(),
            without_table: self.selection.without_table.as_ref(),
            kind: asked.kind,
            header: asked.has_header(),
            shard_column: asked.shard_column(),
            options: asked.options(),
        }
    }

    /// Whether nothing is missing as far as is known.
    fn is_whole(&self) -> bool {
        self.outcome.failures.is_empty() && self.selection.doubt.is_none()
    }

    pub fn say_notices(&self, console: &mut Console) {
        let RunReport { asked, notices, .. } = &self.outcome;
        notices.say(*asked, &self.plan.statement, console);
    }

    pub fn say_what_is_missing(&self, console: &mut Console) {
        let RunReport {
            asked, failures, ..
        } = &self.outcome;
        if !failures.is_empty() {
            let advice = |error: &_| self.hint_for(error);
            for message in failures.describe(*asked, &self.plan.statement, advice) {
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
        if self.asked.args.run.timing {
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
            ShardError::Lost { .. } if !self.asked.args.output.per_shard => {
                "export again; with --per-shard, --resume exports only what is missing".to_owned()
            }
            _ => return advice(error),
        };
        Some(text)
    }

    fn footer(&self, console: &Console) -> Summary {
        let answers = &self.outcome.answers;
        let answered = |shard| answers.iter().any(|(answered, _)| *answered == shard);
        self.summary(
            ResultSummary {
                rows: answers.iter().map(|(_, answer)| answer.rows).sum(),
                answered: answers.len(),
                expected: self.selection.expected(),
                missing: self.selection.missing(answered),
                origins: self.selection.origins.clone(),
                instants: self.plan.instant.into(),
            },
            console,
        )
    }

    pub fn summary(&self, extent: ResultSummary, console: &Console) -> Summary {
        Summary {
            extent,
            scope: self.scope.clone(),
            elapsed: console.elapsed(),
        }
    }
}
