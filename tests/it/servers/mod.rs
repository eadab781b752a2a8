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
mod passwords;
mod poolers;
mod query;
mod remote_views;
mod snapshots;
mod standby;
mod via;
