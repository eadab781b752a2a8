//! Ask one question of every shard of a Postgres database.

pub mod row;
pub mod sandbox;
pub mod shard;
