//! The databases of a run, open until it ends: for their notices, for a look at why shards failed,
//! and to close all of them at once.

use futures::future::join_all;

use crate::client::ConnectionPool;
use crate::client::notices::Notices;
use crate::exec::cancel::Interrupt;
use crate::exec::explanation::{Explanations, FailureLookup};
use crate::exec::failures::Failures;
use crate::exec::fanout::DatabaseRun;
use crate::sharding::layout::Layout;
use crate::sharding::shard::Shard;

/// The databases of a run.
#[derive(Clone)]
pub(crate) struct Databases(Vec<OpenDatabase>);

#[derive(Clone)]
pub(crate) struct OpenDatabase {
    pub server: ConnectionPool,
    pub layout: Layout,
    failure_lookup: FailureLookup,
}

impl Databases {
    pub fn of(runs: &[DatabaseRun]) -> Self {
        let open = |run: &DatabaseRun| OpenDatabase {
            server: run.server.clone(),
            layout: run.plan.layout.clone(),
            failure_lookup: FailureLookup::new(&run.plan),
        };
        Self(runs.iter().map(open).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &OpenDatabase> {
        self.0.iter()
    }

    /// For a single statement over all shards.
    #[must_use]
    pub fn over_all_shards(self) -> Self {
        let databases = self.0.into_iter().map(|database| OpenDatabase {
            failure_lookup: database.failure_lookup.over_all_shards(),
            ..database
        });
        Self(databases.collect())
    }

    /// Takes the notices of all connections; each is returned once.
    pub fn take_notices(&self) -> Notices {
        let mut notices = Notices::default();
        for database in &self.0 {
            notices.extend(database.server.take_notices());
        }
        notices
    }

    /// Looks up why shards failed, in the database that each is in.
    pub async fn explain(&self, failures: &mut Failures, interrupt: &Interrupt) -> Explanations {
        let mut explanations = Explanations::default();
        for OpenDatabase {
            server,
            failure_lookup,
            ..
        } in &self.0
        {
            explanations.extend(failure_lookup.explain(failures, server, interrupt).await);
        }
        explanations
    }

    /// The database that this shard is in.
    pub fn of_shard(&self, shard: Shard) -> Option<&OpenDatabase> {
        let mut databases = self.0.iter();
        databases.find(|database| database.layout.of_database() == shard.database())
    }

    /// Closes all but the first.
    pub async fn close_others(&self) {
        join_all(
            self.0
                .iter()
                .skip(1)
                .map(|database| database.server.close()),
        )
        .await;
    }

    /// Closes all connections that are not in use. Bounded, even if a server does not react.
    pub async fn close(&self) {
        join_all(self.0.iter().map(|database| database.server.close())).await;
    }
}
