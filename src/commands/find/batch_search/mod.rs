//! Searches for the keys of one chunk after another, all at one snapshot: first each where it
//! belongs, then those that are not there in all shards.

mod coverage;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::try_join_all;

use super::search::Search;
use super::search::progress::SearchProgress;
use super::search::unanswered::not_comparable;
use crate::commands::error::{Error, NotComparable};
use crate::exec::failures::Failures;
use crate::find::batch::key_array::KeyArray;
use crate::find::batch::key_state::KeyRule;
use crate::find::batch::keys::{ChunkKeys, KeyGroup};
use crate::find::batch::lookup::{self as batch_lookup, RoundResult};
use crate::find::route;
use crate::find::tables::{self, Tables};
use crate::pg::column_name::ColumnName;
use crate::sharding::routing::key::Key;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;

/// The search at one snapshot, with what it learned so far.
pub struct BatchSearch<'a> {
    /// Its key is one of the input, and not used.
    search: Search<'a>,
    /// What a key is called in messages.
    called: String,
    groups: BTreeMap<KeyGroup, GroupSearch>,
    /// Shards where keys belong, but that are not selected.
    unselected: BTreeSet<Shard>,
    /// Shards by their names, if there are several databases: a rule knows only the name.
    homes: HashMap<&'static str, Shard>,
}

/// The search for keys of one kind.
struct GroupSearch {
    /// One of them, which stands for all.
    key: Key,
    tables: Tables,
    failures: Failures,
    /// Shards without a table for them, or with one that this user may not read.
    without_table: BTreeSet<Shard>,
    /// Whether all shards were searched for some.
    is_everywhere: bool,
}

impl<'a> BatchSearch<'a> {
    pub fn new(search: Search<'a>, called: &str) -> Self {
        let shards = search.topology.shards().iter();
        let is_apart = |shard: &&Shard| shard.database().is_some();
        Self {
            search,
            called: called.to_owned(),
            groups: BTreeMap::new(),
            unselected: BTreeSet::new(),
            homes: (shards.filter(is_apart).map(|shard| (shard.name(), *shard))).collect(),
        }
    }

    /// # Errors
    /// If the search cannot go on, or no shard has what it needs.
    pub async fn chunk(
        &mut self,
        keys: &mut ChunkKeys,
        rule: &KeyRule,
        console: &mut Console,
    ) -> Result<(), Error> {
        self.place(keys);
        for group in keys.groups() {
            if !self.groups.contains_key(&group) {
                let first = keys.states.iter().map(|state| &state.key);
                let first = first.clone().find(|key| KeyGroup::of(key) == group);
                let Some(key) = first.cloned() else { continue };
                let searched = self.group(key).await?;
                self.groups.insert(group, searched);
            }
            self.computed(group, keys, rule).await?;
            if group == KeyGroup::Listed {
                self.listed(keys);
                continue;
            }
            self.where_expected(group, keys, console).await?;
            self.everywhere(group, keys, console).await?;
            self.note_unsearched(group, keys);
        }
        console.clear();
        Ok(())
    }

    /// Lists the tables that may hold such keys.
    async fn group(&self, key: Key) -> Result<GroupSearch, Error> {
        let tables = self.search.of(&key).selected_tables().await?;
        let lacking = tables.lacking(tables::home(&key), &self.search.selection.shards);
        let lacking = lacking.into_values().flatten();
        let without_table = lacking.chain(tables.unreadable.keys().copied()).collect();
        Ok(GroupSearch {
            key,
            tables,
            without_table,
            failures: Failures::default(),
            is_everywhere: false,
        })
    }

    /// Where keys belong, if only the server can compute that.
    async fn computed(
        &self,
        group: KeyGroup,
        keys: &mut ChunkKeys,
        rule: &KeyRule,
    ) -> Result<(), Error> {
        let Some(searched) = self.groups.get(&group) else {
            return Ok(());
        };
        let GroupSearch { key, tables, .. } = searched;
        let Some(server) = key.server_rule() else {
            return Ok(());
        };
        if server.needs_type() && tables.key_type().is_none() {
            // No shard has the column, which is reported soon.
            return Ok(());
        }
        let indexes = keys.not_verified(group);
        let texts = keys.texts(&indexes);
        let lookup = self.search.of(key).lookup;
        let answers = route::compute(lookup, key, tables, &texts).await?;
        keys.expect(&indexes, &answers, rule)?;
        self.place(keys);
        Ok(())
    }

