//! The databases in which keys are looked up, each at one snapshot, and their shards.

use std::num::NonZeroU32;

use futures::future::join_all;

use super::search::{Search, SearchedShards};
use super::waiting::WaitingDatabase;
use crate::client::ConnectionPool;
use crate::commands::attempt;
use crate::commands::databases::{self, ConnectionLimits, Listed, Prepared, Targets};
use crate::commands::error::Error;
use crate::commands::interruptible;
use crate::commands::select;
use crate::commands::session_setup::ConnectRetry;
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::exec::plan::Plan;
use crate::sharding::routing::key::Key;
use crate::sharding::selection::Selection;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;
use crate::terminal::summary::{Location, SnapshotCount};

/// The connections of a lookup per server, each to one of its databases.
#[derive(Debug, Clone, Copy)]
pub enum LookupConnections {
    /// To all of them, all the time: for several lookups at one snapshot.
    AtOnce(usize),
    /// One database after the other, if there are more of them.
    InTurn(usize),
}

impl From<LookupConnections> for ConnectionLimits {
    fn from(connections: LookupConnections) -> Self {
        match connections {
            LookupConnections::AtOnce(most) => most.into(),
            LookupConnections::InTurn(most) => Self {
                if_crowded: 1,
                ..most.into()
            },
        }
    }
}

/// Where to look keys up, and at most how long.
#[derive(Clone, Copy)]
pub struct LookupRequest<'a> {
    pub targets: &'a Targets,
    pub plan: &'a Plan,
    /// Of shards that several servers have, those on these count.
    pub preferred: &'a [String],
    pub connections: LookupConnections,
    pub interrupt: &'a Interrupt,
}

/// A session per database, and the shards to search.
pub struct SearchScope<'a> {
    pub plan: &'a Plan,
    pub prepared: Prepared,
    /// Of the databases that wait for their turn.
    later_pools: Vec<ConnectionPool>,
    pub selection: Selection,
}

impl LookupConnections {
    /// # Errors
    /// If they are too few for these databases.
    fn check(self, prepared: &Prepared) -> Result<(), Error> {
        let crowded = prepared.later.len();
        match self {
            _ if crowded == 0 => Ok(()),
            Self::InTurn(2..) => Ok(()),
            Self::InTurn(_) => Err(Error::Usage(
                "a search of several databases needs two connections per server; add -j 2"
                    .to_owned(),
            )),
            Self::AtOnce(_) => Err(Error::Usage(format!(
                "several keys are looked up at one snapshot, over a connection to each database of \
                 a server; add -j {}",
                prepared.databases.len() + crowded
            ))),
        }
    }
}

impl LookupRequest<'_> {
    /// Does this at one snapshot per database, and again if that is lost. `None` if interrupted.
    pub async fn run<T>(
        self,
        console: &mut Console,
        mut work: impl AsyncFnMut(&SearchScope<'_>, &mut Console) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        attempt::repeat(console, async |retry, console| {
            let work = async |scope: &SearchScope<'_>, console: &mut Console| {
                scope.warn(console);
                work(scope, console).await
            };
            self.once(retry, console, work).await
        })
        .await
    }

    /// One attempt. `None` if interrupted.
    pub async fn once<T>(
        self,
        retry: ConnectRetry,
        console: &mut Console,
        work: impl AsyncFnOnce(&SearchScope<'_>, &mut Console) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let Self {
            targets,
            plan,
            preferred,
            connections,
            interrupt,
        } = self;
        let connecting = databases::connect(targets, plan, connections, retry, interrupt, console);
        let Some(connected) = connecting.await? else {
            return Ok(None);
        };
        let later_pools = connected.later_pools()?;
        let mut servers = connected.servers();
        servers.extend(later_pools.iter().cloned());
        let work = async {
            let prepared = databases::prepare(connected, plan, preferred, console).await?;
            connections.check(&prepared)?;
            let scope = SearchScope::take(prepared, later_pools, plan).await?;
            let done = work(&scope, console).await?;
            scope.prepared.close().await;
            Ok(done)
        };
        let done = interruptible::run_in_all(&servers, interrupt, work).await;
        join_all(servers.iter().map(ConnectionPool::close)).await;
        for server in &servers {
            // Only messages from opening the connection are shown.
            let notices = server.take_notices();
            notices.say(1, &Statement::composed(String::new()), console);
        }
        done
    }
}

impl<'a> SearchScope<'a> {
    /// Selects the shards.
    ///
    /// # Errors
    /// If none is selected.
    async fn take(
        prepared: Prepared,
        later_pools: Vec<ConnectionPool>,
        plan: &'a Plan,
    ) -> Result<Self, Error> {
        for database in &prepared.databases {
            let connection = database.preflight.session.connection();
            connection.wait_at_most(plan.limits.patience());
        }
        let selection = select::filtered(plan, prepared.first()?, &prepared.topology).await?;
        Ok(Self {
            plan,
            prepared,
            later_pools,
            selection,
        })
    }

    /// Warns of unusual names, and of servers that are down.
    pub fn warn(&self, console: &mut Console) {
        let topology = &self.prepared.topology;
        select::warn_of_names(topology, console);
        for unreachable in topology.unreachable() {
            console.error(unreachable);
        }
    }

    pub fn databases(&self) -> Vec<Listed<'_>> {
        self.prepared.listed().collect()
    }

    /// Those that wait for their turn.
    pub fn waiting(&self) -> Vec<WaitingDatabase<'_>> {
        let waiting = self.prepared.later.iter().zip(&self.later_pools);
        waiting
            .map(|(database, pool)| WaitingDatabase { database, pool })
            .collect()
    }

    /// The search for a key, which is hashed over this many shards if its number is given.
    ///
    /// # Errors
    /// If no database could be reached.
    pub fn search<'s>(
        &'s self,
        databases: &'s [Listed<'s>],
        waiting: &'s [WaitingDatabase<'s>],
        key: &'s Key,
        shard_count: Option<NonZeroU32>,
    ) -> Result<Search<'s>, Error> {
        let shards = SearchedShards {
            databases,
            waiting,
            plan: self.plan,
            topology: &self.prepared.topology,
            selection: &self.selection,
            shard_count,
        };
        shards.search(key)
    }

    /// Of the first database.
    ///
    /// # Errors
    /// If no database could be reached.
    pub fn settings(&self) -> Result<&Settings, Error> {
        Ok(&self.prepared.only_or_first()?.target.settings)
    }

    pub fn location(&self) -> Location {
        self.prepared.scope().location
    }

    pub fn snapshots(&self) -> SnapshotCount {
        let shards = &self.selection.shards;
        self.prepared.snapshots(self.plan.instant, shards)
    }
}
