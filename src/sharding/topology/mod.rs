//! Which shards a database has, and gaps in their numbering.

mod doubt;
mod error;

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use crate::sharding::discovered::{Discovered, LookAlikes};
use crate::sharding::layout::Layout;
use crate::sharding::numbering::Numbering;
use crate::sharding::ranges::Ranges;
use crate::sharding::schemas_from::SchemasFrom;
use crate::sharding::shard::Shard;
use crate::sharding::unreachable::Unreachable;

pub use doubt::Doubt;
pub use error::TopologyError;

/// The shards of one database or of several, ascending; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    pub(super) shards: Vec<Shard>,
    /// Shards that `--schemas-from` lists and that do not exist.
    pub(super) nonexistent: Vec<Shard>,
    pub(super) without_table: Vec<Shard>,
    pub(super) look_alikes: LookAlikes,
    /// One per database.
    pub(super) layouts: Vec<Layout>,
    /// That of the layout; `None` if shards have names rather than numbers.
    pub(super) numbering: Option<Numbering>,
    pub(super) unreachable: Vec<Unreachable>,
}

impl Topology {
    /// `None` if there are no shards.
    pub fn new(discovered: Discovered, layout: &Layout) -> Option<Self> {
        let Discovered {
            shards,
            without_table,
            look_alikes,
        } = discovered;
        let list = layout.schemas_from().map(SchemasFrom::list);
        let listed = list.iter().flat_map(|list| list.shards()).copied();
        let nonexistent: Vec<_> = listed
            .filter(|shard| shards.binary_search(shard).is_err())
            .collect();
        (!shards.is_empty()).then(|| Self {
            nonexistent,
            shards,
            without_table,
            look_alikes,
            layouts: vec![layout.clone()],
            numbering: layout.numbering(),
            unreachable: Vec::new(),
        })
    }

    /// Of its database.
    pub fn label(&self, shard: Shard) -> Option<String> {
        let layouts = &mut self.layouts.iter();
        let own = layouts.find(|layout| layout.of_database() == shard.database())?;
        own.label(shard)
    }

    /// `named shard_0, shard_1, …`
    pub fn naming(&self) -> String {
        self.layouts.first().map(Layout::naming).unwrap_or_default()
    }

    /// How many databases have shards.
    pub fn databases(&self) -> usize {
        self.layouts.len()
    }

    /// Databases whose shards nobody could list.
    pub fn unreachable(&self) -> &[Unreachable] {
        &self.unreachable
    }

    /// The shard of this number, whichever database it is in.
    pub fn by_number(&self, number: u32) -> Option<Shard> {
        self.named(self.numbering.as_ref()?.shard(number).name())
    }

    /// The shard of this name, whichever database it is in.
    pub fn named(&self, name: &str) -> Option<Shard> {
        let mut shards = self.shards.iter().copied();
        shards.find(|shard| shard.name() == name)
    }

    pub fn numbering(&self) -> Option<&Numbering> {
        self.numbering.as_ref()
    }

    fn numbers(&self) -> impl Iterator<Item = u32> {
        let shards = self.shards.iter();
        shards.filter_map(|shard| self.numbering.as_ref()?.number(*shard))
    }

    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// All shards that should exist, in order.
    pub fn all(&self) -> Vec<Shard> {
        let mut all = [self.shards.as_slice(), &self.nonexistent].concat();
        all.sort_unstable();
        all
    }

    /// Shards that `--schemas-from` lists and that do not exist.
    pub fn nonexistent(&self) -> &[Shard] {
        &self.nonexistent
    }

    /// Shards that lack the table of `--having-table`.
    pub fn without_table(&self) -> &[Shard] {
        &self.without_table
    }

    pub fn look_alikes(&self) -> &LookAlikes {
        &self.look_alikes
    }

    /// The first shard if its number is above 1: a numbering starts at 0 or 1.
    pub fn late_start(&self) -> Option<Shard> {
        let first = self.shards.first().copied()?;
        (self.numbers().next()? > 1).then_some(first)
    }

    /// Numbers missing from a numbering of `count` shards: before a late start, in gaps, and at the
    /// end.
    pub fn lacking_of(&self, count: NonZeroU32) -> Ranges {
        let mut lacking = self.lacking();
        let end = self.shard_count().get();
        if count.get() > end
            && let Some(numbering) = &self.numbering
        {
            lacking.push_numbers(numbering, end..=count.get() - 1);
        }
        lacking
    }

    /// Missing numbers: before a late start, and in gaps.
    pub fn lacking(&self) -> Ranges {
        let mut lacking = Ranges::default();
        if let (Some(numbering), Some(first @ 2..)) = (&self.numbering, self.numbers().next()) {
            lacking.push_numbers(numbering, 0..=first - 1);
        }
        lacking.extend(self.gaps());
        lacking
    }

