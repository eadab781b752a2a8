//! What a hub leaves out, said once for all shards that it concerns.

use std::collections::BTreeMap;

use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;

/// Messages, and the shards that each is about.
#[derive(Debug, Default)]
pub struct Notes(BTreeMap<String, Vec<Shard>>);

impl Notes {
    pub fn add(&mut self, message: String, shards: &[Shard]) {
        self.0.entry(message).or_default().extend(shards);
    }

    /// `jobs: column "mood" is left out: … (shard_0-3)`
    pub fn lines(self) -> Vec<String> {
        let lines = self.0.into_iter().map(|(message, mut shards)| {
            if shards.is_empty() {
                return message;
            }
            shards.sort_unstable();
            shards.dedup();
            format!("{message} ({})", Ranges::of(&shards).brief())
        });
        lines.collect()
    }
}
