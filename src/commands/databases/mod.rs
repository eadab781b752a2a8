//! The databases that a run reads: which there are, and their connections, preflights and shards.
//! Usually one; several with `--server`, `--databases` or the servers of a profile.

mod info;
mod later;
mod prepare;
mod targets;

pub(super) use info::DatabaseInfos;
pub(super) use prepare::{
    ConnectedDatabase, Listed, Prepared, PreparedDatabase, connect, prepare, topology,
};
pub(super) use targets::{Target, Targets, servers, targets};