    /// Gives the shards where keys belong the databases that they are in.
    fn place(&self, keys: &mut ChunkKeys) {
        if self.homes.is_empty() {
            return;
        }
        for expected in keys.states.iter_mut().filter_map(|it| it.expected.as_mut()) {
            if let Some(shard) = self.homes.get(expected.name()) {
                *expected = *shard;
            }
        }
    }

    /// Keys that no column has are where they are listed, if that shard exists.
    fn listed(&self, keys: &mut ChunkKeys) {
        let shards = self.search.topology.shards();
        for index in keys.not_verified(KeyGroup::Listed) {
            let expected = keys.states.get(index).and_then(|state| state.expected);
            if let Some(shard) = expected
                && shards.binary_search(&shard).is_ok()
            {
                keys.add(index, shard);
            }
        }
    }

    async fn where_expected(
        &mut self,
        group: KeyGroup,
        keys: &mut ChunkKeys,
        console: &mut Console,
    ) -> Result<(), Error> {
        let mut by_shard: BTreeMap<Shard, Vec<usize>> = BTreeMap::new();
        for index in keys.not_verified(group) {
            let expected = keys.states.get(index).and_then(|state| state.expected);
            match expected {
                Some(shard) if self.search.is_selected(shard) => {
                    by_shard.entry(shard).or_default().push(index);
                }
                Some(shard) => drop(self.unselected.insert(shard)),
                None => {}
            }
        }
        let requests = by_shard.into_iter().map(|(shard, indexes)| {
            let array = KeyArray::new(keys, group, indexes);
            (shard, Arc::new(array))
        });
        let requests = requests.collect();
        self.round(group, requests, keys, console).await.map(drop)
    }

    async fn everywhere(
        &mut self,
        group: KeyGroup,
        keys: &mut ChunkKeys,
        console: &mut Console,
    ) -> Result<(), Error> {
        let array = Arc::new(KeyArray::new(keys, group, keys.not_verified(group)));
        if array.is_empty() {
            return Ok(());
        }
        let shards = self.search.selection.shards.iter();
        let requests = shards.map(|shard| (*shard, Arc::clone(&array))).collect();
        let round = self.round(group, requests, keys, console).await?;
        if let Some(searched) = self.groups.get_mut(&group) {
            searched.is_everywhere = true;
        }
        if let (0, KeyGroup::Column) = (round.answered, group)
            && let Some(report) = not_comparable(&round.failures)
        {
            let error = NotComparable {
                value: self.called.clone(),
                column: self.column_of(group),
                report,
            };
            return Err(Error::NotComparable(Box::new(error)));
        }
        Ok(())
    }

    /// One statement per shard. A shard that failed is not queried again: a lock would cost its
    /// timeout once per chunk.
    async fn round(
        &mut self,
        group: KeyGroup,
        mut requests: Vec<(Shard, Arc<KeyArray>)>,
        keys: &mut ChunkKeys,
        console: &mut Console,
    ) -> Result<RoundResult, Error> {
        let Some(searched) = self.groups.get_mut(&group) else {
            return Ok(RoundResult::default());
        };
        let failed: BTreeSet<_> = searched.failures.iter().map(|(shard, _)| shard).collect();
        requests.retain(|(shard, _)| !failed.contains(shard));
        let all = requests.len();
        let progress = SearchProgress::new(all, console);
        let mut round = RoundResult::default();
        let rounds = self
            .search
            .of(&searched.key)
            .lookups()
            .map(|(database, lookup)| {
                let is_own = |(shard, _): &(Shard, _)| shard.database() == database;
                let (own, others) = std::mem::take(&mut requests).into_iter().partition(is_own);
                requests = others;
                let (tables, progress) = (&searched.tables, &progress);
                async move {
                    let mut before = 0;
                    let done = |done| {
                        progress.add(done - before);
                        before = done;
                    };
                    batch_lookup::search(lookup, tables, own, done).await
                }
            });
        for part in try_join_all(rounds).await? {
            round.extend(part);
        }
        for (index, shard) in &round.hits {
            keys.add(*index, *shard);
        }
        searched.failures.extend(&round.failures);
        Ok(round)
    }

    /// The column that keys of a group are in.
    fn column_of(&self, group: KeyGroup) -> ColumnName {
        let key = self.groups.get(&group).map(|searched| &searched.key);
        ColumnName {
            table: key.and_then(tables::home).unwrap_or_default().to_owned(),
            column: key.map(tables::column).unwrap_or_default().to_owned(),
        }
    }
}
