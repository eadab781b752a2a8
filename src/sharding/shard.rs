//! A shard, and the shard lists that users type and read.
//!
//! A shard is a schema `shard_N`. Pure; which shards a database has is in
//! [`crate::sharding::topology`].

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A schema that holds one slice of the data. Ordered by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u32);

impl Shard {
    pub const PREFIX: &str = "shard_";

    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    pub const fn number(self) -> u32 {
        self.0
    }

    /// The shard that a schema name stands for, if any.
    ///
    /// `shard_007` is not one: otherwise two schemas could be shard 7.
    pub fn from_schema(name: &str) -> Option<Self> {
        let digits = name.strip_prefix(Self::PREFIX)?;
        let canonical = digits == "0"
            || (!digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()));
        (canonical && !digits.is_empty())
            .then(|| digits.parse().ok().map(Self))
            .flatten()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0)
    }
}

/// The value of `--shards`: `0-15,30,100-`. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardList(Vec<RangeInclusive<u32>>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardListError {
    #[error("invalid shard list \"{0}\"; expected e.g. 0-15,30,100-")]
    NotANumber(String),
    #[error("range \"{0}\" is reversed")]
    Backwards(String),
    #[error("empty item in shard list; expected e.g. 0-15,30,100-")]
    Empty,
}

impl ShardList {
    pub fn contains(&self, shard: Shard) -> bool {
        self.0.iter().any(|range| range.contains(&shard.number()))
    }

    pub fn ranges(&self) -> &[RangeInclusive<u32>] {
        &self.0
    }

    /// How many shards can be on the list.
    pub fn count(&self) -> usize {
        let length = |range: &RangeInclusive<u32>| (range.end() - range.start()) as usize + 1;
        self.0.iter().map(length).sum()
    }

    /// The union of all lists; `None` if there are none.
    pub fn union(lists: &[Self]) -> Option<Self> {
        let ranges: Vec<_> = lists.iter().flat_map(|list| &list.0).cloned().collect();
        (!ranges.is_empty()).then_some(Self(ranges))
    }

    /// Exactly these shards; `None` if there are none.
    pub fn of(shards: &[Shard]) -> Option<Self> {
        let ranges: Vec<_> = shards.iter().map(|s| s.number()..=s.number()).collect();
        (!ranges.is_empty()).then_some(Self(ranges))
    }

    pub fn single(shard: Shard) -> Self {
        Self(vec![shard.number()..=shard.number()])
    }
}

/// In the syntax of `--shards`.
impl fmt::Display for ShardList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            match (*range.start(), *range.end()) {
                (start, end) if start == end => write!(f, "{comma}{start}")?,
                (start, u32::MAX) => write!(f, "{comma}{start}-")?,
                (start, end) => write!(f, "{comma}{start}-{end}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for ShardList {
    type Err = ShardListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',')
            .map(parse_item)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn parse_item(item: &str) -> Result<RangeInclusive<u32>, ShardListError> {
    let item = item.trim();
    if item.is_empty() {
        return Err(ShardListError::Empty);
    }
    let number = |text: &str| {
        let text = text.trim();
        let digits = text.strip_prefix(Shard::PREFIX).unwrap_or(text);
        // `parse` alone would accept a sign.
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            digits.parse().ok()
        } else {
            None
        }
        .ok_or_else(|| ShardListError::NotANumber(item.to_owned()))
    };
    match item.split_once('-') {
        None => number(item).map(|n| n..=n),
        Some((start, "")) => number(start).map(|n| n..=u32::MAX),
        Some((start, end)) => {
            let (start, end) = (number(start)?, number(end)?);
            if start > end {
                return Err(ShardListError::Backwards(item.to_owned()));
            }
            Ok(start..=end)
        }
    }
}

/// Shards for display: `shard_3, shard_7-9`. Ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<RangeInclusive<u32>>);

impl Ranges {
    pub fn of(shards: &[Shard]) -> Self {
        let mut ranges = Self::default();
        for shard in shards {
            ranges.push(shard.number()..=shard.number());
        }
        ranges
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends a range, merging it with the last one if they are adjacent.
    pub fn push(&mut self, range: RangeInclusive<u32>) {
        match self.0.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(*range.start()) => {
                *last = *last.start()..=*range.end();
            }
            _ => self.0.push(range),
        }
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
        ranges.sort_unstable_by_key(|range| *range.start());
        let mut union = Self::default();
        union.extend(Self(ranges));
        union
    }

