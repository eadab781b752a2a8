//! What a result lacks: selected shards, schemas that may be shards, and shards that were left out.

use std::fmt;

use crate::pg::quote::Identifier;
use crate::sharding::discovered::LookAlikes;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;

/// Shards that were left out because they lack the table of `--having-table`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutTable {
    pub table: String,
    /// Ascending.
    pub shards: Vec<Shard>,
}

/// Displayed after the number of shards: `, 8 without table "jobs", missing: shard_4, shard_7-9`.
/// Empty if nothing is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    shards: Ranges,
    look_alikes: LookAlikes,
    /// The table, and how many shards were left out because they lack it.
    without_table: Option<(String, usize)>,
    /// Databases whose shards nobody could list.
    unreachable: Vec<String>,
    /// Whether it is unknown how many those are.
    is_uncounted: bool,
}

impl Missing {
    pub fn new(shards: Ranges, look_alikes: Option<&LookAlikes>) -> Self {
        Self {
            shards,
            look_alikes: look_alikes.cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// `total` is the number of shards that there should be, if known.
    #[must_use]
    pub fn with_unreachable(self, unreachable: Vec<String>, total: Option<usize>) -> Self {
        Self {
            is_uncounted: !unreachable.is_empty() && total.is_none(),
            unreachable,
            ..self
        }
    }

    /// Whether it is unknown how many shards are missing.
    pub fn is_uncounted(&self) -> bool {
        self.is_uncounted
    }

    #[must_use]
    pub fn with_shards_without(self, table: Option<&WithoutTable>) -> Self {
        Self {
            without_table: table.map(|it| (it.table.clone(), it.shards.len())),
            ..self
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((table, shards @ 1..)) = &self.without_table {
            let table = Identifier(table).to_string();
            write!(f, ", {shards} without table {}", one_line(&table))?;
        }
        if !self.shards.is_empty() {
            write!(f, ", missing: {}", self.shards.brief())?;
        }
        for (i, place) in self.unreachable.iter().enumerate() {
            let lead = match (i, self.shards.is_empty()) {
                (0, true) => ", missing: all",
                _ => ", all",
            };
            write!(f, "{lead} on {}", one_line(place))?;
        }
        if !self.look_alikes.is_empty() {
            write!(f, ", not queried: {}", self.look_alikes)?;
        }
        Ok(())
    }
}
