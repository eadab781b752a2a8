//! Which shard a key belongs to: Habitat's hash of names, and the layout of its ids. Pure.
pub mod habitat_id;
pub mod key;
pub mod name_hash;
