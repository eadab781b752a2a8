//! In which shard a key is: Habitat's hash of a name, and the layout of its ids. Pure.
pub mod habitat_id;
pub mod key;
pub mod name_hash;
