//! A finished run of `query`: whether its answer is complete, and what is missing from it.

use super::request::QueryRequest;
use crate::commands::error::advice;
use crate::commands::origin::Located;
use crate::exec::run_report::{RunReport, RunStatus};
use crate::sharding::selection::Selection;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{ResultSummary, Scope, SnapshotCount, Summary};

/// A finished run.
pub(super) struct FinishedRun<'a> {
    pub request: QueryRequest<'a>,
    pub selection: Selection,
    pub scope: Scope,
    pub snapshots: SnapshotCount,
    pub outcome: RunReport,
}

impl FinishedRun<'_> {
    /// Whether nothing is missing as far as is known.
    pub fn is_whole(&self, located: &Located) -> bool {
        self.outcome.failures.is_empty()
            && self.selection.doubt.is_none()
            && !located.is_elsewhere()
    }

    pub fn exit(&self, located: &Located) -> Exit {
        match self.outcome.status {
            RunStatus::Interrupted => Exit::Interrupted,
            RunStatus::Completed if self.is_whole(located) => Exit::Complete,
            RunStatus::Completed if !self.outcome.answers.is_empty() => Exit::Incomplete,
            _ => Exit::Failed,
        }
    }

    /// Reports why the answer is incomplete.
    pub fn say_what_is_missing(&self, located: &Located, console: &mut Console) {
        let RunReport {
            queried, failures, ..
        } = &self.outcome;
        if !failures.is_empty() {
            let explained = &self.outcome.explanations;
            let advice = |error: &_| explained.of(error).or_else(|| advice(error));
            let statement = &self.request.plan.statement;
            for message in failures.describe(*queried, statement, advice) {
                console.error(&message);
            }
        }
        if let Some(doubt) = &self.selection.doubt {
            console.error(doubt);
        }
        located.say(console);
    }

    pub fn footer(&self, rows: u64, console: &Console) -> Summary {
        Summary {
            extent: ResultSummary::new(
                rows,
                &self.selection,
                self.outcome.answers.len(),
                |shard| self.outcome.has_answered(shard),
                self.snapshots,
            ),
            scope: self.scope.clone(),
            elapsed: console.elapsed(),
        }
    }
}
