//! What the servers have: their shards, and the tables in them.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;

use super::hub::{pairs, read as rows_of, settings};
use super::request::{Action, HubRequest};
use crate::commands::databases::{self, Prepared, PreparedDatabase, Targets};
use crate::commands::error::Error;
use crate::commands::inspect::session::array_sql;
use crate::commands::inspect::statement::rows;
use crate::commands::interruptible;
use crate::commands::select;
use crate::commands::session_setup::ConnectRetry;
use crate::config::Settings;
use crate::exec::fanout::lockable_tables;
use crate::exec::plan::{Consistency, Plan, TableName};
use crate::global::federation::{
    FederationError, ForeignServer, Hub, RemoteDatabase, RemoteTable, UserMapping, server_name,
};
use crate::pg::sql_template;
use crate::sharding::selection::ShardFilter;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;

/// Rows per round trip of a foreign scan; the wrapper's own default is 100.
const FETCH_SIZE: &str = "10000";

/// Server, schema and name.
type LockedTable = (String, String, String);

/// What the servers have, and the transactions in which it was read.
pub struct Remotes {
    pub prepared: Prepared,
    pub databases: Vec<RemoteDatabase>,
    /// Tables that stay as they are until the transactions end: server, schema and name.
    pub locked: BTreeSet<LockedTable>,
}

/// Reads all databases that hold shards. `None` if interrupted.
pub async fn read(
    request: &HubRequest,
    hub: &Hub,
    console: &mut Console,
) -> Result<Option<Remotes>, Error> {
    let interrupt = &request.interrupt;
    // The preflight needs a statement to check.
    let statement = Statement::new("SELECT 1")?;
    let filter = ShardFilter::default().into();
    let plan = &Plan {
        // What is read behind a lock has to be as it is then.
        instant: Consistency::PerShard,
        ..Plan::of_our_own(statement, request.layout.clone(), filter, request.limits)
    };
    let patterns = &request.databases;
    let targets =
        databases::targets(&request.servers, patterns, &plan.layout, None, interrupt).await?;
    let Some(targets) = targets else {
        return Ok(None);
    };
    let connections = most_on_a_server(&targets);
    let retry = ConnectRetry::FailFast;
    let connecting = databases::connect(&targets, plan, connections, retry, interrupt, console);
    let Some(connected) = connecting.await? else {
        return Ok(None);
    };
    let servers = connected.servers();
    let work = async {
        let preferred = &request.preferred;
        let prepared = databases::prepare(connected, plan, preferred, console).await?;
        let read = read_all(request, hub, &prepared, console).await?;
        let (databases, locked): (_, Vec<_>) = read.into_iter().unzip();
        Ok(Remotes {
            prepared,
            databases,
            locked: locked.into_iter().flatten().collect(),
        })
    };
    interruptible::run_in_all(&servers, interrupt, work).await
}

/// A connection for each, so that none waits for another.
fn most_on_a_server(targets: &Targets) -> usize {
    let counts = targets.by_server().into_iter().map(|it| it.len());
    counts.max().unwrap_or(1)
}

async fn read_all(
    request: &HubRequest,
    hub: &Hub,
    prepared: &Prepared,
    console: &mut Console,
) -> Result<Vec<(RemoteDatabase, Vec<LockedTable>)>, Error> {
    let topology = &prepared.topology;
    if !topology.unreachable().is_empty() {
        let unreachable = topology.unreachable().to_vec();
        return Err(match request.action {
            Action::Drop => FederationError::ViewsRemain(unreachable),
            _ => FederationError::Unreachable(unreachable),
        }
        .into());
    }
    if let Some(expected) = request.expect_shards {
        topology.expect(expected)?;
    }
    select::warn_of_names(topology, console);
    let with_shards = prepared.databases.iter().filter_map(|database| {
        let shards = databases::own(topology.shards(), &database.target);
        (!shards.is_empty()).then_some((database, shards))
    });
    let found = with_shards.map(|(database, shards)| read_one(request, hub, database, shards));
    try_join_all(found).await
}

