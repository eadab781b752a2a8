//! Commands that inspect the shards. Each reads the catalog with few statements for all shards, in
//! three steps: a function of one [`session::InspectSession`] that returns plain data, pure
//! functions of these data, and [`table::print`].

pub mod describe;
pub mod drift;
pub mod error;
pub mod session;
pub mod table;
pub mod tables;
