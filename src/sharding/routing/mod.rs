//! Which shard a key belongs to: by a hash, by the bits of an id, or as the server computes it. Pure.
pub mod buckets;
pub mod hash;
pub mod id;
pub mod id_layout;
pub mod key;
pub mod key_kind;
pub mod key_kinds;
pub mod name_hash;
pub mod rule;
pub mod server_rule;
