//! What an inspection has read in all databases, and what is missing from it.

use std::collections::BTreeSet;

use super::servers::ServerColumn;
use crate::commands::attempt::Attempts;
use crate::commands::databases::{Target, own};
use crate::commands::error::Error;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::unreachable::Unreachable;
use crate::terminal::console::Console;
use crate::terminal::summary::{ResultSummary, Scope, SnapshotCount, SummaryLine, SummaryPart};
use crate::text::humanize::HumanDuration;

/// What was read, and of which shards.
pub struct Collected<T> {
    pub data: T,
    pub selection: Selection,
    pub scope: Scope,
    pub snapshots: SnapshotCount,
    /// Whether rows say which server they are from.
    pub servers: ServerColumn,
    /// Databases that could not be read, and their shards.
    pub unread: Vec<(Unreachable, Vec<Shard>)>,
}

/// What was read in one database; `None` if interrupted.
pub struct Part<T> {
    place: String,
    shards: Vec<Shard>,
    data: Result<Option<T>, Error>,
}

impl<T> Part<T> {
    /// Of these shards, those of the database are missing if it could not be read.
    pub fn of(target: &Target, shards: &[Shard], data: Result<Option<T>, Error>) -> Self {
        Self {
            place: target.place(),
            shards: own(shards, target),
            data,
        }
    }
}

impl<T> Collected<Vec<T>> {
    /// Adds what each database has. One that could not be read fails its shards alone, as long as
    /// there are others. `None` if interrupted.
    ///
    /// # Errors
    /// If none could be read, or another attempt may read one that could not.
    pub(in crate::commands) fn with_parts(
        mut self,
        parts: Vec<Part<T>>,
        attempts: &Attempts,
    ) -> Result<Option<Self>, Error> {
        let mut first_error = None;
        for Part {
            place,
            shards,
            data,
        } in parts
        {
            match data {
                Ok(Some(data)) => self.data.push(data),
                Ok(None) => return Ok(None),
                Err(error) if error.is_transient() && !attempts.is_last() => return Err(error),
                Err(error) => {
                    let reason = error.to_string();
                    let reason = reason.lines().next().unwrap_or_default().to_owned();
                    self.unread.push((Unreachable { place, reason }, shards));
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if self.data.is_empty() => Err(error),
            _ => Ok(Some(self)),
        }
    }
}

impl<T> Collected<T> {
    /// The same, with what is made of the data.
    pub fn try_map<U>(
        self,
        make: impl FnOnce(T) -> Result<U, Error>,
    ) -> Result<Collected<U>, Error> {
        Ok(Collected {
            data: make(self.data)?,
            selection: self.selection,
            scope: self.scope,
            snapshots: self.snapshots,
            servers: self.servers,
            unread: self.unread,
        })
    }

    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Collected<U> {
        Collected {
            data: make(self.data),
            selection: self.selection,
            scope: self.scope,
            snapshots: self.snapshots,
            servers: self.servers,
            unread: self.unread,
        }
    }

    /// Whether no shard is missing as far as is known.
    pub fn is_complete(&self) -> bool {
        self.selection.doubt.is_none() && self.unread.is_empty()
    }

    /// Reports why shards are missing.
    pub fn say_what_is_missing(&self, console: &mut Console) {
        for (unreachable, _) in &self.unread {
            console.error(unreachable);
        }
        if let Some(doubt) = &self.selection.doubt {
            console.error(doubt);
        }
    }

    /// The last line of a run: `found`, the number of shards that were read, where they are, and how
    /// long it took. Of `unread` shards, not everything could be read.
    pub fn summary(
        &self,
        found: String,
        unread: &BTreeSet<Shard>,
        console: &Console,
    ) -> SummaryLine {
        let failed = self.unread.iter().flat_map(|(_, shards)| shards);
        let unread: BTreeSet<_> = failed.chain(unread).copied().collect();
        let extent = ResultSummary::new(
            0,
            &self.selection,
            self.selection.shards.len() - unread.len(),
            |shard| !unread.contains(&shard),
            self.snapshots,
        );
        let of = (extent.expected < self.scope.shards).then_some(self.scope.shards);
        SummaryLine {
            before: vec![
                SummaryPart::Plain(found),
                SummaryPart::complete_if(extent.is_complete(), extent.shards(of)),
            ],
            location: self.scope.location.clone(),
            after: vec![
                self.snapshots.to_string(),
                HumanDuration(console.elapsed()).to_string(),
            ],
        }
    }
}
