//! Commands that inspect the shards. Each reads the catalog with few statements per database, in
//! four steps: a function of one [`session::InspectSession`] that returns plain data, pure functions
//! that unite the data of all databases and make rows of them, and [`report::InspectReport`].

pub mod activity;
pub mod collected;
mod columns;
mod connection;
pub mod databases;
pub mod describe;
pub mod doctor;
pub mod drift;
pub mod error;
mod exact;
mod map;
pub mod objects;
mod per_shard;
pub mod report;
pub mod request;
mod rows_by_shard;
mod servers;
pub mod session;
pub mod shards;
pub(super) mod statement;
pub mod table;
pub mod tables;
