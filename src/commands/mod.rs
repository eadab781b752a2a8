//! One file a command, each a table of contents of what it does.

pub mod completions;
mod connect;
pub mod demo;
pub mod export;
pub mod find;
mod global;
pub mod man;
pub mod query;
mod query_global;
pub mod verify;
