//! Which shards a search covered, and which it would have to.

use std::collections::BTreeSet;

use super::Search;
use crate::find::coverage::SearchCoverage;
use crate::sharding::missing::Missing;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::sharding::shard_list::ShardList;
use crate::terminal::console::Console;

impl Search<'_> {
    /// Warns of a shard that does not exist.
    pub fn exists(self, shard: Shard, console: &mut Console) -> bool {
        let picked = self.topology.pick(&ShardList::single(shard));
        if let Err(missing) = &picked {
            console.warning(missing);
        }
        // A list of shards may have some that do not exist.
        let is_there = self.topology.nonexistent().binary_search(&shard).is_err();
        if !is_there {
            console.warning(&format!(
                "{shard} is listed by --schemas-from, but does not exist"
            ));
        }
        picked.is_ok() && is_there
    }

    /// A search of the selected shards without these.
    pub fn coverage(self, silent: &BTreeSet<Shard>, not_there: Ranges) -> SearchCoverage {
        let silent: Vec<_> = silent.iter().copied().collect();
        let shards = &self.selection.shards;
        let doubt = self.selection.doubt.as_ref();
        let unreachable = doubt.iter().flat_map(|doubt| &doubt.unreachable);
        let unreachable = unreachable.map(|it| it.place.clone()).collect();
        SearchCoverage {
            answered: shards.len() - silent.len(),
            expected: shards.len() + not_there.count(),
            missing: Missing::new(
                Ranges::of(&silent).union(not_there),
                doubt.map(|doubt| &doubt.look_alikes),
            )
            .with_shards_without(self.selection.without_table.as_ref())
            .with_unreachable(unreachable, None),
        }
    }

    /// Shards that would have to be searched for the search to be complete, but are not selected or
    /// do not exist. A list of shards is complete as it is.
    pub fn not_there(self, expected_shard: Option<Shard>) -> Ranges {
        let all = self.topology.shards();
        let exists = |shard: &Shard| all.binary_search(shard).is_ok();
        let expected = expected_shard.filter(|shard| exists(shard) && !self.is_selected(*shard));
        let expected = Ranges::of(expected.as_slice());
        if self.plan.filter.is_by_list() {
            return expected;
        }
        let lacking = match self.shard_count {
            Some(count) => self.topology.lacking_of(count),
            None => self.topology.lacking(),
        };
        expected.union(lacking)
    }
}
