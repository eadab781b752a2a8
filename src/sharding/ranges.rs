//! Several shards, as people read them: `shard_3, shard_7-9`. Pure.

use std::fmt;
use std::ops::RangeInclusive;

use crate::sharding::numbering::Numbering;
use crate::sharding::shard::Shard;

/// Shards for display: `shard_3, shard_7-9`. Ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Range {
    Name(Shard),
    /// Neighbours that differ in their number only. `u32::MAX` is an open end.
    Numbers {
        numbering: Numbering,
        numbers: RangeInclusive<u32>,
    },
}

impl Range {
    fn of(shard: Shard) -> Self {
        match Numbering::of(shard) {
            Some((numbering, number)) => Self::Numbers {
                numbering,
                numbers: number..=number,
            },
            None => Self::Name(shard),
        }
    }

    fn first(&self) -> Shard {
        match self {
            Self::Name(shard) => *shard,
            Self::Numbers { numbering, numbers } => numbering.shard(*numbers.start()),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Name(_) => 1,
            Self::Numbers { numbers, .. } => (numbers.end() - numbers.start()) as usize + 1,
        }
    }

    /// Appends what follows directly. Returns it if it does not.
    fn extend(&mut self, next: Self) -> Result<(), Self> {
        match (&mut *self, next) {
            (
                Self::Numbers { numbering, numbers },
                Self::Numbers {
                    numbering: other,
                    numbers: next,
                },
            ) if numbers.end().checked_add(1) == Some(*next.start())
                && numbering.shard(*next.start()) == other.shard(*next.start()) =>
            {
                *numbers = *numbers.start()..=*next.end();
                Ok(())
            }
            (_, next) => Err(next),
        }
    }
}

impl Ranges {
    pub fn of(shards: &[Shard]) -> Self {
        let mut ranges = Self::default();
        for shard in shards {
            ranges.push(Range::of(*shard));
        }
        ranges
    }

    /// Names that only look like one another are not made into a range.
    pub fn of_names(names: &[String]) -> Self {
        Self(
            names
                .iter()
                .map(|name| Range::Name(Shard::named(name)))
                .collect(),
        )
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the shards with these numbers.
    pub fn push_numbers(&mut self, numbering: &Numbering, numbers: RangeInclusive<u32>) {
        self.push(Range::Numbers {
            numbering: numbering.clone(),
            numbers,
        });
    }

    fn push(&mut self, range: Range) {
        let rest = match self.0.last_mut() {
            Some(last) => last.extend(range),
            None => Err(range),
        };
        self.0.extend(rest.err());
    }

    pub fn extend(&mut self, other: Self) {
        for range in other.0 {
            self.push(range);
        }
    }

    /// The union of two disjoint sets.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let mut ranges: Vec<_> = self.0.into_iter().chain(other.0).collect();
        ranges.sort_by_key(Range::first);
        let mut union = Self::default();
        union.extend(Self(ranges));
        union
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(Range::count).sum()
    }

    /// A short form for lines with other content: `shard_1, shard_3, shard_5, … (64 shards)`.
    pub fn brief(&self) -> String {
        const NAMED: usize = 5;
        if self.0.len() <= NAMED {
            return self.to_string();
        }
        let first = Self(self.0[..NAMED].to_vec());
        format!("{first}, … ({} shards)", self.count())
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match range {
                Range::Name(shard) => shard.fmt(f)?,
                Range::Numbers { numbering, numbers } => {
                    let (start, end) = (*numbers.start(), *numbers.end());
                    match end {
                        end if end == start => numbering.shard(start).fmt(f)?,
                        u32::MAX => write!(f, "{}-", numbering.shard(start))?,
                        // `a1_x-a3_x`, since `a1_x-3` would be ambiguous.
                        end if numbering.has_suffix() => {
                            write!(f, "{}-{}", numbering.shard(start), numbering.shard(end))?;
                        }
                        end => write!(f, "{}-{}", numbering.shard(start), numbering.digits(end))?,
                    }
                }
            }
        }
        Ok(())
    }
}

/// Names the shards concerned, out of `queried`: `shard_3, shard_7-9 (4 shards)`, or
/// `all 128 shards`. `shards` is ascending.
pub fn whose(shards: &[Shard], queried: usize) -> String {
    match shards {
        _ if shards.len() == queried && queried > 1 => format!("all {queried} shards"),
        [only] => only.to_string(),
        _ => format!("{} ({} shards)", Ranges::of(shards), shards.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_ranges_are_cut_and_counted() {
        let odd: Vec<_> = (0..64).map(|n| Shard::new(2 * n + 1)).collect();
        assert_eq!(
            Ranges::of(&odd).brief(),
            "shard_1, shard_3, shard_5, shard_7, shard_9, … (64 shards)"
        );
        assert_eq!(Ranges::of(&odd[..2]).brief(), "shard_1, shard_3");
    }

    #[test]
    fn ranges_read_like_a_person_wrote_them() {
        let of = |names: &[&str]| {
            let shards: Vec<_> = names.iter().map(|name| Shard::named(name)).collect();
            Ranges::of(&shards).to_string()
        };
        let shards = [3, 7, 8, 9, 11, 12].map(Shard::new);
        assert_eq!(
            Ranges::of(&shards).to_string(),
            "shard_3, shard_7-9, shard_11-12"
        );
        assert_eq!(
            of(&["schema098", "schema099", "schema100"]),
            "schema098-100"
        );
        assert_eq!(of(&["schema9", "schema010"]), "schema9, schema010");
        assert_eq!(of(&["a1_eu", "a2_eu", "a3_us"]), "a1_eu-a2_eu, a3_us");
        assert_eq!(of(&["acme", "beta"]), "acme, beta");
    }
}
