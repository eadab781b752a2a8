//! A database of a run after its preflight, and what is to run in it.

use std::future::ready;

use futures::FutureExt;
use tokio::sync::OwnedSemaphorePermit;

use super::targets::Target;
use crate::client::{ConnectionPool, PendingConnection};
use crate::config::Settings;
use crate::exec::fanout::{DatabaseRun, DatabaseStart, Opened, Preflight};
use crate::exec::plan::Plan;
use crate::sharding::shard::Shard;

pub struct PreparedDatabase {
    pub target: Target,
    pub plan: Plan,
    pub server: ConnectionPool,
    pub preflight: Preflight,
    pub pending_connections: Vec<PendingConnection>,
    /// Its only connection is that of another database next.
    pub slot: Option<OwnedSemaphorePermit>,
}

/// A database whose shards are known.
pub struct Listed<'a> {
    pub target: &'a Target,
    pub plan: &'a Plan,
    pub preflight: &'a Preflight,
}

/// The shards that are in this database.
pub fn own(shards: &[Shard], target: &Target) -> Vec<Shard> {
    let own = |shard: &&Shard| shard.database() == target.database;
    shards.iter().filter(own).copied().collect()
}

impl PreparedDatabase {
    /// What is to run in it. If other databases wait for its connection, it is closed after that.
    pub fn run(self, shards: Vec<Shard>) -> DatabaseRun {
        let (plan, preflight) = (self.plan.clone(), self.preflight);
        let start = match self.slot {
            None => DatabaseStart::Now {
                preflight: Box::new(preflight),
                pending_connections: self.pending_connections,
            },
            Some(slot) => DatabaseStart::Later(
                ready(Ok(Opened {
                    plan: self.plan,
                    preflight,
                    slot,
                }))
                .boxed(),
            ),
        };
        DatabaseRun {
            plan,
            shards,
            server: self.server,
            start,
        }
    }

    /// As they were accepted by the server.
    pub fn settings(&self) -> Settings {
        self.server.settings().clone()
    }

    pub async fn close(self) {
        drop((self.preflight, self.pending_connections));
        self.server.close().await;
    }

    pub fn listed(&self) -> Listed<'_> {
        Listed {
            target: &self.target,
            plan: &self.plan,
            preflight: &self.preflight,
        }
    }
}