    pub fn count(&self) -> usize {
        let length = |range: &RangeInclusive<u32>| (range.end() - range.start()) as usize + 1;
        self.0.iter().map(length).sum()
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
            let (first, last) = (Shard(*range.start()), range.end());
            match *last {
                last if last == first.number() => write!(f, "{first}")?,
                u32::MAX => write!(f, "{first}-")?,
                last => write!(f, "{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// Names the shards concerned, out of `asked`: `shard_3, shard_7-9 (4 shards)`, or
/// `all 128 shards`. `shards` is ascending.
pub fn whose(shards: &[Shard], asked: usize) -> String {
    match shards {
        _ if shards.len() == asked && asked > 1 => format!("all {asked} shards"),
        [only] => only.to_string(),
        _ => format!("{} ({} shards)", Ranges::of(shards), shards.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_canonical_schema_names_are_shards() {
        assert_eq!(Shard::from_schema("shard_0"), Some(Shard(0)));
        assert_eq!(Shard::from_schema("shard_127"), Some(Shard(127)));
        for other in [
            "shard_",
            "shard_x",
            "shard_2b",
            "shard_007",
            "shard_00",
            "shard_-1",
            "shard_+1",
            "Shard_1",
            "shard_4294967296",
            "xshard_1",
            "shard_1 ",
        ] {
            assert_eq!(Shard::from_schema(other), None, "{other}");
        }
    }

    #[test]
    fn shards_stand_in_numeric_order() {
        let mut shards = [Shard(10), Shard(2), Shard(1)];
        shards.sort();
        assert_eq!(shards.map(Shard::number), [1, 2, 10]);
    }

    #[test]
    fn lists_are_numbers_and_ranges() {
        let list: ShardList = "0-2, 30,shard_40,100-".parse().unwrap();
        let picked = |n| list.contains(Shard(n));
        assert!(picked(0) && picked(2) && picked(30) && picked(40) && picked(100) && picked(9999));
        assert!(!picked(3) && !picked(31) && !picked(99));
    }

    #[test]
    fn lists_that_make_no_sense_are_refused() {
        for (text, error) in [
            ("", ShardListError::Empty),
            ("1,,2", ShardListError::Empty),
            ("a", ShardListError::NotANumber("a".into())),
            ("+1", ShardListError::NotANumber("+1".into())),
            ("-5", ShardListError::NotANumber("-5".into())),
            ("1-2-3", ShardListError::NotANumber("1-2-3".into())),
            ("9-3", ShardListError::Backwards("9-3".into())),
        ] {
            assert_eq!(text.parse::<ShardList>(), Err(error), "{text}");
        }
    }

    #[test]
    fn many_ranges_are_cut_and_counted() {
        let odd: Vec<_> = (0..64).map(|n| Shard(2 * n + 1)).collect();
        assert_eq!(
            Ranges::of(&odd).brief(),
            "shard_1, shard_3, shard_5, shard_7, shard_9, … (64 shards)"
        );
        assert_eq!(Ranges::of(&odd[..2]).brief(), "shard_1, shard_3");
    }

    #[test]
    fn ranges_read_like_a_person_wrote_them() {
        let shards = [3, 7, 8, 9, 11, 12].map(Shard);
        assert_eq!(
            Ranges::of(&shards).to_string(),
            "shard_3, shard_7-9, shard_11-12"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_as_ranges_reads_back_the_same(numbers in prop::collection::btree_set(0u32..500, 1..60)) {
            let shards: Vec<_> = numbers.iter().copied().map(Shard).collect();
            let list: ShardList = Ranges::of(&shards).to_string().parse().unwrap();
            let named: Vec<_> = (0..500).map(Shard).filter(|shard| list.contains(*shard)).collect();
            prop_assert_eq!(named, shards);
        }

        #[test]
        fn no_text_is_too_strange_for_the_list_parser(text in ".*|[0-9, -]{0,12}") {
            if let Ok(list) = text.parse::<ShardList>() {
                prop_assert_eq!(list.to_string().parse(), Ok(list));
            }
        }
    }
}
