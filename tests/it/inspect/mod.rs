//! Commands that inspect the shards.

mod baseline;
mod drift;
mod tables;
