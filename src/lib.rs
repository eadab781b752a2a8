//! Runs one SQL query on every shard of a Postgres database and returns one complete,
//! consistent answer. The program is in `main.rs`; this library is for it, its tests and its
//! benchmarks.
//!
//! The modules are layers, from the top to the bottom: each uses only those below it, which
//! `tests/it/cli/architecture.rs` checks.

pub mod commands;

pub mod cli;

pub mod sandbox;

pub mod export;
pub(crate) mod find;
pub mod global;

pub mod exec;

pub mod output;

pub mod client;

pub mod terminal;

pub mod config;
pub mod sharding;

pub mod pg;

pub(crate) mod text;
