//! Ask one question of every shard of a Postgres database.

pub mod cli;
pub mod row;
pub mod server;
pub mod settings;
pub mod shard;
