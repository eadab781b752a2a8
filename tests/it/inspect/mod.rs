//! Commands that inspect the shards.

mod activity;
mod psql;
mod shards;
