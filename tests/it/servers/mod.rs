//! Shards in several databases, on one server or on several.

mod answers;
mod databases;
mod export;
mod faults;
mod federate;
mod find;
mod global;
mod inspect;
mod keys;
mod poolers;
mod query;
mod snapshots;
mod standby;
mod via;
