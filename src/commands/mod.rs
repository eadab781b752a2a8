//! One file a command, each a table of contents of what it does.

mod connect;
mod global;
pub mod query;
