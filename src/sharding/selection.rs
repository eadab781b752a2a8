//! Which shards a run queries, and by which rule. Pure.

use std::fmt;
use std::num::NonZeroU32;

use crate::sharding::missing::{Missing, WithoutTable};
use crate::sharding::ranges::Ranges;
use crate::sharding::routing::key::Key;
use crate::sharding::routing::name_hash;
use crate::sharding::selected_keys::SelectedKeys;
use crate::sharding::shard::Shard;
use crate::sharding::shard_list::ShardList;
use crate::sharding::topology::{Doubt, Topology, TopologyError};
use crate::text::escape::visible;

/// Which of a database's shards to query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShardFilter {
    /// Only these.
    pub listed: Option<ShardList>,
    /// All but these.
    pub excluded: Option<ShardList>,
    /// Only shards that have this table.
    pub having_table: Option<String>,
    /// Only those that have these keys.
    pub keys: Vec<Key>,
}

impl ShardFilter {
    /// Whether the user says which shards, or which not. That rules out doubt: the author of a list
    /// knows what is on it.
    pub fn is_by_list(&self) -> bool {
        self.listed.is_some() || self.excluded.is_some()
    }
}

/// The selected shards, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    pub shards: Vec<Shard>,
    /// Shards that would be selected if they had the table of `--having-table`.
    pub without_table: Option<WithoutTable>,
    /// Why these may not be all shards that were meant.
    pub doubt: Option<Doubt>,
    /// How many shards there should be, if that is known and all are meant.
    pub total: Option<usize>,
    /// Set if the shards were selected by origin.
    pub origins: Option<Origins>,
    /// Set if the shards were selected by key.
    pub keys: Option<SelectedKeys>,
}

/// Origins, and the shards that their names route to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins {
    pub shard_count: NonZeroU32,
    pub routes: Vec<OriginRoute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRoute {
    pub name: String,
    pub shard: Shard,
}

impl Selection {
    /// All shards that a filter lets through.
    ///
    /// # Errors
    /// If there are none, or if a shard on a list does not exist.
    pub fn filtered(topology: &Topology, filter: &ShardFilter) -> Result<Self, TopologyError> {
        let mut is_every_named = false;
        let mut shards = match &filter.listed {
            Some(list) => {
                let picked = topology.pick(list)?;
                is_every_named = picked.len() >= list.count();
                picked
            }
            None => topology.all(),
        };
        if let Some(list) = &filter.excluded {
            let excluded = topology.pick(list)?;
            shards.retain(|shard| excluded.binary_search(shard).is_err());
            if shards.is_empty() {
                return Err(TopologyError::AllExcluded);
            }
        }
        let exists = |shard: &Shard| topology.nonexistent().binary_search(shard).is_err();
        let (mut shards, nonexistent): (Vec<_>, Vec<_>) = shards.into_iter().partition(exists);
        if shards.is_empty() {
            return Err(TopologyError::NotThere {
                missing: Ranges::of(&nonexistent).brief(),
                present: Ranges::of(topology.shards()).brief(),
                unreachable: topology.unreachable().to_vec(),
            });
        }
        let mut without_table = None;
        if let Some(table) = &filter.having_table {
            let lacks = |shard: &Shard| topology.without_table().binary_search(shard).is_ok();
            let (lacking, having): (Vec<_>, Vec<_>) = shards.into_iter().partition(lacks);
            if having.is_empty() {
                return Err(TopologyError::NoneHasTable(table.clone()));
            }
            shards = having;
            without_table = Some(WithoutTable {
                table: table.clone(),
                shards: lacking,
            });
        }
        Ok(Self {
            shards,
            without_table,
            doubt: match topology.unreachable() {
                unreachable @ [_, ..] if !is_every_named => {
                    Some(Doubt::unreachable(unreachable.to_vec()))
                }
                _ if nonexistent.is_empty() => topology.doubt().filter(|_| !filter.is_by_list()),
                _ => Some(Doubt::without(nonexistent)),
            },
            total: None,
            origins: None,
            keys: None,
        })
    }

