//! Commands that inspect the shards.

mod activity;
mod shards;
