//! Sorts a database's schema names into shards and those that only look like one. Pure; the
//! statement that lists them is `sql/session/shards.sql`.

use std::fmt;

use crate::pg::quote::Identifier;
use crate::sharding::layout::Layout;
use crate::sharding::shard::Shard;

/// The schemas that are shards, ascending, and those that only look like one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovered {
    pub shards: Vec<Shard>,
    /// Those of the shards that lack the table of `--having-table`, ascending.
    pub without_table: Vec<Shard>,
    pub look_alikes: LookAlikes,
}

impl Discovered {
    pub fn new<'a>(layout: &Layout, schemas: impl IntoIterator<Item = &'a str>) -> Self {
        let mut discovered = Self::default();
        for schema in schemas {
            match layout.shard(schema) {
                Some(shard) => discovered.shards.push(shard),
                None => discovered.look_alikes.0.push(schema.to_owned()),
            }
        }
        discovered.shards.sort_unstable();
        discovered.look_alikes.0.sort_unstable();
        discovered
    }
}

/// Schemas named like shards that are not treated as such: `shard_007`, `Shard_2`, `shard_2_old`.
/// Sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookAlikes(Vec<String>);

impl LookAlikes {
    /// How many are listed before the rest is only counted.
    const NAMED: usize = 5;

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
        self.0.sort_unstable();
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// `shard_000, shard_001, shard_002, shard_003, shard_004 and 95 more`
impl fmt::Display for LookAlikes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, schema) in self.0.iter().take(Self::NAMED).enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            // A trailing space, for example, is visible only inside quotes.
            if schema
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
            {
                f.write_str(schema)?;
            } else {
                let quoted = Identifier(schema).to_string();
                f.write_str(&quoted.replace('\n', "\\n"))?;
            }
        }
        match self.0.len().saturating_sub(Self::NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_schema_is_a_shard_or_looks_like_one() {
        let discovered = Discovered::new(
            &Layout::default(),
            ["shard_10", "shard_007", "shard_2", "Shard_2", "shard_"],
        );
        assert_eq!(discovered.shards, [2, 10].map(Shard::new));
        assert_eq!(
            discovered.look_alikes.to_string(),
            "Shard_2, shard_, shard_007"
        );
    }

    #[test]
    fn many_are_counted_and_odd_ones_quoted() {
        let names: Vec<_> = (0..100).map(|n| format!("shard_{n:03}")).collect();
        let many = Discovered::new(&Layout::default(), names.iter().map(String::as_str));
        assert_eq!(
            many.look_alikes.to_string(),
            "shard_000, shard_001, shard_002, shard_003, shard_004 and 95 more"
        );
        let odd = Discovered::new(&Layout::default(), ["shard_1 ", "shard_\"\n"]);
        assert_eq!(
            odd.look_alikes.to_string(),
            "\"shard_\"\"\\n\", \"shard_1 \""
        );
    }

    proptest! {
        #[test]
        fn no_schema_is_lost(names in prop::collection::vec("[sS]hard[_-]?[0-9]{0,3}[a-z]?", 0..20)) {
            let discovered = Discovered::new(&Layout::default(), names.iter().map(String::as_str));
            prop_assert_eq!(
                discovered.shards.len() + discovered.look_alikes.count(),
                names.len()
            );
        }
    }
}
