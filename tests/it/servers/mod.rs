//! Shards in several databases, on one server or on several.

mod databases;
mod export;
mod faults;
mod find;
mod global;
mod keys;
mod query;
