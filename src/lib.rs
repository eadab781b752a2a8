//! Ask one question of every shard of a Postgres database.

pub mod id;
pub mod render;
pub mod route;
pub mod row;
pub mod sanitize;
pub mod shard;
