//! Commands that show what shards there are and what is in them.

pub mod map;
