//! Runs the preflights of all databases of a run together, and says what is to run in each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures::future::join_all;

use super::connect::{Connected, ConnectedDatabase};
use super::database::{Listed, PreparedDatabase, own};
use super::info::DatabaseInfos;
use super::later::LaterDatabase;
use super::together;
use super::topology::topology;
use crate::client::{ConnectionPool, PoolStart};
use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::exec::driver::Run;
use crate::exec::fanout::{DatabaseRun, FanoutError, Preflight, Session};
use crate::exec::merge::MergeMode;
use crate::exec::plan::Plan;
use crate::sharding::shard::Shard;
use crate::sharding::topology::Topology;
use crate::sharding::unreachable::Unreachable;
use crate::terminal::console::Console;

/// Databases after their preflights, and the shards of all of them.
pub struct Prepared {
    pub databases: Vec<PreparedDatabase>,
    pub later: Vec<LaterDatabase>,
    pub topology: Topology,
    pub infos: DatabaseInfos,
}

/// The databases that are open, for what is looked up before a run.
pub struct OpenDatabases<'a> {
    pub listed: Vec<Listed<'a>>,
    /// How many others wait for their turn.
    pub later: usize,
    pub topology: &'a Topology,
}

impl OpenDatabases<'_> {
    /// # Errors
    /// If no database could be reached.
    pub fn first(&self) -> Result<&Preflight, Error> {
        let first = self.listed.first();
        first.map(|it| it.preflight).ok_or(Error::NoneReachable)
    }
}

/// Runs the preflights, and lists the shards. Of shards that several servers have, those on the
/// `preferred` servers count.
///
/// # Errors
/// If the statement is not valid, or there are no shards.
pub async fn prepare(
    connected: Connected,
    plan: &Plan,
    preferred: &[String],
    console: &mut Console,
) -> Result<Prepared, Error> {
    // Boxed because the future is large.
    Box::pin(preflights(connected, plan, preferred, console)).await
}

async fn preflights(
    connected: Connected,
    plan: &Plan,
    preferred: &[String],
    console: &mut Console,
) -> Result<Prepared, Error> {
    let (mut databases, later, mut unreachable) = connected.into_parts(plan);
    let within = together::begin(&mut databases, &later, plan).await?;
    let is_only = databases.len() == 1 && unreachable.is_empty();
    let preflights = join_all(databases.into_iter().map(|database| async {
        let ConnectedDatabase {
            target,
            plan,
            opened,
            begun,
            slot,
        } = database;
        let PoolStart {
            server,
            first,
            pending_connections,
            ..
        } = opened;
        let preflight = session_setup::preflight_in(begun, first, &plan).await;
        (target, plan, server, pending_connections, preflight, slot)
    }));
    let mut prepared = Vec::new();
    for (target, plan, server, pending_connections, preflight, slot) in preflights.await {
        match preflight {
            Ok(preflight) => prepared.push(PreparedDatabase {
                target,
                plan,
                server,
                preflight,
                pending_connections,
                slot,
            }),
            Err(error) if !is_only && is_of_the_server(&error) => {
                unreachable.push(Unreachable {
                    place: target.place(),
                    reason: error.to_string(),
                });
                server.close().await;
            }
            Err(error) => return Err(error),
        }
    }
    let listed: Vec<_> = prepared.iter().map(PreparedDatabase::listed).collect();
    let topology = topology(&listed, &later, plan, unreachable, preferred, console).await?;
    Ok(Prepared {
        databases: prepared,
        later,
        topology,
        infos: DatabaseInfos::within(within),
    })
}

/// Whether another server may do better with the same statement.
fn is_of_the_server(error: &Error) -> bool {
    matches!(
        error,
        Error::Connect(_) | Error::Fanout(FanoutError::Lost(_) | FanoutError::Silent(_))
    )
}

impl Prepared {
    pub fn servers(&self) -> Vec<ConnectionPool> {
        let databases = self.databases.iter();
        databases.map(|database| database.server.clone()).collect()
    }