async fn read_one(
    request: &HubRequest,
    hub: &Hub,
    database: &PreparedDatabase,
    shards: Vec<Shard>,
) -> Result<(RemoteDatabase, Vec<LockedTable>), Error> {
    let connection = database.preflight.session.connection();
    connection.wait_at_most(request.limits.patience());
    rows(connection, &settings(request.limits)).await?;
    let name = server_name(&database.target.place());
    let locked = lock(request, database, &name).await?;
    let tables = sql_template::fill(
        include_str!("../../../sql/federation/remote_tables.sql"),
        &[("shards", &array_sql(&shards))],
    );
    let tables = rows(connection, &tables).await?;
    let tables = tables
        .iter()
        .filter_map(|row| RemoteTable::of_row(row, &shards));
    let likeness = include_str!("../../../sql/global/likeness.sql");
    let extensions = include_str!("../../../sql/federation/extensions.sql");
    let remote = RemoteDatabase {
        tables: tables.collect(),
        settings: pairs(rows_of(connection, likeness).await?),
        extensions: pairs(rows_of(connection, extensions).await?),
        server: ForeignServer {
            name,
            options: server_options(hub, &database.target.settings),
            mapping: mapping(hub, &database.settings(), request),
        },
        shards,
    };
    Ok((remote, locked))
}

/// Locks the tables of the request, so that they cannot be rewritten, changed or dropped.
async fn lock(
    request: &HubRequest,
    database: &PreparedDatabase,
    server: &str,
) -> Result<Vec<LockedTable>, Error> {
    let connection = database.preflight.session.connection();
    let Some(shard) = database.preflight.shards.shards.first() else {
        return Ok(Vec::new());
    };
    let tables = request.lock.iter().map(|name| TableName {
        schema: shard.schema().to_owned(),
        name: name.clone(),
    });
    let plan = Plan {
        lock: tables.collect(),
        ..database.plan.clone()
    };
    let tables = lockable_tables(connection, &plan).await;
    let tables = tables.map_err(Error::Fanout)?;
    if !tables.is_empty() {
        rows(connection, &plan.lock_tables(&tables)).await?;
    }
    let locked = tables.into_iter();
    Ok(locked
        .map(|table| (server.to_owned(), table.schema, table.name))
        .collect())
}

/// `use_remote_estimate` is off: it asks the server for the plan of every foreign table, one after
/// the other, before each statement. `--analyze` collects statistics once instead.
fn server_options(hub: &Hub, settings: &Settings) -> BTreeMap<String, String> {
    let mut options = settings.foreign_server_options();
    let mut set = |name: &str, value: &str| options.insert(name.to_owned(), value.to_owned());
    set("application_name", "shardq-hub");
    set("fetch_size", FETCH_SIZE);
    set("use_remote_estimate", "false");
    if hub.version >= 140_000 {
        set("async_capable", "true");
    }
    if hub.version >= 180_000 && !hub.is_superuser {
        set("use_scram_passthrough", "true");
    }
    options
}

/// Only a superuser may log in there by peer, certificate or passfile: those are the hub's, not the
/// role's.
fn mapping(hub: &Hub, settings: &Settings, request: &HubRequest) -> UserMapping {
    let mut options = BTreeMap::new();
    let mut hosts = settings.hosts().iter();
    if request.store_password
        && let Some(password) = hosts.find_map(|host| settings.password_for(host))
    {
        let password = String::from_utf8_lossy(password.as_bytes()).into_owned();
        options.insert("password".to_owned(), password);
    } else if hub.is_superuser && hub.version >= 130_000 {
        options.insert("password_required".to_owned(), "false".to_owned());
    }
    UserMapping {
        role: hub.role.clone(),
        user: settings.user().to_owned(),
        options,
    }
}
