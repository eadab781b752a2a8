//! Searches for a key: in the shard where it belongs, then in all shards.

mod coverage;
mod part;
mod parts;
pub(super) mod progress;
mod reasons;
pub mod unanswered;

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use futures::future::try_join_all;

use self::part::Gathered;
use self::progress::SearchProgress;
use self::unanswered::{Unanswered, not_comparable, unreadable};
use super::waiting::WaitingDatabase;
use crate::commands::databases::Listed;
use crate::commands::error::{Error, NotComparable};
use crate::exec::plan::Plan;
use crate::find::coverage::SearchCoverage;
use crate::find::lookup::{Lookup, LookupError};
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
    /// Others, which are opened in their turn.
    waiting: &'a [WaitingDatabase<'a>],
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
    pub waiting: &'a [WaitingDatabase<'a>],
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
            waiting,
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
            waiting,
            plan,
            topology,
            selection,
            shard_count: shard_count.or(counted),
        })
    }
}

pub(super) fn lookup_in<'a>(database: &'a Listed<'a>, key: &'a Key) -> Lookup<'a> {
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

    pub(super) fn databases(self) -> impl Iterator<Item = &'a Listed<'a>> {
        self.databases.iter()
    }

    pub(super) fn waiting(self) -> impl Iterator<Item = &'a WaitingDatabase<'a>> {
        self.waiting.iter()
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
        if let Some(lookup) = self.lookup_of(shard) {
            return self.in_shard(lookup, shard, console).await;
        }
        let mut waiting = self.waiting();
        let own = waiting.find(|it| it.database.target.database == shard.database());
        let Some(own) = own else {
            return Ok(ExpectedShardResult::NotFound);
        };
        let look = async |database: &Listed<'_>| {
            let lookup = lookup_in(database, self.lookup.key);
            Ok(self.in_shard(lookup, shard, console).await)
        };
        own.visit(look).await??
    }

    async fn in_shard(
        self,
        lookup: Lookup<'_>,
        shard: Shard,
        console: &mut Console,
    ) -> Result<ExpectedShardResult, Error> {
        let tables = lookup.tables(Some(shard)).await?;
        if let (None, Some(table)) = (tables.in_shard.get(&shard), tables::home(lookup.key)) {
            return Ok(ExpectedShardResult::NoTable(table.to_owned()));
        }
        let found = lookup.search(&tables, |_| {}).await?;
        if !found.failures.is_empty() {
            let reasons = self.describe_in(lookup, &found.failures, 1).await.concat();
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
        let progress = SearchProgress::new(shards.len(), console);
        let parts = self.parts(&progress).await?;
        console.clear();
        let mut all = Gathered::default();
        for part in parts {
            all.add(part);
        }
        if let (0, Key::Value { column, text, .. }) = (all.answered, self.lookup.key)
            && let Some(report) = not_comparable(&all.failures)
        {
            return Err(Error::NotComparable(Box::new(NotComparable {
                value: format!("\"{text}\""),
                column: column.clone(),
                report,
            })));
        }
        let opened = shards.iter().filter(|it| !all.not_opened.contains(it));
        let opened: Vec<_> = opened.copied().collect();
        let lacking = all.tables.lacking(tables::home(self.lookup.key), &opened);
        // Each shard once: several of its tables may have failed.
        let silent: BTreeSet<_> = all
            .silent
            .into_iter()
            .chain(lacking.values().flatten().copied())
            .collect();
        let nearest = match self.lookup.key {
            Key::Origin(name) | Key::Account(name) if all.hits.is_empty() => {
                suggest::nearest_of(name, all.nearest.into_iter())
            }
            _ => Vec::new(),
        };
        all.hits.sort_by_key(|hit| hit.shard);
        Ok(Everywhere {
            hits: all.hits,
            nearest,
            searched: self.coverage(&silent, self.not_there(expected_shard)),
            unanswered: Unanswered {
                failures: all.described,
                column: self.column(),
                lacking,
            },
        })
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
        Ok(self.selected(tables))
    }

    /// Those of the selected shards.
    pub(super) fn selected(self, mut tables: Tables) -> Tables {
        let is_selected = |shard: &Shard| self.is_selected(*shard);
        tables.in_shard.retain(|shard, _| is_selected(shard));
        tables.unreadable.retain(|shard, _| is_selected(shard));
        tables
    }

    pub(super) fn is_selected(self, shard: Shard) -> bool {
        self.selection.shards.binary_search(&shard).is_ok()
    }
}
