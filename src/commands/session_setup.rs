//! The steps from the first connection to the selected shards, shared by all commands.

use std::cell::RefCell;

use tokio_postgres::error::SqlState;

use crate::cli::query::ShardArgs;
use crate::client::{ConnectError, Connection, ConnectionPool, PoolStart};
use crate::commands::databases::Targets;
use crate::commands::error::{Error, NoShards};
use crate::commands::other_databases;
use crate::config::Settings;
use crate::exec::fanout::{FanoutError, OpenTransaction, Preflight, RECONNECTS, Session, backoff};
use crate::exec::plan::Plan;
use crate::exec::plan::shards_sql;
use crate::exec::verb::Verb;
use crate::export::manifest::SnapshotRecord;
pub use crate::export::server_info::ServerInfo;
use crate::pg::sql_template;
use crate::sharding::guess;
use crate::sharding::layout::Layout;
use crate::sharding::ranges::Ranges;
use crate::sharding::suggest;
use crate::sharding::topology::{Topology, TopologyError};
use crate::terminal::console::Console;
use crate::terminal::summary::Location;
use crate::text::escape::one_line;

/// How to treat a failed connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectRetry {
    /// First attempt: the address may be wrong.
    FailFast,
    /// The server answered a moment ago, so it may be restarting.
    ServerRestarting,
}

/// Connects. Waits a few seconds for a server that is starting up or has no free connection.
pub async fn open(
    settings: &Settings,
    connections: usize,
    connect_retry: ConnectRetry,
    console: &mut Console,
) -> Result<PoolStart, Error> {
    let console = &RefCell::new(console);
    open_beside(settings, connections, connect_retry, console).await
}

/// The same while other servers are connected to.
pub async fn open_beside(
    settings: &Settings,
    connections: usize,
    connect_retry: ConnectRetry,
    console: &RefCell<&mut Console>,
) -> Result<PoolStart, Error> {
    let mut tried = 0;
    loop {
        let error = match ConnectionPool::open(settings.clone(), connections).await {
            Ok(opened) => {
                let mut console = console.borrow_mut();
                console.exclude(opened.typing);
                if let Some(error) = &opened.refused {
                    console.note(&format!(
                        "running with fewer connections than requested: {error}"
                    ));
                }
                if opened.server.has_lost_some() {
                    console.note(&"the connection was lost since the last statement; reconnected");
                }
                warn_of_superuser(&opened.server, connect_retry, &mut console);
                return Ok(opened);
            }
            Err(error) => error,
        };
        if error.sqlstate() == Some(&SqlState::UNDEFINED_DATABASE) {
            let mut databases = other_databases::databases(settings).await;
            suggest::similar_first(settings.database(), &mut databases);
            return Err(Error::NoDatabase { error, databases });
        }
        if tried == RECONNECTS || !is_retryable(&error, connect_retry) {
            return Err(error.into());
        }
        let wait = backoff(tried);
        let note = format!("{error}\nretrying in {} ms", wait.as_millis());
        console.borrow_mut().note(&note);
        tokio::time::sleep(wait).await;
        tried += 1;
    }
}

/// Once per run, and only on a terminal: a script cannot choose another role.
fn warn_of_superuser(server: &ConnectionPool, connect_retry: ConnectRetry, console: &mut Console) {
    let settings = server.settings();
    let is_demo = settings.application_name() == super::demo::APPLICATION_NAME;
    if server.is_superuser() && connect_retry == ConnectRetry::FailFast && !is_demo {
        console.aside(&format!(
            "connected as superuser \"{}\": READ ONLY does not cover everything a superuser may \
             call; for a read-only role, see docs/design/read-only.md",
            one_line(settings.user())
        ));
    }
}

fn is_retryable(error: &ConnectError, connect_retry: ConnectRetry) -> bool {
    let passing = [SqlState::CANNOT_CONNECT_NOW, SqlState::TOO_MANY_CONNECTIONS];
    match connect_retry {
        ConnectRetry::FailFast => error.sqlstate().is_some_and(|code| passing.contains(code)),
        ConnectRetry::ServerRestarting => error.is_transient(),
    }
}

/// Has the server check the statement, export the snapshot and list the shards.
pub async fn preflight(connection: Connection, plan: &Plan) -> Result<Preflight, Error> {
    preflight_in(Ok(None), connection, plan).await
}

/// The same in a transaction that may be open already.
pub async fn preflight_in(
    open: Result<Option<OpenTransaction>, FanoutError>,
    connection: Connection,
    plan: &Plan,
) -> Result<Preflight, Error> {
    let taken = async { Preflight::take(connection, plan, open?).await };
    taken.await.map_err(|error| match error {
        FanoutError::NotAQuery if Verb::of(&plan.statement) == Verb::Reads => Error::NoColumns,
        FanoutError::NotAQuery => Error::NotAQuery {
            taken: plan.transfer.taken(),
        },
        other => Error::fanout(other, &plan.statement),
    })
}

