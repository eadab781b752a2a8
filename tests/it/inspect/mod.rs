//! Commands that inspect the shards.

mod activity;
mod baseline;
mod databases;
mod doctor;
mod drift;
mod psql;
mod shards;
mod tables;
