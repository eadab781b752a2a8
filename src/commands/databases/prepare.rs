//! Connects to the databases of a run, runs their preflights together, and lists all their shards.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use futures::future::join_all;

use super::targets::{Target, Targets};
use crate::client::{ConnectionPool, PendingConnection, PoolStart};
use crate::commands::error::Error;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::exec::driver::Run;
use crate::exec::fanout::{DatabaseRun, FanoutError, Preflight, Session};
use crate::exec::merge::MergeMode;
use crate::exec::plan::{Consistency, Plan};
use crate::sharding::database::{Database, ShardNaming};
use crate::sharding::shard::Shard;
use crate::sharding::topology::Topology;
use crate::sharding::union::Unreachable;
use crate::terminal::console::Console;
use crate::terminal::summary::{Location, Scope, SnapshotCount};

/// Databases with at least one connection each.
pub struct Connected {
    databases: Vec<(Target, PoolStart)>,
    unreachable: Vec<Unreachable>,
}

/// Databases after their preflights, and the shards of all of them.
pub struct Prepared {
    pub databases: Vec<PreparedDatabase>,
    pub topology: Topology,
}

pub struct PreparedDatabase {
    pub target: Target,
    pub plan: Plan,
    pub server: ConnectionPool,
    pub preflight: Preflight,
    pub pending_connections: Vec<PendingConnection>,
}

/// Connects to all databases at once, with this many connections per server. One that cannot be
/// reached is left out, as long as there are others.
///
/// # Errors
/// If no database can be reached: why, of the first.
pub async fn connect(
    targets: &Targets,
    connections: usize,
    connect_retry: ConnectRetry,
    console: &mut Console,
) -> Result<Connected, Error> {
    let mut of_server: BTreeMap<String, usize> = BTreeMap::new();
    for target in &targets.databases {
        *of_server.entry(target.settings.server_name()).or_default() += 1;
    }
    let console = &RefCell::new(console);
    let opened = join_all(targets.databases.iter().map(|target| {
        let share = connections / of_server[&target.settings.server_name()];
        session_setup::open_beside(&target.settings, share.max(1), connect_retry, console)
    }));
    let mut connected = Connected {
        databases: Vec::new(),
        unreachable: targets.unreachable.clone(),
    };
    let mut first_error = None;
    for (target, opened) in targets.databases.iter().zip(opened.await) {
        match opened {
            Ok(opened) => connected.databases.push((target.clone(), opened)),
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

impl PreparedDatabase {
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

impl Connected {
    /// The databases with their plans, and those that could not be reached.
    pub fn into_parts(self, plan: &Plan) -> (Vec<(Target, Plan, PoolStart)>, Vec<Unreachable>) {
        let databases = self.databases.into_iter();
        let with_plan = databases.map(|(target, opened)| {
            let plan = plan_of(&target, plan);
            (target, plan, opened)
        });
        (with_plan.collect(), self.unreachable)
    }

    pub fn servers(&self) -> Vec<ConnectionPool> {
        let databases = self.databases.iter();
        databases.map(|(_, opened)| opened.server.clone()).collect()
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
    let (databases, mut unreachable) = connected.into_parts(plan);
    let is_only = databases.len() == 1 && unreachable.is_empty();
    let preflights = join_all(databases.into_iter().map(|(target, plan, opened)| async {
        let PoolStart {
            server,
            first,
            pending_connections,
            ..
        } = opened;
        let preflight = session_setup::preflight(first, &plan).await;
        (target, plan, server, pending_connections, preflight)
    }));
    let mut prepared = Vec::new();
    for (target, plan, server, pending_connections, preflight) in preflights.await {
        match preflight {
            Ok(preflight) => prepared.push(PreparedDatabase {
                target,
                plan,
                server,
                preflight,
                pending_connections,
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
    let topology = topology(&listed, plan, unreachable, preferred, console).await?;
    Ok(Prepared {
        databases: prepared,
        topology,
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
    plan: &Plan,
    unreachable: Vec<Unreachable>,
    preferred: &[String],
    console: &mut Console,
) -> Result<Topology, Error> {
    if let ([only], []) = (databases, unreachable.as_slice()) {
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

    /// The preflight of the first database.
    ///
    /// # Errors
    /// If no database could be reached.
    pub fn first(&self) -> Result<&Preflight, Error> {
        let first = self.databases.first();
        let first = first.map(|database| &database.preflight);
        first.ok_or(Error::NoDatabases("reachable".to_owned()))
    }

    /// A session in the database that this shard is in.
    pub fn session_of(&self, shard: Shard) -> Option<&Session> {
        let mut databases = self.databases.iter();
        let own = databases.find(|it| it.target.database == shard.database())?;
        Some(&own.preflight.session)
    }

    /// Starts the workers. Databases without a selected shard are left alone.
    pub fn start(self, shards: &[Shard], merge_mode: MergeMode) -> Run {
        Run::new(self.runs(shards), merge_mode)
    }

    /// What is to run in each database that has any of these shards.
    pub fn runs(self, shards: &[Shard]) -> Vec<DatabaseRun> {
        let runs = self.databases.into_iter().filter_map(|database| {
            let own = |shard: &&Shard| shard.database() == database.target.database;
            let shards: Vec<_> = shards.iter().filter(own).copied().collect();
            (!shards.is_empty()).then_some(DatabaseRun {
                plan: database.plan,
                shards,
                server: database.server,
                preflight: database.preflight,
                pending_connections: database.pending_connections,
            })
        });
        runs.collect()
    }

    /// Closes the databases that have none of these shards.
    pub async fn keep(&mut self, shards: &[Shard]) {
        let has_any = |database: &PreparedDatabase| {
            let own = |shard: &Shard| shard.database() == database.target.database;
            shards.iter().any(own)
        };
        let databases = std::mem::take(&mut self.databases).into_iter();
        let (kept, left): (Vec<_>, Vec<_>) = databases.partition(has_any);
        self.databases = kept;
        join_all(left.into_iter().map(PreparedDatabase::close)).await;
    }

    pub async fn close(self) {
        join_all(self.databases.into_iter().map(PreparedDatabase::close)).await;
    }

    /// Whether rows need to say which server they are from: their shards do not.
    pub fn has_several_servers(&self) -> bool {
        let databases = self.databases.iter();
        let servers: BTreeSet<_> = databases
            .filter_map(|it| it.target.database)
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
        } in self.databases
        {
            let own = |shard: &&Shard| shard.database() == target.database;
            let shards: Vec<_> = shards.iter().filter(own).copied().collect();
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
            location: location(&self.databases),
            shards: self.topology.shards().len(),
        }
    }
}

fn location(databases: &[PreparedDatabase]) -> Location {
    let Some(first) = databases.first() else {
        return Location::default();
    };
    let of_first = session_setup::location(&first.server);
    if databases.len() == 1 {
        return of_first;
    }
    let mut servers: Vec<_> = databases
        .iter()
        .map(|database| database.target.settings.server_name())
        .collect();
    servers.sort_unstable();
    servers.dedup();
    let database = match (servers.len(), databases.len()) {
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