/// The shards of the database. If there are none, the error names databases that have some.
pub async fn topology(
    preflight: &Preflight,
    layout: &Layout,
    settings: &Settings,
) -> Result<Topology, Error> {
    if let Some(topology) = Topology::new(preflight.shards.clone(), layout) {
        return Ok(topology);
    }
    if let Some(schemas) = layout.schemas_from() {
        let listed = Ranges::of(schemas.list().shards()).brief();
        return Err(TopologyError::NoneExists(listed).into());
    }
    let connection = preflight.session.connection();
    let schemas = sql_template::fill(include_str!("../../sql/session/schemas.sql"), &[]);
    Err(Error::NoShards(Box::new(NoShards {
        database: settings.database().to_owned(),
        layout: layout.clone(),
        look_alikes: preflight.shards.look_alikes.clone(),
        guesses: guess::layouts(&other_databases::column(connection, &schemas).await),
        others: other_databases::databases_with(
            layout,
            &shards_sql(layout, None),
            connection,
            settings,
        )
        .await,
    })))
}

/// What the summary states of where a database is.
pub fn location(server: &ConnectionPool) -> Location {
    Location {
        label: server.settings().label().cloned(),
        database: server.settings().database().to_owned(),
        host: server.host().cloned(),
    }
}

/// At most one connection per shard. Only one if tables are locked before the snapshot: a session
/// that waits to rewrite such a table would block our other connections and wait for the one that
/// holds the lock.
///
/// Where there are several databases, keys may be in any of them.
pub fn connections(wanted: usize, args: &ShardArgs, plan: &Plan, targets: &Targets) -> usize {
    if !plan.lock.is_empty() {
        return 1;
    }
    if targets.databases.len() > 1 && !plan.filter.keys.is_empty() {
        return wanted;
    }
    let shards = match &plan.filter.listed {
        _ if !args.origin.is_empty() => args.origin.len(),
        _ if !plan.filter.keys.is_empty() => plan.filter.keys.len(),
        Some(list) => list.count(),
        None => usize::MAX,
    };
    wanted.min(shards)
}

/// The plan in the form that COPY accepts, parsed by the server. A final semicolon in front of a
/// comment is located by the server's parser, which alone can tell it from one in a string.
pub async fn prepare_copy(session: &mut Session, plan: &Plan) -> Result<Plan, Error> {
    let refused = match session.prepare(plan).await {
        Ok(()) => return Ok(plan.clone()),
        Err(refused) => refused,
    };
    let statement = match &refused {
        FanoutError::NotCopied(report) => report
            .position
            .and_then(|position| plan.statement.before_semicolon(position)),
        _ => None,
    };
    let Some(statement) = statement else {
        return Err(Error::fanout(refused, &plan.statement));
    };
    let plan = Plan {
        statement,
        ..plan.clone()
    };
    // A lost connection is reported by the next statement.
    let _ = session.recover().await;
    match session.prepare(&plan).await {
        Ok(()) => Ok(plan),
        Err(error) => Err(Error::fanout(error, &plan.statement)),
    }
}

/// Server and snapshot, as the manifest records them.
pub async fn fetch_server_info(session: &Session, plan: &Plan) -> Result<ServerInfo, Error> {
    use tokio_postgres::SimpleQueryMessage::Row;
    let sql = format!(
        "{};\n{}",
        sql_template::fill(include_str!("../../sql/session/server_info.sql"), &[]),
        sql_template::fill(
            include_str!("../../sql/export/shard_rows.sql"),
            &[("is_shard", &plan.layout.condition())]
        )
    );
    let client = session.connection();
    let messages = client
        .simple_query(&sql)
        .await
        .map_err(|error| Error::Fanout(FanoutError::setup_failed(&error)))?;
    let mut rows = messages.iter().filter_map(|message| match message {
        Row(row) => Some(row),
        _ => None,
    });
    let mut found = ServerInfo {
        host: session.connection().host().cloned(),
        ..ServerInfo::default()
    };
    if let Some(row) = rows.next() {
        let text = |index| row.get(index).unwrap_or_default().to_owned();
        found.version = text(0);
        found.user = text(1);
        found.snapshot = session.snapshot().map(|id| SnapshotRecord {
            id: id.to_owned(),
            transactions: text(2),
            taken: text(3),
            wal_position: row.get(4).map(str::to_owned),
        });
        found.settings = [("TimeZone", text(5)), ("lc_monetary", text(6))]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
    }
    found.shard_rows = rows
        .filter_map(|row| Some((plan.layout.shard(row.get(0)?)?, row.get(1)?.parse().ok()?)))
        .collect();
    Ok(found)
}
