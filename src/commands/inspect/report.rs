//! The end of an inspection: its rows, then on stderr warnings, what is missing, and the summary.

use std::collections::BTreeSet;

use super::collected::Collected;
use super::per_shard::ShardRun;
use super::table::{self, Table};
use crate::cli::query::OutputArgs;
use crate::commands::error::Error;
use crate::exec::cancel::Interrupt;
use crate::output::format::Format;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

/// What is said of an inspection beside its rows.
pub struct InspectReport<'a, T> {
    pub collected: &'a Collected<T>,
    pub warnings: Vec<String>,
    /// For the summary.
    pub found: String,
    /// Shards of which not everything could be read.
    pub unread: BTreeSet<Shard>,
    /// Statements that ran in every shard.
    pub runs: Vec<&'a ShardRun>,
}

impl<T> InspectReport<'_, T> {
    /// Prints the rows, and says the rest after them.
    pub async fn print(
        &self,
        rows: &Table,
        format: Format,
        output: &OutputArgs,
        interrupt: &Interrupt,
        console: &mut Console,
    ) -> Result<Exit, Error> {
        let say = |console: &mut Console| self.say(console);
        let printed = table::print(rows, format, output, interrupt, console, say);
        Ok(printed.await?.map_or(Exit::Interrupted, |()| self.exit()))
    }

    pub fn say(&self, console: &mut Console) {
        for run in &self.runs {
            run.say_failures(console);
        }
        for warning in &self.warnings {
            console.warning(warning);
        }
        self.collected.say_what_is_missing(console);
        let summary = self
            .collected
            .summary(self.found.clone(), &self.unread(), console);
        console.summary(&summary);
    }

    fn unread(&self) -> BTreeSet<Shard> {
        let shards = self.collected.selection.shards.iter().copied();
        let failed = |shard: &Shard| self.runs.iter().any(|run| !run.has_answered(*shard));
        self.unread
            .iter()
            .copied()
            .chain(shards.filter(failed))
            .collect()
    }

    pub fn exit(&self) -> Exit {
        let shards = || self.collected.selection.shards.iter();
        let has_failed = |run: &&ShardRun| !shards().any(|shard| run.has_answered(*shard));
        if self.runs.iter().any(has_failed) {
            Exit::Failed
        } else if self.unread().is_empty() && self.collected.is_complete() {
            Exit::Complete
        } else {
            Exit::Incomplete
        }
    }
}
