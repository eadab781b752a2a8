//! Which databases a run reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use tokio_postgres::error::SqlState;

use crate::cli::connection::ConnectionArgs;
use crate::client::ConnectionPool;
use crate::commands::error::Error;
use crate::commands::other_databases;
use crate::config::{ConnectionFlags, Environment, Server, Settings};
use crate::exec::cancel::Interrupt;
use crate::exec::fanout::FanoutError;
use crate::pg::sql_template;
use crate::sharding::database::{Database, ShardNaming};
use crate::sharding::layout::Layout;
use crate::sharding::pattern::Pattern;
use crate::sharding::shard::Shard;
use crate::sharding::snapshots::SharedSnapshots;
use crate::sharding::unreachable::Unreachable;

/// A database that a run reads.
#[derive(Clone)]
pub struct Target {
    pub settings: Settings,
    /// What tells its shards from those of others; `None` if it is the only one.
    pub database: Option<Database>,
    /// To be read instead of a new one.
    pub snapshot: Option<Arc<str>>,
}

/// The databases of a run.
#[derive(Clone)]
pub struct Targets {
    /// At least one, unless servers are unreachable.
    pub databases: Vec<Target>,
    /// Servers whose databases nobody could list.
    pub unreachable: Vec<Unreachable>,
}

impl Targets {
    pub fn only(settings: &Settings) -> Self {
        Self {
            databases: vec![Target {
                settings: settings.clone(),
                database: None,
                snapshot: None,
            }],
            unreachable: Vec::new(),
        }
    }

    /// The same, read at these snapshots.
    fn at(mut self, snapshots: &SharedSnapshots) -> Result<Self, Error> {
        for target in &mut self.databases {
            let place = target.place();
            let snapshot = snapshots.of_place(&place);
            target.snapshot = Some(snapshot.ok_or(Error::NotFrozen(place))?);
        }
        Ok(self)
    }

    /// Where a shard is.
    pub fn of_shard(&self, shard: Shard) -> Option<&Target> {
        let mut targets = self.databases.iter();
        targets.find(|target| target.database == shard.database())
    }

    /// The databases of each server, in the order in which shards are.
    pub fn by_server(&self) -> Vec<Vec<&Target>> {
        let mut servers: BTreeMap<String, Vec<&Target>> = BTreeMap::new();
        for target in &self.databases {
            let server = servers.entry(target.settings.server_name());
            server.or_default().push(target);
        }
        servers.into_values().collect()
    }
}

impl Target {
    /// As messages call it: `db7:5432`, `db7:5432/builder`.
    pub fn place(&self) -> String {
        match self.database {
            Some(database) => database.place(),
            None => self.settings.server_name(),
        }
    }

    /// The layout for its shards.
    pub fn layout(&self, layout: &Layout) -> Layout {
        match self.database {
            Some(database) => layout.in_database(database),
            None => layout.clone(),
        }
    }
}

/// The servers of a run.
///
/// # Errors
/// If flags, environment and files are not valid connection settings.
pub fn servers(args: &ConnectionArgs) -> Result<Vec<Settings>, Error> {
    servers_in(args, &Environment::of_process()?)
}

/// The same in this environment.
///
/// # Errors
/// If flags, environment and files are not valid connection settings.
pub fn servers_in(
    args: &ConnectionArgs,
    environment: &Environment,
) -> Result<Vec<Settings>, Error> {
    let flags = ConnectionFlags::from(args);
    let mut servers = Vec::new();
    for server in &args.server {
        servers.push(Server::of_flag(server)?);
    }
    if servers.is_empty()
        && !flags.names_a_host()?
        && let Some(profile) = &flags.profile
    {
        servers.clone_from(&profile.servers);
    }
    if servers.is_empty() {
        return Ok(vec![Settings::resolve(&flags, environment)?]);
    }
    let settings = servers.into_iter().map(|server| {
        let flags = ConnectionFlags {
            server: Some(server),
            ..flags.clone()
        };
        Settings::resolve(&flags, environment)
    });
    let mut settings = settings.collect::<Result<Vec<_>, _>>()?;
    let only = &args.only_servers;
    settings.retain(|it| only.is_empty() || only.contains(&it.server_name()));
    Ok(settings)
}

