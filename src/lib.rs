//! Ask one question of every shard of a Postgres database.

pub mod cli;
pub mod client;
pub mod commands;
pub mod config;
pub mod exec;
pub mod export;
pub mod find;
pub mod global;
pub mod output;
pub mod pg;
pub mod sandbox;
pub mod sharding;
pub mod terminal;
pub mod text;
