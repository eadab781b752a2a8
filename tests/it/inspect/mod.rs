//! Commands that inspect the shards.

mod baseline;
mod draft;
mod drift;
mod tables;
