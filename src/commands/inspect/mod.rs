//! Commands that inspect the shards. Each reads the catalog with few statements for all shards, in
//! three steps: a function of one [`session::InspectSession`] that returns plain data, pure
//! functions of these data, and [`table::print`].

pub mod activity;
mod columns;
mod connection;
pub mod databases;
pub mod describe;
pub mod doctor;
pub mod drift;
pub mod error;
mod map;
pub mod session;
pub mod shards;
pub(super) mod statement;
pub mod table;
pub mod tables;