    pub fn doubt(&self) -> Option<Doubt> {
        let lacking = self.lacking();
        (!lacking.is_empty() && !self.look_alikes.is_empty()).then(|| Doubt {
            nonexistent: Vec::new(),
            look_alikes: self.look_alikes.clone(),
            unreachable: Vec::new(),
            lacking,
            present: self.shards.clone(),
        })
    }

    /// How many shards keys are distributed over, if not given: the highest number plus one, since
    /// numbering starts at 0.
    pub fn shard_count(&self) -> NonZeroU32 {
        let highest = match self.numbering {
            Some(_) => self.numbers().last(),
            None => u32::try_from(self.shards.len()).ok().map(|count| count - 1),
        };
        NonZeroU32::MIN.saturating_add(highest.unwrap_or(0))
    }

    /// Missing numbers between the lowest and the highest shard.
    pub fn gaps(&self) -> Ranges {
        match (self.numbers().next(), self.numbers().last()) {
            (Some(first), Some(last)) => self.absent(first..=last),
            _ => Ranges::default(),
        }
    }

    /// # Errors
    /// If the number of shards is different.
    pub fn expect(&self, expected: u32) -> Result<(), TopologyError> {
        if u32::try_from(self.shards.len()) == Ok(expected) {
            return Ok(());
        }
        let missing = match expected.checked_sub(1) {
            Some(last) => self.absent(0..=last),
            None => Ranges::default(),
        };
        Err(TopologyError::Incomplete {
            expected,
            found: self.shards.len(),
            missing: (!missing.is_empty()).then(|| missing.to_string()),
        })
    }

    fn absent(&self, wanted: RangeInclusive<u32>) -> Ranges {
        match &self.numbering {
            Some(numbering) => absent_of(numbering, &self.shards, wanted),
            None => Ranges::default(),
        }
    }
}

/// The numbers that no shard has. `shards` is in the order of their numbers.
pub(super) fn absent_of(
    numbering: &Numbering,
    shards: &[Shard],
    wanted: RangeInclusive<u32>,
) -> Ranges {
    let mut absent = Ranges::default();
    let mut next = *wanted.start();
    for number in shards.iter().filter_map(|shard| numbering.number(*shard)) {
        if wanted.contains(&number) {
            if number > next {
                absent.push_numbers(numbering, next..=number - 1);
            }
            next = number.saturating_add(1);
        }
    }
    if next <= *wanted.end() {
        absent.push_numbers(numbering, next..=*wanted.end());
    }
    absent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology(numbers: impl IntoIterator<Item = u32>) -> Topology {
        with_look_alikes(numbers, &[])
    }

    fn with_look_alikes(numbers: impl IntoIterator<Item = u32>, others: &[&str]) -> Topology {
        let shards = numbers.into_iter().map(|n| Shard::new(n).to_string());
        let schemas: Vec<_> = shards
            .chain(others.iter().map(|s| (*s).to_owned()))
            .collect();
        let layout = Layout::default();
        let discovered = Discovered::new(&layout, schemas.iter().map(String::as_str));
        Topology::new(discovered, &layout).unwrap()
    }

    #[test]
    fn a_numbering_begins_at_0_or_at_1() {
        assert_eq!(topology(0..4).late_start(), None);
        assert_eq!(topology(1..4).late_start(), None);
        assert_eq!(topology([2, 5]).late_start(), Some(Shard::new(2)));
        assert_eq!(
            topology([2, 5]).lacking().to_string(),
            "shard_0-1, shard_3-4"
        );
    }

    #[test]
    fn look_alikes_are_a_doubt_only_where_the_numbering_lacks_some() {
        assert_eq!(with_look_alikes(0..4, &["shard_2_old"]).doubt(), None);
        assert_eq!(topology([0, 2]).doubt(), None);
        let doubt = with_look_alikes([0, 2], &["shard_1_old"]).doubt();
        assert_eq!(
            doubt.unwrap().to_string(),
            "shards may be missing: there is no shard_1, but these schemas look like shards: shard_1_old; if shard_0, \
             shard_2 are all the shards, add --expect-shards 2"
        );
        assert!(with_look_alikes(100..128, &["shard_000"]).doubt().is_some());
    }

    #[test]
    fn gaps_in_the_numbering_are_seen() {
        assert!(topology(0..128).gaps().is_empty());
        assert_eq!(
            topology([0, 1, 63, 65]).gaps().to_string(),
            "shard_2-62, shard_64"
        );
    }

    #[test]
    fn a_missing_shard_is_named() {
        assert_eq!(topology(0..128).expect(128), Ok(()));
        let error = topology((0..128).filter(|n| *n != 64))
            .expect(128)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected 128 shards, found 127: shard_64 missing"
        );
        let error = topology(0..129).expect(128).unwrap_err();
        assert_eq!(error.to_string(), "expected 128 shards, found 129");
    }
}
