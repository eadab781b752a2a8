//! The search of each database: of those that are open, all at once; of the others, in their turn.

use std::collections::BTreeSet;

use futures::future::{try_join, try_join_all};

use super::part::Part;
use super::progress::SearchProgress;
use super::unanswered::unreadable;
use super::{Search, lookup_in};
use crate::commands::databases::{LaterDatabase, Listed, own};
use crate::commands::error::Error;
use crate::exec::failures::Failures;
use crate::exec::fanout::ShardError;
use crate::find::lookup::{Lookup, LookupError};
use crate::find::tables::Tables;
use crate::sharding::routing::key::Key;
use crate::sharding::suggest::Suggestion;

impl Search<'_> {
    /// Searches all databases: those that are open at once, the others in their turn.
    ///
    /// # Errors
    /// After which no other shard can be queried either.
    pub(super) async fn parts(
        self,
        progress: &SearchProgress<'_>,
    ) -> Result<Vec<Part>, LookupError> {
        let open = self
            .databases()
            .map(|database| self.part(database, progress));
        let waiting = self.waiting().map(async |waiting| {
            let visited = waiting.visit(async |database| self.part(database, progress).await);
            Ok(match visited.await? {
                Ok(part) => part,
                Err(error) => self.not_opened(waiting.database, &error, progress),
            })
        });
        let (mut parts, others) = try_join(try_join_all(open), try_join_all(waiting)).await?;
        parts.extend(others);
        Ok(parts)
    }

    /// The tables for the key, in databases until one has the key's column.
    ///
    /// # Errors
    /// If a database cannot be opened, or does not answer.
    pub async fn typed_tables(self) -> Result<Tables, Error> {
        let mut tables = self.selected_tables().await?;
        for waiting in self.waiting() {
            if tables.key_type().is_some() {
                break;
            }
            let list = async |database: &Listed<'_>| {
                lookup_in(database, self.lookup.key).tables(None).await
            };
            tables = self.selected(waiting.visit(list).await??);
        }
        Ok(tables)
    }

    async fn part(
        self,
        database: &Listed<'_>,
        progress: &SearchProgress<'_>,
    ) -> Result<Part, LookupError> {
        let queried = self.selection.shards.len();
        let lookup = lookup_in(database, self.lookup.key);
        let tables = self.selected(lookup.tables(None).await?);
        let mut before = 0;
        let done = |done| {
            progress.add(done - before);
            before = done;
        };
        let found = lookup.search(&tables, done).await?;
        let mut failures = found.failures.clone();
        for (shard, unreadable) in unreadable(&tables) {
            failures.add(shard, unreadable);
        }
        Ok(Part {
            nearest: if found.hits.is_empty() {
                nearest_in(lookup, &tables).await
            } else {
                Vec::new()
            },
            failures: self.describe_in(lookup, &failures, queried).await,
            tables,
            found,
            not_opened: BTreeSet::new(),
        })
    }

    fn not_opened(
        self,
        database: &LaterDatabase,
        error: &Error,
        progress: &SearchProgress<'_>,
    ) -> Part {
        let shards = own(&self.selection.shards, &database.target);
        let mut failures = Failures::default();
        for shard in &shards {
            failures.add(*shard, ShardError::NotOpened(error.to_string()));
        }
        progress.add(shards.len());
        let described =
            failures.describe(self.selection.shards.len(), &self.plan.statement, |_| None);
        Part {
            not_opened: shards.into_iter().collect(),
            failures: described,
            ..Part::default()
        }
    }
}

/// Similar names, for kinds of keys that have names.
async fn nearest_in(lookup: Lookup<'_>, tables: &Tables) -> Vec<Suggestion> {
    match lookup.key {
        Key::Origin(name) | Key::Account(name) => {
            lookup.nearest(name, tables).await.into_iter().collect()
        }
        Key::Id(_) | Key::Value { .. } | Key::Listed { .. } => Vec::new(),
    }
}
