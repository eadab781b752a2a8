//! Which shards there are, and which of them a run asks.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use crate::shard::{Ranges, Shard, ShardList};

/// The shards of one database, ascending; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology(Vec<Shard>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    #[error("no {missing} here; the shards are {present}")]
    NotThere { missing: String, present: String },
    #[error("expected {expected} shards, found {found}{}", .missing.as_ref().map(|m| format!(": {m} missing")).unwrap_or_default())]
    Incomplete {
        expected: u32,
        found: usize,
        missing: Option<String>,
    },
}

impl Topology {
    /// `None` where there is no shard at all. Takes them ascending.
    pub fn new(shards: Vec<Shard>) -> Option<Self> {
        (!shards.is_empty()).then_some(Self(shards))
    }

    pub fn shards(&self) -> &[Shard] {
        &self.0
    }

    /// How many shards keys are spread over, if nobody says: the numbering starts
    /// at 0, so one more than the highest number.
    pub fn modulus(&self) -> NonZeroU32 {
        let highest = self.0.last().map_or(0, |last| last.number());
        NonZeroU32::MIN.saturating_add(highest)
    }

    /// Numbers left out between the lowest and the highest shard.
    pub fn gaps(&self) -> Ranges {
        self.absent(self.0[0].number()..=self.0[self.0.len() - 1].number())
    }

    /// # Errors
    /// If there are more or fewer shards than that.
    pub fn expect(&self, expected: u32) -> Result<(), TopologyError> {
        if u32::try_from(self.0.len()) == Ok(expected) {
            return Ok(());
        }
        let missing = match expected.checked_sub(1) {
            Some(last) => self.absent(0..=last),
            None => Ranges::default(),
        };
        Err(TopologyError::Incomplete {
            expected,
            found: self.0.len(),
            missing: (!missing.is_empty()).then(|| missing.to_string()),
        })
    }

    /// The shards on a list.
    ///
    /// # Errors
    /// If one that the list names is not there.
    pub fn pick(&self, list: &ShardList) -> Result<Vec<Shard>, TopologyError> {
        let mut missing = Ranges::default();
        for range in list.ranges() {
            // An open range (`100-`) asks for whatever is there, but for something.
            if *range.end() == u32::MAX {
                if !self.0.iter().any(|shard| range.contains(&shard.number())) {
                    missing.push(range.clone());
                }
            } else {
                missing.extend(self.absent(range.clone()));
            }
        }
        if !missing.is_empty() {
            return Err(TopologyError::NotThere {
                missing: missing.to_string(),
                present: Ranges::of(&self.0).to_string(),
            });
        }
        Ok(self
            .0
            .iter()
            .copied()
            .filter(|shard| list.contains(*shard))
            .collect())
    }

    fn absent(&self, wanted: RangeInclusive<u32>) -> Ranges {
        let mut absent = Ranges::default();
        let mut next = *wanted.start();
        for number in self.0.iter().map(|shard| shard.number()) {
            if wanted.contains(&number) {
                if number > next {
                    absent.push(next..=number - 1);
                }
                next = number.saturating_add(1);
            }
        }
        if next <= *wanted.end() {
            absent.push(next..=*wanted.end());
        }
        absent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology(numbers: impl IntoIterator<Item = u32>) -> Topology {
        Topology::new(numbers.into_iter().map(Shard::new).collect()).unwrap()
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

    #[test]
    fn a_list_picks_what_is_there_and_refuses_what_is_not() {
        let topology = topology([0, 1, 2, 5, 9]);
        let picked = |list: &str| topology.pick(&list.parse().unwrap());
        assert_eq!(picked("0-2,9").unwrap(), [0, 1, 2, 9].map(Shard::new));
        assert_eq!(picked("4-").unwrap(), [5, 9].map(Shard::new));
        assert_eq!(
            picked("1-5,10-").unwrap_err().to_string(),
            "no shard_3-4, shard_10- here; the shards are shard_0-2, shard_5, shard_9"
        );
    }
}