/// The databases of these servers that a run reads, at the snapshots that a shell has taken, if any.
/// Connects only to find databases by a pattern. `None` if interrupted.
///
/// # Errors
/// If a pattern matches no database, or one that has no snapshot.
pub async fn targets(
    servers: &[Settings],
    patterns: &[Pattern],
    layout: &Layout,
    snapshots: Option<&SharedSnapshots>,
    interrupt: &Interrupt,
) -> Result<Option<Targets>, Error> {
    let targets = tokio::select! {
        targets = find(servers, patterns, layout) => targets?,
        () = interrupt.requested() => return Ok(None),
    };
    match snapshots {
        Some(snapshots) => targets.at(snapshots).map(Some),
        None => Ok(Some(targets)),
    }
}

async fn find(
    servers: &[Settings],
    patterns: &[Pattern],
    layout: &Layout,
) -> Result<Targets, Error> {
    if patterns.is_empty() {
        return Ok(of_servers(servers));
    }
    let naming = if layout.is_database() {
        ShardNaming::Database
    } else {
        ShardNaming::DatabaseAndSchema
    };
    let listed = join_all(servers.iter().map(databases)).await;
    let mut targets = Targets {
        databases: Vec::new(),
        unreachable: Vec::new(),
    };
    for (server, names) in servers.iter().zip(listed) {
        match names {
            Ok(names) => targets.databases.extend(
                matching(&names, patterns)
                    .into_iter()
                    .map(|name| target(server, &server.with_database(name), naming)),
            ),
            Err(error) if servers.len() == 1 => return Err(error),
            Err(error) => targets.unreachable.push(Unreachable {
                place: server.server_name(),
                reason: error.to_string(),
            }),
        }
    }
    if targets.databases.is_empty() && targets.unreachable.is_empty() {
        return Err(Error::NoDatabases(listed_patterns(patterns)));
    }
    Ok(targets)
}

fn of_servers(servers: &[Settings]) -> Targets {
    if let [only] = servers {
        return Targets::only(only);
    }
    let databases = servers.iter();
    let databases = databases.map(|server| target(server, server, ShardNaming::Schema));
    Targets {
        databases: told_apart(databases.collect()),
        unreachable: Vec::new(),
    }
}

fn target(server: &Settings, settings: &Settings, naming: ShardNaming) -> Target {
    let name = settings.database().to_owned();
    Target {
        settings: settings.clone(),
        database: Some(Database::new(server.server_name(), name, naming)),
        snapshot: None,
    }
}

/// Servers that have the same name are called by their databases too.
fn told_apart(targets: Vec<Target>) -> Vec<Target> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for target in &targets {
        *counts.entry(target.settings.server_name()).or_default() += 1;
    }
    let with_database = |target: Target| {
        let name = target.settings.server_name();
        if target.database.is_none() || counts[&name] == 1 {
            return target;
        }
        let database = target.settings.database().to_owned();
        let server = format!("{name}/{database}");
        Target {
            database: Some(Database::new(server, database, ShardNaming::Schema)),
            ..target
        }
    };
    targets.into_iter().map(with_database).collect()
}

/// The names of a server's databases, from the one that the settings name or else `postgres`.
async fn databases(server: &Settings) -> Result<Vec<String>, Error> {
    match list(server).await {
        Err(Error::Connect(error)) if error.sqlstate() == Some(&SqlState::UNDEFINED_DATABASE) => {
            list(&server.with_database("postgres")).await
        }
        listed => listed,
    }
}

async fn list(settings: &Settings) -> Result<Vec<String>, Error> {
    let opened = ConnectionPool::open(settings.clone(), 1).await?;
    let sql = sql_template::fill(include_str!("../../../sql/session/databases.sql"), &[]);
    let names = other_databases::try_column(&opened.first, &sql).await;
    drop(opened.first);
    opened.server.close().await;
    names.map_err(|error| Error::Fanout(FanoutError::setup_failed(&error)))
}

/// In the order in which their shards are.
fn matching<'a>(names: &'a [String], patterns: &[Pattern]) -> Vec<&'a str> {
    let is_match = |name: &&String| patterns.iter().any(|pattern| pattern.matches(name));
    let mut matching: Vec<_> = names.iter().filter(is_match).map(String::as_str).collect();
    matching.sort_by_key(|name| Shard::named(name));
    matching
}

fn listed_patterns(patterns: &[Pattern]) -> String {
    let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    patterns.join(", ")
}
