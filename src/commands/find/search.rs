//! Searches for a key: in the shard where it belongs, then in all shards.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use crate::commands::error::{Error, advice};
use crate::exec::explanation;
use crate::exec::failures::Failures;
use crate::exec::fanout::ShardError;
use crate::exec::plan::Plan;
use crate::find::lookup::{self, Lookup, LookupResult, Tables};
use crate::find::report::{Match, SearchCoverage};
use crate::sharding::missing::Missing;
use crate::sharding::ranges::Ranges;
use crate::sharding::routing::key::Key;
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::sharding::shard_list::ShardList;
use crate::sharding::suggest::Suggestion;
use crate::sharding::topology::Topology;
use crate::terminal::console::Console;

/// The search for one key at one snapshot.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    pub lookup: Lookup<'a>,
    pub plan: &'a Plan,
    pub topology: &'a Topology,
    /// The shards to search.
    pub selection: &'a Selection,
    /// The expected number of shards.
    pub shard_count: NonZeroU32,
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

/// Why shards could not be searched.
#[derive(Debug)]
pub struct Unanswered {
    failures: Vec<String>,
    lacking: BTreeMap<String, Vec<Shard>>,
}

impl Unanswered {
    /// Whether no shard at all has this table.
    pub fn is_without(&self, table: &str, shards: &[Shard]) -> bool {
        let lacking = self.lacking.get(table);
        lacking.is_some_and(|lacking| lacking.len() == shards.len())
    }

    pub fn say(&self, console: &mut Console) {
        for (table, shards) in &self.lacking {
            console.warning(&format!("no table \"{table}\" in {}", Ranges::of(shards)));
        }
        for failure in &self.failures {
            console.error(failure);
        }
    }
}

/// The result of looking where the key belongs.
#[derive(Debug)]
pub enum ExpectedShardResult {
    Found(Vec<Match>),
    NotFound,
    /// The shard lacks the only table that could have the key.
    NoTable(&'static str),
}

impl Search<'_> {
    /// # Errors
    /// Also if the shard did not answer.
    pub async fn in_expected_shard(
        self,
        shard: Shard,
        console: &mut Console,
    ) -> Result<ExpectedShardResult, Error> {
        if let Err(missing) = self.topology.pick(&ShardList::single(shard)) {
            console.warning(&missing);
            return Ok(ExpectedShardResult::NotFound);
        }
        if !self.is_selected(shard) {
            console.warning(&format!(
                "{shard}, where the key belongs, is not among the selected shards"
            ));
            return Ok(ExpectedShardResult::NotFound);
        }
        let tables = self.lookup.tables(Some(shard)).await?;
        if let (None, Some(table)) = (tables.in_shard.get(&shard), self.home()) {
            return Ok(ExpectedShardResult::NoTable(table));
        }
        let found = self.lookup.search(&tables, |_| {}).await?;
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
        let mut tables = self.lookup.tables(None).await?;
        tables.in_shard.retain(|shard, _| self.is_selected(*shard));
        tables
            .unreadable
            .retain(|shard, _| self.is_selected(*shard));
        let progress = |done| {
            console.progress(&format!("{done}/{} shards searched", shards.len()));
        };
        let LookupResult {
            hits, mut failures, ..
        } = self.lookup.search(&tables, progress).await?;
        console.clear();
        for (shard, unreadable) in unreadable(&tables) {
            failures.add(shard, unreadable);
        }
        let lacking = tables.lacking(self.home(), shards);
        // Each shard once: several of its tables may have failed.
        let unanswered: BTreeSet<_> = failures
            .iter()
            .map(|(shard, _)| shard)
            .chain(lacking.values().flatten().copied())
            .collect();
        let not_there = self.not_there(expected_shard);
        let unanswered: Vec<_> = unanswered.into_iter().collect();
        let doubt = &self.selection.doubt;
        let searched = SearchCoverage {
            answered: shards.len() - unanswered.len(),
            expected: shards.len() + not_there.count(),
            missing: Missing::new(
                Ranges::of(&unanswered).union(not_there),
                doubt.as_ref().map(|doubt| &doubt.look_alikes),
            )
            .with_shards_without(self.selection.without_table.as_ref()),
        };
        let nearest = if hits.is_empty() {
            self.nearest(&tables).await
        } else {
            Vec::new()
        };
        Ok(Everywhere {
            hits,
            nearest,
            searched,
            unanswered: Unanswered {
                failures: self.describe(&failures, shards.len()).await,
                lacking,
            },
        })
    }

    fn is_selected(self, shard: Shard) -> bool {
        self.selection.shards.binary_search(&shard).is_ok()
    }

    /// Shards that would have to be searched for the search to be complete, but are not selected or
    /// do not exist. A list of shards is complete as it is.
    fn not_there(self, expected_shard: Option<Shard>) -> Ranges {
        let all = self.topology.shards();
        let exists = |shard: &Shard| all.binary_search(shard).is_ok();
        let expected = expected_shard.filter(|shard| exists(shard) && !self.is_selected(*shard));
        let expected = Ranges::of(expected.as_slice());
        if self.plan.filter.is_by_list() {
            expected
        } else {
            expected.union(self.topology.lacking_of(self.shard_count))
        }
    }

    async fn nearest(self, tables: &Tables) -> Vec<Suggestion> {
        match self.lookup.key {
            Key::Origin(name) | Key::Account(name) => self.lookup.nearest(name, tables).await,
            Key::Id(_) => Vec::new(),
        }
    }

    fn home(self) -> Option<&'static str> {
        lookup::home(self.lookup.key)
    }

    async fn describe(self, failures: &Failures, queried: usize) -> Vec<String> {
        let Lookup {
            session, layout, ..
        } = self.lookup;
        let explained = explanation::of_locks(failures, session, layout).await;
        failures.describe(queried, &self.plan.statement, |error| {
            explained.of(error).or_else(|| advice(error))
        })
    }
}

/// A shard with such tables counts as not answered.
fn unreadable(tables: &Tables) -> impl Iterator<Item = (Shard, ShardError)> {
    tables.unreadable.iter().map(|(&shard, names)| {
        let tables = names.iter().cloned().collect();
        (shard, ShardError::NotReadable { tables })
    })
}
