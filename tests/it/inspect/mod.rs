//! Commands that inspect the shards.

mod activity;
mod databases;
mod psql;
mod shards;
