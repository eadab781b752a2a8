//! Connects to the databases of a run, runs their preflights together, and lists all their shards.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::future::ready;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::info::DatabaseInfos;
use super::later::{self, LaterDatabase};
use super::targets::{Target, Targets};
use crate::client::{ConnectionPool, PendingConnection, PoolStart};
use crate::commands::error::Error;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::exec::driver::Run;
use crate::exec::fanout::{DatabaseRun, DatabaseStart, FanoutError, Opened, Preflight, Session};
use crate::exec::merge::MergeMode;
use crate::exec::plan::{Consistency, Plan};
use crate::sharding::database::{Database, ShardNaming};
use crate::sharding::shard::Shard;
use crate::sharding::topology::Topology;
use crate::sharding::union::Unreachable;
use crate::terminal::console::Console;
use crate::terminal::summary::{Location, Scope, SnapshotCount};

/// Databases with at least one connection each, and those that wait for one.
pub struct Connected {
    databases: Vec<(Target, PoolStart, Option<OwnedSemaphorePermit>)>,
    later: Vec<LaterDatabase>,
    unreachable: Vec<Unreachable>,
}

/// Databases after their preflights, and the shards of all of them.
pub struct Prepared {
    pub databases: Vec<PreparedDatabase>,
    pub later: Vec<LaterDatabase>,
    pub topology: Topology,
    pub infos: DatabaseInfos,
}

pub struct PreparedDatabase {
    pub target: Target,
    pub plan: Plan,
    pub server: ConnectionPool,
    pub preflight: Preflight,
    pub pending_connections: Vec<PendingConnection>,
    /// Its only connection is that of another database next.
    pub slot: Option<OwnedSemaphorePermit>,
}

