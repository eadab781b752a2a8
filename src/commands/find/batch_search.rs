//! Searches for the keys of one chunk after another, all at one snapshot: first each where it
//! belongs, then those that are not there in all shards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::search::{Search, Unanswered, not_comparable, unreadable};
use crate::commands::error::{Error, NotComparable};
use crate::exec::failures::Failures;
use crate::find::batch::key_array::KeyArray;
use crate::find::batch::key_state::KeyRule;
use crate::find::batch::keys::{ChunkKeys, KeyGroup};
use crate::find::batch::lookup::{self as batch_lookup, RoundResult};
use crate::find::lookup::Lookup;
use crate::find::report::SearchCoverage;
use crate::find::route;
use crate::find::tables::{self, Tables};
use crate::pg::column_name::ColumnName;
use crate::sharding::missing::Missing;
use crate::sharding::ranges::Ranges;
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
}

/// The search for keys of one kind.
struct GroupSearch {
    /// One of them, which stands for all.
    key: Key,
    tables: Tables,
    failures: Failures,
    /// Whether all shards were searched for some.
    is_everywhere: bool,
}

impl<'a> BatchSearch<'a> {
    pub fn new(search: Search<'a>, called: &str) -> Self {
        Self {
            search,
            called: called.to_owned(),
            groups: BTreeMap::new(),
            unselected: BTreeSet::new(),
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
        }
        console.clear();
        Ok(())
    }

    /// Lists the tables that may hold such keys.
    async fn group(&self, key: Key) -> Result<GroupSearch, Error> {
        let search = self.search_for(&key);
        let tables = search.selected_tables().await?;
        Ok(GroupSearch {
            key,
            tables,
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
        let lookup = self.search_for(key).lookup;
        let answers = route::compute(lookup, key, tables, &texts).await?;
        Ok(keys.expect(&indexes, &answers, rule)?)
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
        let lookup = Lookup {
            key: &searched.key,
            ..self.search.lookup
        };
        let progress = |done| console.progress(&format!("{done}/{all} shards searched"));
        let round = batch_lookup::search(lookup, &searched.tables, requests, progress).await?;
        for (index, shard) in &round.hits {
            keys.add(*index, *shard);
        }
        for (shard, error) in round.failures.iter() {
            searched.failures.add(shard, error.clone());
        }
        Ok(round)
    }

    fn search_for<'b>(&'b self, key: &'b Key) -> Search<'b> {
        Search {
            lookup: Lookup {
                key,
                ..self.search.lookup
            },
            ..self.search
        }
    }

    /// The column that keys of a group are in.
    fn column_of(&self, group: KeyGroup) -> ColumnName {
        let key = self.groups.get(&group).map(|searched| &searched.key);
        ColumnName {
            table: key.and_then(tables::home).unwrap_or_default().to_owned(),
            column: key.map(tables::column).unwrap_or_default().to_owned(),
        }
    }

    /// A column that no selected shard has, and a key in it. Probably the wrong database.
    pub fn missing_column(&self) -> Option<(ColumnName, &Key)> {
        let shards = &self.search.selection.shards;
        self.groups.iter().find_map(|(group, searched)| {
            let home = tables::home(&searched.key)?;
            let lacking = searched.tables.lacking(Some(home), shards);
            let is_nowhere = lacking.get(home).is_some_and(|it| it.len() == shards.len());
            is_nowhere.then(|| (self.column_of(*group), &searched.key))
        })
    }

    /// Which shards were searched, and why others were not.
    pub async fn coverage(&self) -> (SearchCoverage, Vec<Unanswered>) {
        let shards = &self.search.selection.shards;
        let mut unanswered = BTreeSet::new();
        let mut reasons = Vec::new();
        for searched in self.groups.values() {
            let mut failures = Failures::default();
            for (shard, error) in searched.failures.iter() {
                failures.add(shard, error.clone());
            }
            let mut lacking = BTreeMap::new();
            if searched.is_everywhere {
                for (shard, error) in unreadable(&searched.tables) {
                    failures.add(shard, error);
                }
                let home = tables::home(&searched.key);
                lacking = searched.tables.lacking(home, shards);
            }
            unanswered.extend(failures.iter().map(|(shard, _)| shard));
            unanswered.extend(lacking.values().flatten().copied());
            let search = self.search_for(&searched.key);
            reasons.push(search.unanswered(&failures, lacking).await);
        }
        let not_there = if self.groups.values().any(|searched| searched.is_everywhere) {
            let unselected = self.unselected.iter().copied().map(Some);
            unselected
                .chain([None])
                .map(|shard| self.search.not_there(shard))
                .fold(Ranges::default(), Ranges::union)
        } else {
            Ranges::default()
        };
        let unanswered: Vec<_> = unanswered.into_iter().collect();
        let selection = self.search.selection;
        let look_alikes = selection.doubt.as_ref().map(|doubt| &doubt.look_alikes);
        let coverage = SearchCoverage {
            answered: shards.len() - unanswered.len(),
            expected: shards.len() + not_there.count(),
            missing: Missing::new(Ranges::of(&unanswered).union(not_there), look_alikes)
                .with_shards_without(selection.without_table.as_ref()),
        };
        (coverage, reasons)
    }
}
