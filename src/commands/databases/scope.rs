//! What a result and its summary state of the databases that were read.

use std::collections::BTreeSet;

use super::database::PreparedDatabase;
use super::later::LaterDatabase;
use super::prepare::Prepared;
use super::targets::Target;
use crate::commands::session_setup;
use crate::exec::plan::Consistency;
use crate::sharding::database::Database;
use crate::sharding::shard::Shard;
use crate::terminal::summary::{Location, Scope, SnapshotCount};

impl Prepared {
    /// Whether rows need to say which server they are from: their shards do not.
    pub fn has_several_servers(&self) -> bool {
        let databases = self.databases.iter().map(|it| it.target.database);
        let later = self.later.iter().map(|it| it.target.database);
        let servers: BTreeSet<_> = databases
            .chain(later)
            .flatten()
            .map(Database::server)
            .collect();
        servers.len() > 1
    }

    /// What the summary states of where the shards are.
    pub fn scope(&self) -> Scope {
        Scope {
            location: location(&self.databases, &self.later),
            shards: self.topology.shards().len(),
        }
    }

    /// The snapshots at which these shards are read.
    pub fn snapshots(&self, instant: Consistency, shards: &[Shard]) -> SnapshotCount {
        let databases: BTreeSet<_> = shards.iter().map(|shard| shard.database()).collect();
        match instant {
            Consistency::SharedSnapshot => {
                SnapshotCount::of_databases(databases.len(), self.infos.snapshots_within)
            }
            Consistency::PerShard => instant.into(),
        }
    }
}

fn location(databases: &[PreparedDatabase], later: &[LaterDatabase]) -> Location {
    let Some(first) = databases.first() else {
        return Location::default();
    };
    let of_first = session_setup::location(&first.server);
    let count = databases.len() + later.len();
    if count == 1 {
        return of_first;
    }
    let targets = databases.iter().map(|database| &database.target);
    let targets = targets.chain(later.iter().map(|database| &database.target));
    Location {
        label: of_first.label,
        ..location_of(targets)
    }
}

/// What the summary states of where several databases are.
pub fn location_of<'a>(targets: impl Iterator<Item = &'a Target>) -> Location {
    let targets: Vec<_> = targets.map(|target| &target.settings).collect();
    let servers: BTreeSet<_> = targets.iter().map(|it| it.server_name()).collect();
    let servers: Vec<_> = servers.into_iter().collect();
    let database = match (&servers[..], targets.len()) {
        ([only], count) => format!("{count} databases on {only}"),
        (servers, count) if servers.len() == count => format!("{count} servers"),
        (servers, count) => format!("{count} databases on {} servers", servers.len()),
    };
    Location {
        label: targets.first().and_then(|it| it.label().cloned()),
        database,
        host: None,
    }
}