    pub fn listed(&self) -> impl Iterator<Item = Listed<'_>> {
        self.databases.iter().map(PreparedDatabase::listed)
    }

    pub fn open(&self) -> OpenDatabases<'_> {
        OpenDatabases {
            listed: self.listed().collect(),
            later: self.later.len(),
            topology: &self.topology,
        }
    }

    /// The first database.
    ///
    /// # Errors
    /// If no database could be reached.
    pub fn only_or_first(&self) -> Result<&PreparedDatabase, Error> {
        let first = self.databases.first();
        first.ok_or(Error::NoneReachable)
    }

    /// Its preflight.
    ///
    /// # Errors
    /// If no database could be reached.
    pub fn first(&self) -> Result<&Preflight, Error> {
        self.only_or_first().map(|database| &database.preflight)
    }

    /// A session in the database that this shard is in.
    pub fn session_of(&self, shard: Shard) -> Option<&Session> {
        let mut databases = self.databases.iter();
        let own = databases.find(|it| it.target.database == shard.database())?;
        Some(&own.preflight.session)
    }

    /// Starts the workers. Databases without a selected shard are left alone.
    ///
    /// # Errors
    /// If a database cannot be set up.
    pub fn start(self, shards: &[Shard], merge_mode: MergeMode) -> Result<Run, Error> {
        Ok(Run::new(self.runs(shards)?, merge_mode))
    }

    /// What is to run in each database. One that has none of these shards stays open: it may be
    /// asked for the names of types.
    ///
    /// # Errors
    /// If a database cannot be set up.
    pub fn runs(self, shards: &[Shard]) -> Result<Vec<DatabaseRun>, Error> {
        // With the password that was typed, or that a command printed.
        let accepted: BTreeMap<_, _> = (self.databases.iter())
            .map(|database| (database.target.settings.server_name(), database.settings()))
            .collect();
        let mut runs = Vec::new();
        for database in self.databases {
            let own = own(shards, &database.target);
            runs.push(database.run(own));
        }
        for database in self.later {
            let own = own(shards, &database.target);
            if !own.is_empty() {
                let settings = accepted.get(&database.target.settings.server_name());
                runs.push(database.run(own, settings, &self.infos)?);
            }
        }
        Ok(runs)
    }

    /// The only database's preflight.
    ///
    /// # Errors
    /// If there is none.
    pub fn into_only(self) -> Result<Preflight, Error> {
        let only = self.databases.into_iter().next();
        let only = only.map(|database| database.preflight);
        only.ok_or(Error::NoneReachable)
    }

    /// Closes the databases that have none of these shards. At least one that has some is open
    /// then.
    ///
    /// # Errors
    /// If that one cannot be opened.
    pub async fn keep(&mut self, shards: &[Shard]) -> Result<(), Error> {
        let databases = std::mem::take(&mut self.databases).into_iter();
        let (kept, left): (Vec<_>, Vec<_>) =
            databases.partition(|database| !own(shards, &database.target).is_empty());
        self.databases = kept;
        self.later
            .retain(|database| !own(shards, &database.target).is_empty());
        join_all(left.into_iter().map(PreparedDatabase::close)).await;
        if self.databases.is_empty() && !self.later.is_empty() {
            let first = self.later.remove(0);
            self.databases.push(first.open().await?);
        }
        Ok(())
    }

    pub async fn close(self) {
        join_all(self.databases.into_iter().map(PreparedDatabase::close)).await;
    }

    /// What would be sent to each database. Closes them.
    pub async fn describe(self, shards: &[Shard]) -> String {
        let mut text = String::new();
        for PreparedDatabase {
            target,
            plan,
            server,
            preflight,
            pending_connections,
            ..
        } in self.databases
        {
            let shards = own(shards, &target);
            drop((preflight, pending_connections));
            server.close().await;
            if target.database.is_some() {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "-- {}", target.place());
            }
            text += &plan.describe(&shards);
        }
        for LaterDatabase { target, plan, .. } in self.later {
            let _ = writeln!(text, "-- {}", target.place());
            text += &plan.describe(&own(shards, &target));
        }
        text
    }
}
