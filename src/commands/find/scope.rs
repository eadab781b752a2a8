//! The databases in which keys are looked up, each at one snapshot, and their shards.

use std::num::NonZeroU32;

use futures::future::join_all;

use super::search::{Search, SearchedShards};
use crate::client::ConnectionPool;
use crate::commands::attempt;
use crate::commands::databases::{self, Connected, Listed, Prepared, Targets};
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

/// Databases of a server that are searched at once, over a connection each.
const DATABASES: usize = 16;

/// Where to look keys up, and at most how long.
#[derive(Clone, Copy)]
pub struct LookupRequest<'a> {
    pub targets: &'a Targets,
    pub plan: &'a Plan,
    /// Of shards that several servers have, those on these count.
    pub preferred: &'a [String],
    pub interrupt: &'a Interrupt,
}

/// A session per database, and the shards to search.
pub struct SearchScope<'a> {
    pub plan: &'a Plan,
    pub prepared: Prepared,
    pub selection: Selection,
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
            interrupt,
        } = self;
        let connecting = databases::connect(targets, plan, DATABASES, retry, interrupt, console);
        let Some(connected) = connecting.await? else {
            return Ok(None);
        };
        let servers = connected.servers();
        let work = async {
            let scope = SearchScope::take(connected, plan, preferred, console).await?;
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
    /// Runs the preflights, and selects the shards.
    ///
    /// # Errors
    /// If there are no shards, or none is selected.
    async fn take(
        connected: Connected,
        plan: &'a Plan,
        preferred: &[String],
        console: &mut Console,
    ) -> Result<Self, Error> {
        let prepared = databases::prepare(connected, plan, preferred, console).await?;
        if !prepared.later.is_empty() {
            return Err(Error::Usage(format!(
                "a key is searched for in at most {DATABASES} databases of a server; name fewer \
                 with --databases"
            )));
        }
        for database in &prepared.databases {
            let connection = database.preflight.session.connection();
            connection.wait_at_most(plan.limits.patience());
        }
        let selection = select::filtered(plan, prepared.first()?, &prepared.topology).await?;
        Ok(Self {
            plan,
            prepared,
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

    /// The search for a key, which is hashed over this many shards if its number is given.
    ///
    /// # Errors
    /// If no database could be reached.
    pub fn search<'s>(
        &'s self,
        databases: &'s [Listed<'s>],
        key: &'s Key,
        shard_count: Option<NonZeroU32>,
    ) -> Result<Search<'s>, Error> {
        let shards = SearchedShards {
            databases,
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
