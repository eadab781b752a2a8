//! Databases that wait for their turn: a server has more of them than `-j` allows connections.

use std::sync::Arc;

use futures::{FutureExt, StreamExt, stream};
use tokio::sync::Semaphore;

use super::database::PreparedDatabase;
use super::info::{DatabaseInfos, info_of};
use super::targets::Target;
use crate::client::{ConnectError, Connection, ConnectionPool};
use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::config::Settings;
use crate::exec::fanout::{
    DatabaseRun, DatabaseStart, Opened, Preflight, RECONNECTS, ShardError, backoff,
};
use crate::exec::plan::Plan;
use crate::export::server_info::DatabaseInfo;
use crate::sharding::discovered::Discovered;
use crate::sharding::shard::Shard;
use crate::sharding::unreachable::Unreachable;

/// A database that waits for its turn, and its shards.
pub struct LaterDatabase {
    pub target: Target,
    pub plan: Plan,
    pub discovered: Discovered,
    pub slots: Arc<Semaphore>,
}

/// Lists the shards of these databases, over this many connections. What cannot be listed is
/// unreachable.
pub async fn discover(
    targets: Vec<(Target, Plan)>,
    connections: usize,
    slots: &Arc<Semaphore>,
) -> (Vec<LaterDatabase>, Vec<Unreachable>) {
    let listed: Vec<_> = stream::iter(targets)
        .map(|(target, plan)| async {
            let discovered = list(&target, &plan).await;
            (target, plan, discovered)
        })
        .buffered(connections)
        .collect()
        .await;
    let (mut later, mut unreachable) = (Vec::new(), Vec::new());
    for (target, plan, discovered) in listed {
        match discovered {
            Ok(discovered) => later.push(LaterDatabase {
                target,
                plan,
                discovered,
                slots: Arc::clone(slots),
            }),
            Err(error) => unreachable.push(Unreachable {
                place: target.place(),
                reason: error.to_string(),
            }),
        }
    }
    (later, unreachable)
}

async fn list(target: &Target, plan: &Plan) -> Result<Discovered, Error> {
    // It is one shard, whichever schemas it has.
    if plan.layout.is_database() {
        return Ok(Discovered::new(&plan.layout, ["public"]));
    }
    let opened = ConnectionPool::open(target.settings.clone(), 1).await?;
    let preflight = session_setup::preflight(opened.first, plan).await;
    let discovered = preflight.map(|preflight| preflight.shards.clone());
    opened.server.close().await;
    discovered
}

/// Connects, and runs the preflight.
async fn open_in(pool: &ConnectionPool, plan: &Plan) -> Result<Preflight, Error> {
    session_setup::preflight(connection(pool).await?, plan).await
}

/// The server may not have noticed yet that the database before is closed.
async fn connection(pool: &ConnectionPool) -> Result<Connection, ConnectError> {
    let mut tried = 0;
    loop {
        match pool.connection().await {
            Err(error) if error.is_transient() && tried < RECONNECTS => {
                tokio::time::sleep(backoff(tried)).await;
                tried += 1;
            }
            connected => return connected,
        }
    }
}

impl LaterDatabase {
    /// Opens it before its turn, because no other database is open.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn open(self) -> Result<PreparedDatabase, Error> {
        let opened = ConnectionPool::open(self.target.settings.clone(), 1).await?;
        Ok(PreparedDatabase {
            preflight: session_setup::preflight(opened.first, &self.plan).await?,
            target: self.target,
            plan: self.plan,
            server: opened.server,
            pending_connections: Vec::new(),
            slot: self.slots.try_acquire_owned().ok(),
        })
    }

    /// Waits for its turn, and opens it. `accepted` are settings that another database of the
    /// server has accepted.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn open_in_turn(
        self,
        accepted: Option<&Settings>,
    ) -> Result<PreparedDatabase, Error> {
        let server = self.pool(accepted)?;
        let Opened {
            plan,
            preflight,
            slot,
        } = self.open_at_turn(&server).await?;
        Ok(PreparedDatabase {
            target: self.target,
            plan,
            server,
            preflight,
            pending_connections: Vec::new(),
            slot: Some(slot),
        })
    }

    /// Waits for its turn, and opens it over a connection of this pool.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn open_at_turn(&self, pool: &ConnectionPool) -> Result<Opened, Error> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.map_err(|_| Error::NoneReachable)?;
        Ok(Opened {
            preflight: open_in(pool, &self.plan).await?,
            plan: self.plan.clone(),
            slot,
        })
    }

    /// A pool for its only connection.
    ///
    /// # Errors
    /// If it cannot be set up.
    pub fn pool(&self, accepted: Option<&Settings>) -> Result<ConnectionPool, Error> {
        let settings = &self.target.settings;
        let accepted = accepted.map(|it| it.with_database(settings.database()));
        let settings = accepted.unwrap_or_else(|| settings.clone());
        Ok(ConnectionPool::new(settings, 1)?)
    }

    /// What is to run when its turn comes. `accepted` are settings that another database of the
    /// server has accepted.
    ///
    /// # Errors
    /// If its connections cannot be set up.
    pub fn run(
        self,
        shards: Vec<Shard>,
        accepted: Option<&Settings>,
        infos: &DatabaseInfos,
    ) -> Result<DatabaseRun, Error> {
        let server = self.pool(accepted)?;
        let Self {
            target,
            plan,
            slots,
            ..
        } = self;
        let (pool, infos, own) = (server.clone(), infos.clone(), plan.clone());
        let opening = async move {
            let Ok(slot) = slots.acquire_owned().await else {
                return Err(ShardError::NotAsked);
            };
            let failed = |error: Error| ShardError::NotOpened(error.to_string());
            let mut preflight = open_in(&pool, &own).await.map_err(failed)?;
            let prepared = preflight.session.prepare(&own).await;
            prepared.map_err(|error| failed(Error::fanout(error, &own.statement)))?;
            if let Some(database) = target.database {
                let info = info_of(&preflight.session, &own).await.map_err(failed)?;
                infos.add(DatabaseInfo { database, info });
            }
            Ok(Opened {
                plan: own,
                preflight,
                slot,
            })
        };
        Ok(DatabaseRun {
            plan,
            shards,
            server,
            start: DatabaseStart::Later(opening.boxed()),
        })
    }
}
