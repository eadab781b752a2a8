//! Ask one question of every shard of a Postgres database.

pub mod cli;
pub mod commands;
pub mod fanout;
pub mod merge;
pub mod plan;
pub mod quote;
pub mod render;
pub mod row;
pub mod sandbox;
pub mod sanitize;
pub mod search_path;
pub mod server;
pub mod shard;
pub mod statement;
pub mod types;
