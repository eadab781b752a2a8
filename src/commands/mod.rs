//! One file a command, each a table of contents of what it does.

pub mod completions;
mod connect;
pub mod demo;
mod ending;
pub mod export;
pub mod find;
mod global;
pub mod man;
mod origin;
pub mod query;
mod query_global;
pub mod verify;
