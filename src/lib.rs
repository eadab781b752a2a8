//! Ask one question of every shard of a Postgres database.

pub mod render;
pub mod row;
pub mod sanitize;
pub mod shard;
