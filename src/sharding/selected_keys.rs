//! The keys of `--key` and `--key-from`, and where they are. Pure.

use std::fmt;

use crate::sharding::ranges::Ranges;
use crate::sharding::routing::key::Key;
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;
use crate::text::humanize::ThousandsSeparated;

/// Keys by which shards were selected, after looking for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedKeys {
    pub keys: Vec<SelectedKey>,
    /// `3/4 shards searched, missing: shard_2`, if a key that was not found may be in the others.
    pub unsearched: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedKey {
    pub key: Key,
    /// Where it belongs, if that can be computed.
    pub expected: Option<Shard>,
    /// Where it is: the expected shard, or all others that have it.
    pub found: Vec<Shard>,
}

/// How many keys a message names.
const NAMED: usize = 3;

impl SelectedKey {
    pub fn is_misplaced(&self) -> bool {
        let is_there = |expected| self.found.contains(&expected);
        !self.found.is_empty() && self.expected.is_some_and(|shard| !is_there(shard))
    }

    /// The shards to query: those that have it, else the one that should.
    fn shards(&self) -> impl Iterator<Item = Shard> {
        let expected = self.expected.filter(|_| self.found.is_empty());
        self.found.iter().copied().chain(expected)
    }

    fn quoted(&self) -> String {
        one_line(&format!("{:?}", self.key.to_string()))
    }
}

impl SelectedKeys {
    /// The shards that have these keys, ascending, without those that do not exist.
    pub fn shards(&self, existing: &[Shard]) -> Vec<Shard> {
        let shards = self.keys.iter().flat_map(SelectedKey::shards);
        let mut shards: Vec<_> = shards
            .filter(|shard| existing.binary_search(shard).is_ok())
            .collect();
        shards.sort_unstable();
        shards.dedup();
        shards
    }

    /// One message for each of the first keys that are not where they belong.
    pub fn misplaced(&self) -> Vec<String> {
        let misplaced = self.keys.iter().filter(|key| key.is_misplaced());
        let mut messages: Vec<_> = misplaced
            .clone()
            .take(NAMED)
            .filter_map(|key| {
                Some(format!(
                    "MISPLACED: {} {} belongs in {}, but is in {}, which was queried",
                    key.key.kind(),
                    key.quoted(),
                    key.expected?,
                    Ranges::of(&key.found)
                ))
            })
            .collect();
        let more = misplaced.count().saturating_sub(NAMED);
        if more > 0 {
            let more = ThousandsSeparated(more as u64);
            messages.push(format!(
                "MISPLACED: {more} more; shardq find --from lists them"
            ));
        }
        messages
    }

    /// What to report of keys that were not found.
    pub fn missing(&self) -> Option<String> {
        let missing: Vec<_> = self.keys.iter().filter(|it| it.found.is_empty()).collect();
        let first = missing.first()?;
        let names = missing.iter().take(NAMED).map(|it| it.quoted());
        let mut names = names.collect::<Vec<_>>().join(", ");
        if missing.len() > NAMED {
            let more = (missing.len() - NAMED) as u64;
            names = format!("{names} and {} more", ThousandsSeparated(more));
        }
        let kind = first.key.kind();
        Some(match (&self.unsearched, missing.len()) {
            (None, 1) => format!("no shard has {kind} {names}"),
            (None, _) => format!("no shard has {kind} {names}, each of which was searched for"),
            (Some(searched), 1) => format!("{kind} {names} was not found; {searched}"),
            (Some(searched), _) => format!("{kind} {names} were not found; {searched}"),
        })
    }

    /// Whether an answer may lack rows of these keys, or contradicts where they belong.
    pub fn is_doubtful(&self) -> bool {
        let is_missing = self.keys.iter().any(|key| key.found.is_empty());
        let is_misplaced = self.keys.iter().any(SelectedKey::is_misplaced);
        is_misplaced || (is_missing && self.unsearched.is_some())
    }
}

/// `tenant acme in shard_3`, or `1,000 keys`
impl fmt::Display for SelectedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [only] = &self.keys[..] else {
            return write!(f, "{} keys", ThousandsSeparated(self.keys.len() as u64));
        };
        let shards: Vec<_> = only.shards().collect();
        let (kind, key) = (only.key.kind(), only.key.to_string());
        write!(
            f,
            "{} {} in {}",
            one_line(&kind),
            one_line(&key),
            Ranges::of(&shards)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, expected: u32, found: &[u32]) -> SelectedKey {
        SelectedKey {
            key: Key::Origin(name.to_owned()),
            expected: Some(Shard::new(expected)),
            found: found.iter().copied().map(Shard::new).collect(),
        }
    }

    fn keys(keys: Vec<SelectedKey>) -> SelectedKeys {
        SelectedKeys {
            keys,
            unsearched: None,
        }
    }

    #[test]
    fn shards_are_those_that_have_the_keys_or_should() {
        let existing: Vec<_> = (0..9).map(Shard::new).collect();
        let selected = keys(vec![
            key("a", 3, &[3]),
            key("b", 3, &[7, 8]),
            key("c", 2, &[]),
            key("d", 99, &[]),
        ]);
        assert_eq!(selected.shards(&existing), [2, 3, 7, 8].map(Shard::new));
        assert!(selected.is_doubtful());
    }

    #[test]
    fn only_the_first_of_many_are_named() {
        let many: Vec<_> = (0..1005).map(|n| key(&format!("k{n}"), 1, &[])).collect();
        assert_eq!(
            keys(many).missing().unwrap(),
            "no shard has origin \"k0\", \"k1\", \"k2\" and 1,002 more, each of which was searched for"
        );
        let many: Vec<_> = (0..5).map(|n| key(&format!("k{n}"), 1, &[2])).collect();
        let messages = keys(many).misplaced();
        assert_eq!(messages.len(), 4);
        assert_eq!(
            messages[3],
            "MISPLACED: 2 more; shardq find --from lists them"
        );
    }
}
