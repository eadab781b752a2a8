//! The databases of a global query whose catalogs were read.

use futures::future::try_join_all;

use crate::client::{ConnectionPool, PendingConnection};
use crate::commands::databases::{
    ConnectedDatabase, Listed, OpenDatabases, PreparedDatabase, Target,
};
use crate::commands::error::Error;
use crate::exec::plan::Plan;
use crate::global::{Introspection, Readings};
use crate::sharding::shard::Shard;
use crate::sharding::topology::Topology;

/// A database whose catalog was read.
pub struct Introspected {
    pub target: Target,
    pub plan: Plan,
    pub server: ConnectionPool,
    pub pending_connections: Vec<PendingConnection>,
    pub found: Introspection,
}

impl Introspected {
    pub fn listed(&self) -> Listed<'_> {
        Listed {
            target: &self.target,
            plan: &self.plan,
            preflight: &self.found.preflight,
        }
    }

    pub fn prepared(self) -> PreparedDatabase {
        PreparedDatabase {
            target: self.target,
            plan: self.plan,
            server: self.server,
            preflight: self.found.preflight,
            pending_connections: self.pending_connections,
            slot: None,
        }
    }
}

/// Reads the catalogs of all of them at once.
pub async fn introspect(
    connected: Vec<ConnectedDatabase>,
    readings: &Readings<'_>,
) -> Result<Vec<Introspected>, Error> {
    let names = &readings.names();
    let found = connected.into_iter().map(|database| async {
        let ConnectedDatabase {
            target,
            plan,
            opened,
            begun,
            ..
        } = database;
        let found = async { Introspection::take(opened.first, &plan, names, begun?).await };
        let found = found
            .await
            .map_err(|error| Error::fanout(error, &plan.statement))?;
        Ok::<_, Error>(Introspected {
            target,
            plan,
            server: opened.server,
            pending_connections: opened.pending_connections,
            found,
        })
    });
    try_join_all(found).await
}

pub fn open<'a>(found: &'a [Introspected], topology: &'a Topology) -> OpenDatabases<'a> {
    OpenDatabases {
        listed: found.iter().map(Introspected::listed).collect(),
        later: 0,
        topology,
    }
}

pub fn of_shard(found: &[Introspected], shard: Shard) -> Option<&Introspected> {
    let mut found = found.iter();
    found.find(|it| it.target.database == shard.database())
}