/// Connects to all databases at once, with this many connections per server. Databases beyond that
/// number wait. One that cannot be reached is left out, as long as there are others.
///
/// # Errors
/// If no database can be reached: why, of the first.
pub async fn connect(
    targets: &Targets,
    plan: &Plan,
    connections: usize,
    connect_retry: ConnectRetry,
    console: &mut Console,
) -> Result<Connected, Error> {
    let mut connected = Connected {
        databases: Vec::new(),
        later: Vec::new(),
        unreachable: targets.unreachable.clone(),
    };
    let mut now: Vec<(&Target, _, _)> = Vec::new();
    for targets in targets.by_server() {
        let crowd = targets.len() > connections;
        let slots = Arc::new(Semaphore::new(connections));
        let share = (connections / targets.len()).max(1);
        let (first, rest) = targets.split_at(targets.len().min(connections));
        for &target in first {
            let slot = Arc::clone(&slots).try_acquire_owned().ok();
            now.push((target, share, slot.filter(|_| crowd)));
        }
        let rest = rest.iter();
        let rest = rest.map(|&target| (target.clone(), plan_of(target, plan)));
        let (later, unreachable) = later::discover(rest.collect(), connections, &slots).await;
        connected.later.extend(later);
        connected.unreachable.extend(unreachable);
    }
    let console = &RefCell::new(console);
    let opened = join_all(now.iter().map(|(target, share, _)| {
        session_setup::open_beside(&target.settings, *share, connect_retry, console)
    }));
    let mut first_error = None;
    for (opened, (target, _, slot)) in opened.await.into_iter().zip(now) {
        match opened {
            Ok(opened) => connected.databases.push((target.clone(), opened, slot)),
            Err(error) => {
                connected.unreachable.push(Unreachable {
                    place: target.place(),
                    reason: error.to_string(),
                });
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if connected.databases.is_empty() => Err(error),
        _ => Ok(connected),
    }
}

/// The shards that are in this database.
fn own(shards: &[Shard], target: &Target) -> Vec<Shard> {
    let own = |shard: &&Shard| shard.database() == target.database;
    shards.iter().filter(own).copied().collect()
}

impl PreparedDatabase {
    /// What is to run in it. If other databases wait for its connection, it is closed after that.
    fn run(self, shards: Vec<Shard>) -> DatabaseRun {
        let (plan, preflight) = (self.plan.clone(), self.preflight);
        let start = match self.slot {
            None => DatabaseStart::Now {
                preflight,
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

    async fn close(self) {
        drop((self.preflight, self.pending_connections));
        self.server.close().await;
    }

    fn listed(&self) -> Listed<'_> {
        Listed {
            target: &self.target,
            plan: &self.plan,
            preflight: &self.preflight,
        }
    }
}

/// A database with a connection.
pub struct ConnectedDatabase {
    pub target: Target,
    pub plan: Plan,
    pub opened: PoolStart,
    slot: Option<OwnedSemaphorePermit>,
}

impl Connected {
    /// The databases with their plans, those that wait, and those that could not be reached.
    pub fn into_parts(
        self,
        plan: &Plan,
    ) -> (Vec<ConnectedDatabase>, Vec<LaterDatabase>, Vec<Unreachable>) {
        let databases = self.databases.into_iter();
        let with_plan = databases.map(|(target, opened, slot)| ConnectedDatabase {
            plan: plan_of(&target, plan),
            target,
            opened,
            slot,
        });
        (with_plan.collect(), self.later, self.unreachable)
    }

    pub fn servers(&self) -> Vec<ConnectionPool> {
        let databases = self.databases.iter();
        databases
            .map(|(_, opened, _)| opened.server.clone())
            .collect()
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
    let (databases, later, mut unreachable) = connected.into_parts(plan);
    let is_only = databases.len() == 1 && unreachable.is_empty();
    let preflights = join_all(databases.into_iter().map(|database| async {
        let ConnectedDatabase {
            target,
            plan,
            opened,
            slot,
        } = database;
        let PoolStart {
            server,
            first,
            pending_connections,
            ..
        } = opened;
        let preflight = session_setup::preflight(first, &plan).await;
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
        infos: DatabaseInfos::default(),
    })
}

fn plan_of(target: &Target, plan: &Plan) -> Plan {
    Plan {
        layout: target.layout(&plan.layout),
        ..plan.clone()
    }
}

/// Whether another server may do better with the same statement.
fn is_of_the_server(error: &Error) -> bool {
    matches!(
        error,
        Error::Connect(_) | Error::Fanout(FanoutError::Lost(_) | FanoutError::Silent(_))
    )
}

/// A database whose shards are known.
pub struct Listed<'a> {
    pub target: &'a Target,
    pub plan: &'a Plan,
    pub preflight: &'a Preflight,
}

/// The shards of all databases.
///
/// # Errors
/// If there are none, or several databases have the same ones.
pub async fn topology(
    databases: &[Listed<'_>],
    later: &[LaterDatabase],
    plan: &Plan,
    unreachable: Vec<Unreachable>,
    preferred: &[String],
    console: &mut Console,
) -> Result<Topology, Error> {
    if let ([only], [], []) = (databases, later, unreachable.as_slice()) {
        let settings = &only.target.settings;
        return session_setup::topology(only.preflight, &only.plan.layout, settings).await;
    }
    let mut parts = Vec::new();
    let mut empty = Vec::new();
    for database in databases {
        match Topology::new(database.preflight.shards.clone(), &database.plan.layout) {
            Some(part) => parts.push(part),
            None => empty.push(database.target),
        }
    }
    for database in later {
        match Topology::new(database.discovered.clone(), &database.plan.layout) {
            Some(part) => parts.push(part),
            None => empty.push(&database.target),
        }
    }
    let union = Topology::union(parts, &plan.layout, unreachable, preferred)?;
    let (Some(topology), _) = (union, databases.first()) else {
        let Some(first) = databases.first() else {
            return Err(Error::NoDatabases(plan.layout.to_string()));
        };
        let settings = &first.target.settings;
        return session_setup::topology(first.preflight, &first.plan.layout, settings).await;
    };
    warn_of_empty(&empty, console);
    Ok(topology)
}

/// A server without shards is probably the wrong one; of many databases, some have none.
fn warn_of_empty(empty: &[&Target], console: &mut Console) {
    let places: Vec<_> = empty.iter().map(|target| target.place()).collect();
    let naming = empty.iter().find_map(|target| target.database);
    match (naming.map(|database| database.naming()), places.as_slice()) {
        (None, _) | (_, []) => {}
        (Some(ShardNaming::Schema), places) => {
            console.warning(&format!("no shards on {}", places.join(", ")));
        }
        (Some(_), [only]) => console.note(&format!("{only} has no shards")),
        (Some(_), places) => console.note(&format!("{} databases have no shards", places.len())),
    }
}

impl Prepared {
    pub fn servers(&self) -> Vec<ConnectionPool> {
        let databases = self.databases.iter();
        databases.map(|database| database.server.clone()).collect()
    }

    /// The first database.
    ///
    /// # Errors
    /// If no database could be reached.
    pub fn only_or_first(&self) -> Result<&PreparedDatabase, Error> {
        let first = self.databases.first();
        first.ok_or(Error::NoDatabases("reachable".to_owned()))
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

    /// What is to run in each database that has any of these shards.
    ///
    /// # Errors
    /// If a database cannot be set up.
    pub fn runs(self, shards: &[Shard]) -> Result<Vec<DatabaseRun>, Error> {
        let mut runs = Vec::new();
        for database in self.databases {
            let own = own(shards, &database.target);
            if !own.is_empty() {
                runs.push(database.run(own));
            }
        }
        for database in self.later {
            let own = own(shards, &database.target);
            if !own.is_empty() {
                runs.push(database.run(own, &self.infos)?);
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
        only.ok_or(Error::NoDatabases("reachable".to_owned()))
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
        text
    }

    /// Number of snapshots at which these shards are read.
    pub fn snapshots(&self, instant: Consistency, shards: &[Shard]) -> SnapshotCount {
        let databases: BTreeSet<_> = shards.iter().map(|shard| shard.database()).collect();
        match (instant, databases.len()) {
            (Consistency::SharedSnapshot, several @ 2..) => SnapshotCount::EachDatabase(several),
            _ => instant.into(),
        }
    }

    /// What the summary states of where the shards are.
    pub fn scope(&self) -> Scope {
        Scope {
            location: location(&self.databases, &self.later),
            shards: self.topology.shards().len(),
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
    let mut servers: Vec<_> = targets
        .map(|target| target.settings.server_name())
        .collect();
    servers.sort_unstable();
    servers.dedup();
    let database = match (servers.len(), count) {
        (1, count) => format!("{count} databases on {}", servers[0]),
        (servers, count) if servers == count => format!("{count} servers"),
        (servers, count) => format!("{count} databases on {servers} servers"),
    };
    Location {
        database,
        host: None,
        ..of_first
    }
}
