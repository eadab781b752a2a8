//! The databases beyond those that a search has open: each is opened when a connection of its
//! server is free, searched, and closed for the next one.

use std::collections::BTreeSet;

use futures::future::{try_join, try_join_all};

use super::search::{Search, SearchProgress, lookup_in, unreadable};
use crate::client::ConnectionPool;
use crate::commands::databases::{LaterDatabase, Listed, own};
use crate::commands::error::Error;
use crate::exec::failures::Failures;
use crate::exec::fanout::ShardError;
use crate::find::lookup::{Lookup, LookupError, LookupResult};
use crate::find::tables::Tables;
use crate::sharding::routing::key::Key;
use crate::sharding::shard::Shard;
use crate::sharding::suggest::Suggestion;

/// A database that waits for its turn.
pub struct WaitingDatabase<'a> {
    pub database: &'a LaterDatabase,
    /// For one connection.
    pub pool: &'a ConnectionPool,
}

/// What a database contributes to a search of all shards.
#[derive(Default)]
pub struct Part {
    pub tables: Tables,
    pub found: LookupResult,
    /// Shards that could not be searched because the database could not be opened.
    pub not_opened: BTreeSet<Shard>,
    /// Names similar to the key, if it was not found here.
    pub nearest: Vec<Suggestion>,
    /// Why shards failed.
    pub failures: Vec<String>,
}

impl WaitingDatabase<'_> {
    /// Does this once it is open. The inner error is that of opening it.
    ///
    /// # Errors
    /// That of the work.
    pub async fn visit<T>(
        &self,
        work: impl AsyncFnOnce(&Listed<'_>) -> Result<T, LookupError>,
    ) -> Result<Result<T, Error>, LookupError> {
        let opened = match self.database.open_at_turn(self.pool).await {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error)),
        };
        let listed = Listed {
            target: &self.database.target,
            plan: &self.database.plan,
            preflight: &opened.preflight,
        };
        let connection = opened.preflight.session.connection();
        connection.wait_at_most(self.database.plan.limits.patience());
        let done = work(&listed).await;
        opened.preflight.session.close().await;
        done.map(Ok)
    }
}

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
        let mut failures = Failures::default();
        for (shard, error) in found.failures.iter() {
            failures.add(shard, error.clone());
        }
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
