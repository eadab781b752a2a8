//! One file a command, each a table of contents of what it does.

mod connect;
pub mod demo;
pub mod query;
