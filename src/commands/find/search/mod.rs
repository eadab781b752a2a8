//! Searches for a key: in the shard where it belongs, then in all shards.

mod coverage;
pub(super) mod progress;
mod reasons;
pub mod unanswered;

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use futures::future::{join_all, try_join_all};

use self::progress::SearchProgress;
use self::unanswered::{Unanswered, not_comparable, unreadable};
use crate::commands::databases::Listed;
use crate::commands::error::{Error, NotComparable};
use crate::exec::plan::Plan;
use crate::find::coverage::SearchCoverage;
use crate::find::lookup::{Lookup, LookupError, LookupResult};
use crate::find::matches::Match;
use crate::find::tables::{self, Tables};
use crate::sharding::database::Database;
use crate::sharding::routing::key::Key;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::suggest::{self, Suggestion};
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;

/// The search for one key, at one snapshot per database.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// In the first database, for what every server can tell.
    pub lookup: Lookup<'a>,
    /// The databases that have the shards, each with a session.
    databases: &'a [Listed<'a>],
    pub plan: &'a Plan,
    pub topology: &'a Topology,
    /// The shards to search.
    pub selection: &'a Selection,
    /// Over how many shards names are hashed; `None` if a server that may have more is down.
    pub shard_count: Option<NonZeroU32>,
}

/// The result of searching all shards.
#[derive(Debug)]
pub struct Everywhere {
    /// In shard order.
    pub hits: Vec<Match>,
    /// Names similar to the one that was not found.
    pub nearest: Vec<Suggestion>,
    pub searched: SearchCoverage,
    pub unanswered: Unanswered,
}

/// The result of looking where the key belongs.
#[derive(Debug)]
pub enum ExpectedShardResult {
    Found(Vec<Match>),
    NotFound,
    /// The shard lacks the only table that could have the key.
    NoTable(String),
}

/// What a search needs to know of the shards.
#[derive(Clone, Copy)]
pub struct SearchedShards<'a> {
    pub databases: &'a [Listed<'a>],
    pub plan: &'a Plan,
    pub topology: &'a Topology,
    pub selection: &'a Selection,
    /// If it is given.
    pub shard_count: Option<NonZeroU32>,
}

impl<'a> SearchedShards<'a> {
    /// # Errors
    /// If no database could be reached.
    pub fn search(self, key: &'a Key) -> Result<Search<'a>, Error> {
        let Self {
            databases,
            plan,
            topology,
            selection,
            shard_count,
        } = self;
        let is_known = topology.unreachable().is_empty();
        let counted = is_known.then(|| topology.shard_count());
        let first = databases.first().ok_or(Error::NoneReachable)?;
        Ok(Search {
            lookup: lookup_in(first, key),
            databases,
            plan,
            topology,
            selection,
            shard_count: shard_count.or(counted),
        })
    }
}

fn lookup_in<'a>(database: &'a Listed<'a>, key: &'a Key) -> Lookup<'a> {
    Lookup {
        key,
        layout: &database.plan.layout,
        session: &database.preflight.session,
    }
}

