//! What a search for many keys covered: which shards, which columns, and for which keys not all.

use std::collections::{BTreeMap, BTreeSet};

use super::BatchSearch;
use crate::commands::find::search::unanswered::{Unanswered, unreadable};
use crate::find::batch::key_state::Unsearched;
use crate::find::batch::keys::{ChunkKeys, KeyGroup};
use crate::find::coverage::SearchCoverage;
use crate::find::tables;
use crate::pg::column_name::ColumnName;
use crate::sharding::ranges::Ranges;
use crate::sharding::routing::key::Key;
use crate::sharding::shard::Shard;

impl BatchSearch<'_> {
    /// Notes for keys that were not found in which shards nobody looked.
    pub(super) fn note_unsearched(&self, group: KeyGroup, keys: &mut ChunkKeys) {
        let Some(searched) = self.groups.get(&group) else {
            return;
        };
        let failed = searched.failures.iter().map(|(shard, _)| shard);
        let silent: BTreeSet<_> = failed
            .chain(searched.without_table.iter().copied())
            .collect();
        let topology = self.search.topology;
        let is_down = !topology.unreachable().is_empty();
        let is_in_part = is_down || !silent.is_empty() || !self.search.not_there(None).is_empty();
        let is_home_unsearched = |shard: Shard| {
            if self.search.is_selected(shard) {
                silent.contains(&shard)
            } else {
                is_down || topology.shards().binary_search(&shard).is_ok()
            }
        };
        for index in keys.not_verified(group) {
            let Some(state) = keys.states.get_mut(index) else {
                continue;
            };
            if state.found.is_empty() {
                state.unsearched = match state.expected {
                    Some(shard) if is_home_unsearched(shard) => Some(Unsearched::Home),
                    _ if is_in_part => Some(Unsearched::Others),
                    _ => None,
                };
            }
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
            let mut failures = searched.failures.clone();
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
            let search = self.search.of(&searched.key);
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
        (self.search.coverage(&unanswered, not_there), reasons)
    }
}
