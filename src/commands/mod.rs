//! One file or folder per command, each reading as a table of contents.

mod attempt;
pub mod completions;
mod databases;
pub mod demo;
pub mod error;
pub mod export;
pub mod find;
pub mod global;
pub mod inspect;
mod keys;
pub mod man;
mod misplaced;
mod origin;
mod other_databases;
pub mod profiles;
pub mod psql;
pub mod query;
mod result_end;
mod select;
mod session_setup;
mod setup;
mod shard_lists;
pub mod verify;
pub mod watch;
