//! The shards of several databases, as those of one topology. Pure.

use std::collections::BTreeMap;
use std::fmt;

use crate::sharding::database::{Database, ShardNaming};
use crate::sharding::discovered::LookAlikes;
use crate::sharding::layout::Layout;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::sharding::topology::{Topology, TopologyError};

/// A database whose shards nobody could list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// As messages call it.
    pub place: String,
    pub reason: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: its shards are missing: {}", self.place, self.reason)
    }
}

impl Topology {
    /// The shards of several databases. Of a shard that several have, the one on the first of the
    /// `preferred` servers counts. `None` if there are no shards.
    ///
    /// # Errors
    /// If several databases have the same shard, and none of them is preferred.
    pub fn union(
        parts: Vec<Self>,
        layout: &Layout,
        unreachable: Vec<Unreachable>,
        preferred: &[String],
    ) -> Result<Option<Self>, TopologyError> {
        let mut shards = parts.iter().flat_map(|part| &part.shards);
        let naming = shards.find_map(|shard| shard.database());
        let by_number = naming.map(Database::naming) != Some(ShardNaming::DatabaseAndSchema);
        let mut union = Self {
            shards: Vec::new(),
            nonexistent: Vec::new(),
            without_table: Vec::new(),
            look_alikes: LookAlikes::default(),
            layouts: Vec::new(),
            numbering: layout.numbering().filter(|_| by_number),
            unreachable,
        };
        for part in parts {
            union.shards.extend(part.shards);
            union.nonexistent.extend(part.nonexistent);
            union.without_table.extend(part.without_table);
            union.look_alikes.extend(part.look_alikes);
            union.layouts.extend(part.layouts);
        }
        let kept = once_each(&union.shards, preferred)?;
        let is_kept = |shard: &Shard| kept.binary_search(shard).is_ok();
        union.without_table.retain(is_kept);
        union.shards.clone_from(&kept);
        union.nonexistent.sort_unstable();
        union.without_table.sort_unstable();
        Ok((!union.shards.is_empty()).then_some(union))
    }
}

/// Ascending.
fn once_each(shards: &[Shard], preferred: &[String]) -> Result<Vec<Shard>, TopologyError> {
    let mut by_name: BTreeMap<&str, Vec<Shard>> = BTreeMap::new();
    for shard in shards {
        by_name.entry(shard.name()).or_default().push(*shard);
    }
    let place = |shard: Shard| shard.database().map(Database::server).unwrap_or_default();
    let mut twice: BTreeMap<Vec<&str>, Vec<Shard>> = BTreeMap::new();
    let mut kept = Vec::new();
    for same in by_name.into_values() {
        let first_preferred = preferred
            .iter()
            .find_map(|server| same.iter().find(|shard| place(**shard) == server));
        match (same.as_slice(), first_preferred) {
            ([only], _) => kept.push(*only),
            (_, Some(shard)) => kept.push(*shard),
            _ => {
                let places = same.iter().map(|shard| place(*shard)).collect();
                twice.entry(places).or_default().push(same[0]);
            }
        }
    }
    if let Some((places, mut shards)) = twice.into_iter().next() {
        shards.sort_unstable();
        return Err(TopologyError::OnSeveralServers {
            shards: Ranges::of(&shards).brief(),
            servers: places.join(" and "),
            preferred: (*places.last().unwrap_or(&"")).to_owned(),
        });
    }
    kept.sort_unstable();
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::discovered::Discovered;

    fn part(server: &str, numbers: impl IntoIterator<Item = u32>) -> Topology {
        let database = Database::new(server.to_owned(), "app".to_owned(), ShardNaming::Schema);
        let layout = Layout::default().in_database(database);
        let names: Vec<_> = numbers.into_iter().map(|n| format!("shard_{n}")).collect();
        let discovered = Discovered::new(&layout, names.iter().map(String::as_str));
        Topology::new(discovered, &layout).unwrap()
    }

    fn union(parts: Vec<Topology>, preferred: &[&str]) -> Result<Topology, TopologyError> {
        let preferred: Vec<_> = preferred.iter().map(|it| (*it).to_owned()).collect();
        let union = Topology::union(parts, &Layout::default(), Vec::new(), &preferred);
        union.map(|union| union.unwrap())
    }

    #[test]
    fn shards_of_several_servers_are_in_one_order() {
        let both = union(vec![part("b", [10, 1]), part("a", [2, 4])], &[]).unwrap();
        let names: Vec<_> = both.shards().iter().map(|shard| shard.name()).collect();
        assert_eq!(names, ["shard_1", "shard_2", "shard_4", "shard_10"]);
        assert_eq!(both.gaps().to_string(), "shard_3, shard_5-9");
        assert_eq!(both.expect(4), Ok(()));
    }

    #[test]
    fn a_shard_on_two_servers_would_count_twice() {
        let parts = || vec![part("a", 0..4), part("b", 2..6)];
        assert_eq!(
            union(parts(), &[]).unwrap_err().to_string(),
            "several servers (a and b) have shard_2-3, whose rows would count twice; --prefer b reads \
             the shards that it has on b"
        );
        let preferred = union(parts(), &["c", "b"]).unwrap();
        let servers = preferred
            .shards()
            .iter()
            .map(|it| it.database().unwrap().server());
        assert_eq!(servers.collect::<Vec<_>>(), ["a", "a", "b", "b", "b", "b"]);
    }
}
