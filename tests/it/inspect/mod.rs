//! Commands that inspect the shards.

mod activity;
mod baseline;
mod databases;
mod doctor;
mod draft;
mod drift;
mod kinds;
mod objects;
mod psql;
mod shards;
mod tables;
