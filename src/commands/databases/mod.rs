//! The databases that a run reads: which there are (`targets`), their connections (`connect`, and
//! `later` for those that wait for one), preflights (`prepare`) and shards (`topology`). Usually one;
//! several with `--server`, `--databases` or the servers of a profile.

mod connect;
mod database;
mod export;
mod info;
mod later;
mod prepare;
mod scope;
mod targets;
mod together;
mod topology;

pub(super) use connect::{ConnectedDatabase, ConnectionLimits, connect};
pub(super) use database::{Listed, PreparedDatabase, own};
pub(super) use info::DatabaseInfos;
pub(super) use later::LaterDatabase;
pub(super) use prepare::{OpenDatabases, Prepared, prepare};
pub(super) use scope::location_of;
pub(super) use targets::{Target, Targets, servers, servers_in, targets};
pub(super) use together::begin;
pub(super) use topology::topology;
