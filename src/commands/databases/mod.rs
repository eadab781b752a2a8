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

pub(super) use connect::{ConnectedDatabase, connect};
pub(super) use database::{Listed, PreparedDatabase, own};
pub(super) use info::DatabaseInfos;
pub(super) use prepare::{Prepared, prepare};
pub(super) use targets::{Target, Targets, servers, targets};
pub(super) use together::begin;
pub(super) use topology::topology;
