//! Commands that inspect the shards.

mod activity;
mod databases;
mod doctor;
mod psql;
mod shards;
