//! Picks the shards on a list, in one pass over both: a list may have thousands of entries. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use crate::sharding::numbering::Numbering;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::sharding::shard_list::{Item, ShardList, glob, is_pattern, range};
use crate::sharding::topology::{Topology, TopologyError, absent_of};

/// How many entries that match nothing an error names.
const NAMED: usize = 20;

impl Topology {
    /// The shards on a list. Those that should exist and do not can be on it too.
    ///
    /// # Errors
    /// If an entry of the list matches no shard.
    pub fn pick(&self, list: &ShardList) -> Result<Vec<Shard>, TopologyError> {
        let all = self.all();
        let index = Index::of(self, &all);
        let (mut picked, mut missing) = (BTreeSet::new(), Vec::new());
        for item in list.items() {
            let (found, absent) = match item {
                Item::Numbers(range) => match self.numbering() {
                    Some(numbering) => in_range(&index.numbered, numbering, range),
                    None => return Err(TopologyError::NotNumbered(item.to_string())),
                },
                Item::Name(name) => index.by_name(name, &all),
            };
            picked.extend(found);
            missing.extend((!absent.is_empty()).then(|| absent.to_string()));
        }
        if !missing.is_empty() {
            let more = missing.len().saturating_sub(NAMED);
            missing.truncate(NAMED);
            let more = match more {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            return Err(TopologyError::NotThere {
                missing: missing.join(", ") + &more,
                present: Ranges::of(self.shards()).brief(),
                unreachable: self.unreachable().to_vec(),
            });
        }
        Ok(picked.into_iter().collect())
    }
}

/// Shards by number. Several only where zeros in front make the difference.
type Numbered = BTreeMap<u32, Vec<Shard>>;

/// Shards by everything that an entry of a list can be, except patterns.
struct Index {
    names: HashMap<&'static str, Shard>,
    labels: HashMap<String, Vec<Shard>>,
    /// By the layout's own numbering.
    numbered: Numbered,
    /// By the name in front of the number, for entries such as `shard_7-9`.
    series: HashMap<String, Numbered>,
}

impl Index {
    fn of(topology: &Topology, shards: &[Shard]) -> Self {
        let mut index = Self {
            names: HashMap::new(),
            labels: HashMap::new(),
            numbered: Numbered::new(),
            series: HashMap::new(),
        };
        for &shard in shards {
            index.names.insert(shard.name(), shard);
            if let Some(label) = topology.label(shard) {
                let labelled = index.labels.entry(label).or_default();
                labelled.push(shard);
            }
            if let Some(number) = topology.numbering().and_then(|it| it.number(shard)) {
                index.numbered.entry(number).or_default().push(shard);
            }
            if let Some((numbering, number)) = Numbering::of(shard)
                && !numbering.has_suffix()
            {
                let series = index.series.entry(numbering.before().to_owned());
                series.or_default().entry(number).or_default().push(shard);
            }
        }
        index
    }

    /// A shard's name or label, a pattern of those, or a range such as `shard_7-9`.
    fn by_name(&self, name: &str, shards: &[Shard]) -> (Vec<Shard>, Ranges) {
        if let Some(shard) = self.names.get(name) {
            return (vec![*shard], Ranges::default());
        }
        let found = if is_pattern(name) {
            self.by_pattern(name, shards)
        } else {
            self.labels.get(name).cloned().unwrap_or_default()
        };
        if !found.is_empty() {
            return (found, Ranges::default());
        }
        if let Some(range) = range(name) {
            let none = Numbered::new();
            let series = self.series.get(range.numbering.before());
            return in_range(series.unwrap_or(&none), &range.numbering, &range.numbers);
        }
        (Vec::new(), Ranges::of_names(&[name.to_owned()]))
    }

    fn by_pattern(&self, pattern: &str, shards: &[Shard]) -> Vec<Shard> {
        let is = |name: &str| glob(pattern, name);
        let labelled = self.labels.iter().filter(|(label, _)| is(label));
        let named = shards.iter().filter(|shard| is(shard.name()));
        let labelled = labelled.flat_map(|(_, shards)| shards);
        named.chain(labelled).copied().collect()
    }
}

/// The shards with these numbers, and those that do not exist. An open range (`100-`) is whatever
/// exists, but must be something.
fn in_range(
    shards: &Numbered,
    numbering: &Numbering,
    range: &RangeInclusive<u32>,
) -> (Vec<Shard>, Ranges) {
    let found = shards.range(range.clone()).flat_map(|(_, shards)| shards);
    let found: Vec<_> = found.copied().collect();
    let mut absent = Ranges::default();
    if *range.end() != u32::MAX {
        absent = absent_of(numbering, &found, range.clone());
    } else if found.is_empty() {
        absent.push_numbers(numbering, range.clone());
    }
    (found, absent)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::sharding::discovered::Discovered;
    use crate::sharding::layout::Layout;

    fn topology(pattern: &str, names: impl IntoIterator<Item = String>) -> Topology {
        let layout = Layout::new(vec![pattern.parse().unwrap()], Vec::new());
        let names: Vec<_> = names.into_iter().collect();
        let discovered = Discovered::new(&layout, names.iter().map(String::as_str));
        Topology::new(discovered, &layout).unwrap()
    }

    #[test]
    fn a_list_picks_what_is_there_and_refuses_what_is_not() {
        let numbers = [0, 1, 2, 5, 9].map(|n| format!("shard_{n}"));
        let topology = topology("shard_{n}", numbers);
        let picked = |list: &str| topology.pick(&list.parse().unwrap());
        assert_eq!(picked("0-2,9").unwrap(), [0, 1, 2, 9].map(Shard::new));
        assert_eq!(picked("4-").unwrap(), [5, 9].map(Shard::new));
        assert_eq!(picked("shard_1-2").unwrap(), [1, 2].map(Shard::new));
        assert_eq!(
            picked("1-5,10-").unwrap_err().to_string(),
            "no such shard: shard_3-4, shard_10-; the shards are shard_0-2, shard_5, shard_9"
        );
        let many: Vec<_> = (100..130).map(|n| n.to_string()).collect();
        let error = picked(&many.join(",")).unwrap_err().to_string();
        assert!(error.contains("shard_119 and 10 more; the"), "{error}");
    }

    /// Quadratic time would be minutes here in a debug build.
    #[test]
    fn a_long_list_takes_linear_time() {
        let names = || (0..20_000).map(|n| format!("tenant_t{n}"));
        let topology = topology("tenant_{name}", names());
        let began = Instant::now();
        for entries in [
            names().collect::<Vec<_>>(),
            names().map(|it| it.replace("tenant_", "")).collect(),
        ] {
            let list: ShardList = entries
                .join("\n")
                .lines()
                .collect::<Vec<_>>()
                .join(",")
                .parse()
                .unwrap();
            assert_eq!(topology.pick(&list).unwrap().len(), 20_000);
        }
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
