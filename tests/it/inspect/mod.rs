//! Commands that inspect the shards.

mod shards;