    /// The shards that these origins' names route to.
    ///
    /// # Errors
    /// If such a shard does not exist.
    pub fn of_origins(
        topology: &Topology,
        names: &[String],
        shard_count: NonZeroU32,
    ) -> Result<Self, TopologyError> {
        let mut routes: Vec<OriginRoute> = Vec::new();
        for name in names {
            if routes.iter().any(|route| route.name == *name) {
                continue;
            }
            let numbering = topology.numbering().ok_or(TopologyError::NoNumbers)?;
            let number = name_hash::by_name(name, shard_count);
            let Some(shard) = topology.by_number(number) else {
                let shard = numbering.shard(number);
                return Err(TopologyError::NoShardOfOrigin {
                    origin: name.clone(),
                    shard,
                    shard_count,
                    unreachable: topology.unreachable().to_vec(),
                });
            };
            routes.push(OriginRoute {
                name: name.clone(),
                shard,
            });
        }
        let mut shards: Vec<_> = routes.iter().map(|route| route.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        Ok(Self {
            shards,
            without_table: None,
            doubt: None,
            total: None,
            origins: Some(Origins {
                shard_count,
                routes,
            }),
            keys: None,
        })
    }

    /// These shards, which have the keys.
    pub fn of_keys(shards: Vec<Shard>, keys: SelectedKeys) -> Self {
        Self {
            shards,
            without_table: None,
            doubt: None,
            total: None,
            origins: None,
            keys: Some(keys),
        }
    }

    /// The number of shards in a complete result.
    pub fn expected(&self) -> usize {
        let doubtful = self.doubt.as_ref();
        let doubtful = doubtful.map_or(0, |d| d.look_alikes.count() + d.nonexistent.len());
        self.total.unwrap_or(self.shards.len() + doubtful)
    }

    /// What is missing from a result, given which shards answered.
    pub fn missing(&self, answered: impl Fn(Shard) -> bool) -> Missing {
        let nonexistent = self.doubt.iter().flat_map(|doubt| &doubt.nonexistent);
        let all = self.shards.iter().chain(nonexistent).copied();
        let mut lacking: Vec<_> = all.filter(|shard| !answered(*shard)).collect();
        lacking.sort_unstable();
        Missing::new(
            Ranges::of(&lacking),
            self.doubt.as_ref().map(|d| &d.look_alikes),
        )
        .with_shards_without(self.without_table.as_ref())
        .with_unreachable(self.unreachable(), self.total)
    }

    fn unreachable(&self) -> Vec<String> {
        let unreachable = self.doubt.iter().flat_map(|doubt| &doubt.unreachable);
        unreachable.map(|it| it.place.clone()).collect()
    }
}

/// `shard_30 of 128 (origin core, FNV-1a mod 128)`
impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED: usize = 3;
        let shard_count = self.shard_count;
        let plain = |name: &str| visible(name).replace('\n', "\\n");
        if let [OriginRoute { name, shard }] = &self.routes[..] {
            let name = plain(name);
            return write!(
                f,
                "{shard} of {shard_count} (origin {name}, FNV-1a mod {shard_count})"
            );
        }
        for (i, OriginRoute { name, shard }) in self.routes.iter().take(NAMED).enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{shard} (origin {})", plain(name))?;
        }
        if self.routes.len() > NAMED {
            write!(f, ", … ({} origins)", self.routes.len())?;
        }
        write!(f, " of {shard_count}, FNV-1a mod {shard_count}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::discovered::Discovered;
    use crate::sharding::layout::Layout;

    fn topology(numbers: impl IntoIterator<Item = u32>) -> Topology {
        let names: Vec<_> = numbers.into_iter().map(|n| format!("shard_{n}")).collect();
        let layout = Layout::default();
        let discovered = Discovered::new(&layout, names.iter().map(String::as_str));
        Topology::new(discovered, &layout).unwrap()
    }

    fn of_origins(names: &[&str], shards: u32) -> Result<Selection, TopologyError> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let topology = topology((0..shards).filter(|n| *n != 8));
        Selection::of_origins(&topology, &names, topology.shard_count())
    }

    #[test]
    fn origins_are_a_union_and_state_their_rule() {
        let one = of_origins(&["core"], 128).unwrap();
        assert_eq!(one.shards, [Shard::new(30)]);
        assert_eq!(
            one.origins.unwrap().to_string(),
            "shard_30 of 128 (origin core, FNV-1a mod 128)"
        );
        let two = of_origins(&["core", "chef", "core"], 128).unwrap();
        assert_eq!(two.shards.len(), 2);
        assert!(two.shards.is_sorted());
        let text = two.origins.unwrap().to_string();
        assert!(text.starts_with("shard_30 (origin core), shard_"), "{text}");
        assert!(text.ends_with(" of 128, FNV-1a mod 128"), "{text}");
    }

    #[test]
    fn an_origin_whose_shard_is_missing_has_no_selection() {
        let name = (0..1000)
            .map(|n| format!("origin-{n}"))
            .find(|name| name_hash::by_name(name, NonZeroU32::new(128).unwrap()) == 8)
            .unwrap();
        let refused = of_origins(&[&name], 128).unwrap_err().to_string();
        assert!(refused.contains("shard_8"), "{refused}");
    }
}