impl<'a> Search<'a> {
    /// The same search for another key.
    pub fn of<'b>(self, key: &'b Key) -> Search<'b>
    where
        'a: 'b,
    {
        Search {
            lookup: Lookup { key, ..self.lookup },
            ..self
        }
    }

    /// A lookup in each database.
    pub(super) fn lookups(self) -> impl Iterator<Item = (Option<Database>, Lookup<'a>)> {
        let lookup = move |database: &'a Listed<'a>| {
            (
                database.target.database,
                lookup_in(database, self.lookup.key),
            )
        };
        self.databases.iter().map(lookup)
    }

    fn lookup_of(self, shard: Shard) -> Option<Lookup<'a>> {
        let mut lookups = self.lookups();
        let own = lookups.find(|(database, _)| *database == shard.database());
        own.map(|(_, lookup)| lookup)
    }

    /// # Errors
    /// Also if the shard did not answer.
    pub async fn in_expected_shard(
        self,
        shard: Shard,
        console: &mut Console,
    ) -> Result<ExpectedShardResult, Error> {
        if !self.exists(shard, console) {
            return Ok(ExpectedShardResult::NotFound);
        }
        if !self.is_selected(shard) {
            console.warning(&format!(
                "{shard}, where the key belongs, is not among the selected shards"
            ));
            return Ok(ExpectedShardResult::NotFound);
        }
        let Some(lookup) = self.lookup_of(shard) else {
            return Ok(ExpectedShardResult::NotFound);
        };
        let tables = lookup.tables(Some(shard)).await?;
        if let (None, Some(table)) = (tables.in_shard.get(&shard), tables::home(lookup.key)) {
            return Ok(ExpectedShardResult::NoTable(table.to_owned()));
        }
        let found = lookup.search(&tables, |_| {}).await?;
        if !found.failures.is_empty() {
            let reasons = self.describe(&found.failures, 1).await.concat();
            return Err(Error::Unanswered(reasons));
        }
        if found.hits.is_empty() {
            return Ok(ExpectedShardResult::NotFound);
        }
        // A match is valid even if other tables failed; without one, all shards are searched.
        for (_, unreadable) in unreadable(&tables) {
            console.warning(&unreadable);
        }
        Ok(ExpectedShardResult::Found(found.hits))
    }

    /// Searches all selected shards. If the one where the key belongs is not among them, it is
    /// missing from the search.
    pub async fn in_all_shards(
        self,
        expected_shard: Option<Shard>,
        console: &mut Console,
    ) -> Result<Everywhere, Error> {
        let shards = &self.selection.shards;
        let tables = self.selected_tables().await?;
        let LookupResult {
            hits,
            mut failures,
            answered,
        } = self.search(&tables, console).await?;
        console.clear();
        if let (0, Key::Value { column, text, .. }) = (answered, self.lookup.key)
            && let Some(report) = not_comparable(&failures)
        {
            return Err(Error::NotComparable(Box::new(NotComparable {
                value: format!("\"{text}\""),
                column: column.clone(),
                report,
            })));
        }
        for (shard, unreadable) in unreadable(&tables) {
            failures.add(shard, unreadable);
        }
        let lacking = tables.lacking(tables::home(self.lookup.key), shards);
        // Each shard once: several of its tables may have failed.
        let silent: BTreeSet<_> = failures
            .iter()
            .map(|(shard, _)| shard)
            .chain(lacking.values().flatten().copied())
            .collect();
        let nearest = if hits.is_empty() {
            self.nearest(&tables).await
        } else {
            Vec::new()
        };
        Ok(Everywhere {
            hits,
            nearest,
            searched: self.coverage(&silent, self.not_there(expected_shard)),
            unanswered: self.unanswered(&failures, lacking).await,
        })
    }

    /// Searches these tables, in all databases at once.
    async fn search(
        self,
        tables: &Tables,
        console: &mut Console,
    ) -> Result<LookupResult, LookupError> {
        let progress = SearchProgress::new(self.selection.shards.len(), console);
        let searched = self.lookups().map(|(database, lookup)| {
            let (tables, progress) = (tables.of(database), &progress);
            async move {
                let mut before = 0;
                let done = |done| {
                    progress.add(done - before);
                    before = done;
                };
                lookup.search(&tables, done).await
            }
        });
        let mut all = LookupResult::default();
        for part in try_join_all(searched).await? {
            all.hits.extend(part.hits);
            all.answered += part.answered;
            for (shard, error) in part.failures.iter() {
                all.failures.add(shard, error.clone());
            }
        }
        all.hits.sort_by_key(|hit| hit.shard);
        Ok(all)
    }

    /// The tables for the key, in the selected shards.
    pub(super) async fn selected_tables(self) -> Result<Tables, LookupError> {
        let listed = self.lookups().map(|(_, lookup)| lookup.tables(None));
        let mut tables = Tables::default();
        for Tables {
            in_shard,
            unreadable,
        } in try_join_all(listed).await?
        {
            tables.in_shard.extend(in_shard);
            tables.unreadable.extend(unreadable);
        }
        tables.in_shard.retain(|shard, _| self.is_selected(*shard));
        tables
            .unreadable
            .retain(|shard, _| self.is_selected(*shard));
        Ok(tables)
    }

    pub(super) fn is_selected(self, shard: Shard) -> bool {
        self.selection.shards.binary_search(&shard).is_ok()
    }

    async fn nearest(self, tables: &Tables) -> Vec<Suggestion> {
        match self.lookup.key {
            Key::Origin(name) | Key::Account(name) => {
                let nearest = self.lookups().map(|(database, lookup)| {
                    let tables = tables.of(database);
                    async move { lookup.nearest(name, &tables).await }
                });
                let found = join_all(nearest).await;
                suggest::nearest_of(name, found.into_iter().flatten())
            }
            Key::Id(_) | Key::Value { .. } | Key::Listed { .. } => Vec::new(),
        }
    }
}
