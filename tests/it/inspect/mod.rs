//! Commands that inspect the shards.

mod drift;
