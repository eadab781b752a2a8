//! What a result lacks: selected shards, and schemas that may be shards.

use std::fmt;

use crate::sharding::discovered::LookAlikes;
use crate::sharding::ranges::Ranges;

/// Displayed after the number of shards: `, missing: shard_4, shard_7-9`. Empty if nothing is
/// missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    shards: Ranges,
    look_alikes: LookAlikes,
}

impl Missing {
    pub fn new(shards: Ranges, look_alikes: Option<&LookAlikes>) -> Self {
        Self {
            shards,
            look_alikes: look_alikes.cloned().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.shards.is_empty() {
            write!(f, ", missing: {}", self.shards.brief())?;
        }
        if !self.look_alikes.is_empty() {
            write!(f, ", not queried: {}", self.look_alikes)?;
        }
        Ok(())
    }
}
