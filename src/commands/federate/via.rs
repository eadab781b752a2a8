//! Checks a hub before a global query runs on it: it has every table of the statement as the servers
//! have it. The tables are locked on the servers until the query has ended, so that nothing can
//! change, rewrite or drop them meanwhile: a foreign table would not notice.

use std::collections::BTreeSet;

use super::hub::{HubSession, read as rows_of};
use super::remote::{self, Remotes};
use super::request::{self, Action, HubRequest};
use super::server_views;
use crate::cli::connection::ConnectionArgs;
use crate::cli::layout::ListedLayoutArgs;
use crate::commands::databases::{self, Prepared, PreparedDatabase};
use crate::commands::error::Error;
use crate::commands::inspect::statement::rows;
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::exec::fanout::Session;
use crate::exec::plan::Timeouts;
use crate::global::federation::{
    self, FederationError, UnionKind, Wanted, difference, server_name,
};
use crate::global::united::UnitedTables;
use crate::pg::quote::Literal;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::summary::{Scope, SnapshotCount};

/// A hub that answers global queries.
pub struct Via {
    pub hub: Settings,
    servers: Vec<Settings>,
    layout: Layout,
    preferred: Vec<String>,
}

/// Transactions on the servers that keep the tables of a statement as they are.
pub struct LockedTables {
    databases: Prepared,
    /// What the hub has of all shards as one.
    pub united: UnitedTables,
}

impl LockedTables {
    /// Sets what decides how the session on the hub plans.
    pub async fn prepare(&self, session: &Session) -> Result<(), Error> {
        let settings = include_str!("../../../sql/federation/via_session.sql");
        rows_of(session.connection(), settings).await?;
        Ok(())
    }

    pub async fn close(self) {
        self.databases.close().await;
    }
}

/// The servers that a query connects to: the hub of `--via`, or else those that have the shards.
///
/// # Errors
/// If flags, environment and files are not valid connection settings.
pub fn servers_or_hub(
    via: Option<&Via>,
    connection: &ConnectionArgs,
) -> Result<Vec<Settings>, Error> {
    match via {
        Some(via) => Ok(vec![via.hub.clone()]),
        None => databases::servers(connection),
    }
}

impl Via {
    /// `None` without `--via`.
    ///
    /// # Errors
    /// If flags, environment and files are not valid connection settings.
    pub fn of(
        hub: Option<&str>,
        connection: &ConnectionArgs,
        layout: &ListedLayoutArgs,
    ) -> Result<Option<Self>, Error> {
        let Some(hub) = hub else {
            return Ok(None);
        };
        Ok(Some(Self {
            hub: request::hub(hub, connection)?,
            servers: databases::servers(connection)?,
            layout: layout.layout(),
            preferred: connection.prefer.clone(),
        }))
    }

    /// The servers that have the shards.
    pub fn server_names(&self) -> Vec<String> {
        self.servers.iter().map(Settings::server_name).collect()
    }

    /// What the summary states instead of the hub's own snapshot and location.
    pub fn describe(mut scope: Scope) -> (Scope, SnapshotCount) {
        scope.location.database = format!("via {}", scope.location.database);
        (scope, SnapshotCount::EachServer)
    }

    /// Checks the hub, and locks the tables of these names. `None` if interrupted.
    ///
    /// # Errors
    /// If the hub could answer wrong.
    pub async fn check(
        &self,
        names: &BTreeSet<String>,
        limits: Timeouts,
        interrupt: &Interrupt,
        console: &mut Console,
    ) -> Result<Option<LockedTables>, Error> {
        let request = HubRequest {
            action: Action::Check,
            hub: self.hub.clone(),
            servers: self.servers.clone(),
            layout: self.layout.clone(),
            databases: Vec::new(),
            preferred: self.preferred.clone(),
            expect_shards: None,
            store_password: false,
            analyze: false,
            unions: UnionKind::View,
            lock: names.iter().cloned().collect(),
            limits,
            interrupt: interrupt.clone(),
        };
        let Some(hub) = HubSession::open(&request, console).await? else {
            return Ok(None);
        };
        let checked = check(&request, &hub, names, console).await;
        hub.close().await;
        checked
    }
}

async fn check(
    request: &HubRequest,
    hub: &HubSession,
    names: &BTreeSet<String>,
    console: &mut Console,
) -> Result<Option<LockedTables>, Error> {
    if hub.existing.is_empty() {
        return Err(FederationError::NoHub { hub: hub.place() }.into());
    }
    let remotes = remote::read(request, &hub.facts, console).await;
    let remotes = remotes.map_err(|error| with_shards(error, hub))?;
    let Some(Remotes {
        prepared,
        databases,
        locked,
    }) = remotes
    else {
        return Ok(None);
    };
    let unions = hub.existing.unions_are();
    let wanted = federation::wanted(&hub.facts, databases, unions)?;
    let mut changes = Vec::new();
    if unions == UnionKind::Partitioned {
        let views = server_views::read(request, &prepared).await?;
        (changes, _) = server_views::compare(hub, views, Some(&wanted)).await?;
    }
    let found = difference(Some(&wanted), &hub.existing, hub.facts.has_postgres_fdw);
    changes.extend(found.changes);
    if let [first, others @ ..] = &changes[..] {
        return Err(FederationError::Stale {
            first: first.to_string(),
            others: others.len(),
        }
        .into());
    }
    for server in &wanted.servers {
        let user = &server.mapping.user;
        let found = hub.existing.servers.get(&server.name);
        if found.and_then(|found| found.user.as_ref()) != Some(user) {
            let (server, user) = (server.name.clone(), user.clone());
            return Err(FederationError::OtherUser { server, user }.into());
        }
    }
    for database in &prepared.databases {
        refuse_shared_rows(request, database).await?;
    }
    for table in wanted.tables.iter().filter(|it| names.contains(&it.name)) {
        if wanted.incomplete.contains(&table.name) {
            return Err(FederationError::Incomplete(table.name.clone()).into());
        }
        let key = (
            table.server.clone(),
            table.remote_schema.clone(),
            table.name.clone(),
        );
        if !locked.contains(&key) {
            let (server, schema, name) = key;
            let table = format!("{schema}.{name}");
            return Err(FederationError::NotLockable { table, server }.into());
        }
    }
    refuse_strays(request, hub, &wanted).await?;
    Ok(Some(LockedTables {
        databases: prepared,
        united: wanted.united(),
    }))
}

/// The hub cannot tell that a table of a shard inherits from that of another.
async fn refuse_shared_rows(
    request: &HubRequest,
    database: &PreparedDatabase,
) -> Result<(), Error> {
    let names: Vec<_> = request
        .lock
        .iter()
        .map(|name| Literal(name).to_string())
        .collect();
    let sql = sql_template::fill(
        include_str!("../../../sql/global/inheritance_overlap.sql"),
        &[
            ("names", &format!("ARRAY[{}]::name[]", names.join(", "))),
            ("is_shard", &database.plan.layout.condition()),
        ],
    );
    let shared = rows(database.preflight.session.connection(), &sql).await?;
    let Some(first) = shared.into_iter().next() else {
        return Ok(());
    };
    let mut first = first.into_iter().flatten();
    let mut next = || first.next().unwrap_or_default();
    Err(FederationError::Inherited {
        table: next(),
        shard: next(),
        other: next(),
    }
    .into())
}

/// A schema of the hub's own would count as a shard.
async fn refuse_strays(
    request: &HubRequest,
    hub: &HubSession,
    wanted: &Wanted,
) -> Result<(), Error> {
    let schemas = include_str!("../../../sql/session/schemas.sql");
    let schemas = rows_of(&hub.connection, schemas).await?;
    let names = schemas.into_iter().flatten().flatten();
    let strays = names.filter_map(|name| request.layout.shard(&name));
    let strays: Vec<_> = strays
        .filter(|shard| !wanted.schemas.iter().any(|known| known == shard.name()))
        .collect();
    if strays.is_empty() {
        return Ok(());
    }
    Err(FederationError::Stray(Ranges::of(&strays).brief()).into())
}

/// Names the shards of servers that cannot be reached, as the hub knows them.
fn with_shards(error: Error, hub: &HubSession) -> Error {
    let Error::Federation(FederationError::Unreachable(unreachable)) = error else {
        return error;
    };
    let lines = unreachable.iter().map(|down| {
        let server = server_name(&down.place);
        let own = hub.existing.tables.iter();
        let own = own.filter(|(_, table)| table.server == server);
        let schemas: BTreeSet<_> = own.map(|((schema, _), _)| schema).collect();
        let mut shards: Vec<_> = schemas
            .into_iter()
            .map(|schema| Shard::named(schema))
            .collect();
        shards.sort_unstable();
        format!(
            "{} cannot be reached, which has {}: {}",
            down.place,
            Ranges::of(&shards).brief(),
            down.reason
        )
    });
    FederationError::ServersDown(lines.collect()).into()
}
