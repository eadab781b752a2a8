//! The session on the hub: one transaction, in which everything is read and changed.

use crate::client::{Connection, ConnectionPool};
use crate::commands::error::Error;
use crate::commands::inspect::statement::{TextRow, rows};
use crate::commands::interruptible;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::exec::plan::Timeouts;
use crate::global::federation::{Existing, Hub};
use crate::pg::sql_template;
use crate::terminal::console::Console;

use super::request::{Action, HubRequest};

pub struct HubSession {
    pub pool: ConnectionPool,
    pub connection: Connection,
    pub facts: Hub,
    /// What an earlier run made there.
    pub existing: Existing,
}

impl HubSession {
    /// Connects, begins the transaction and reads the hub. `None` if interrupted.
    pub async fn open(request: &HubRequest, console: &mut Console) -> Result<Option<Self>, Error> {
        let opened = tokio::select! {
            opened = session_setup::open(&request.hub, 1, ConnectRetry::FailFast, console) => opened?,
            () = request.interrupt.requested() => return Ok(None),
        };
        let (pool, connection) = (opened.server, opened.first);
        connection.mark_busy();
        connection.wait_at_most(request.limits.patience());
        let work = async {
            let begin = match request.action {
                Action::DryRun | Action::Check => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                _ => "BEGIN",
            };
            let settings = settings(request.limits);
            rows(&connection, &format!("{begin};\n{settings}")).await?;
            let facts = facts(&connection).await?;
            let objects = include_str!("../../../sql/federation/objects.sql");
            let objects = read(&connection, objects).await?;
            Ok((facts, Existing::of_rows(&objects)))
        };
        let found = interruptible::run(&pool, &request.interrupt, work).await?;
        Ok(found.map(|(facts, existing)| Self {
            pool,
            connection,
            facts,
            existing,
        }))
    }

    /// As messages call it.
    pub fn place(&self) -> String {
        self.pool.settings().to_string()
    }

    pub async fn close(self) {
        self.connection.mark_done();
        drop(self.connection);
        self.pool.close().await;
    }
}

/// What a session of a federation begins with, here and on the servers.
pub fn settings(limits: Timeouts) -> String {
    let milliseconds = |limit: std::time::Duration| limit.as_millis().to_string();
    let statement_timeout = milliseconds(limits.statement_timeout);
    let lock_timeout = milliseconds(limits.lock_timeout);
    sql_template::fill(
        include_str!("../../../sql/federation/settings.sql"),
        &[
            ("statement_timeout", &statement_timeout),
            ("lock_timeout", &lock_timeout),
        ],
    )
}

/// The rows of a statement of `sql/` without placeholders.
pub async fn read(connection: &Connection, template: &str) -> Result<Vec<TextRow>, Error> {
    Ok(rows(connection, &sql_template::fill(template, &[])).await?)
}

/// The first two columns.
pub fn pairs<T: FromIterator<(String, String)>>(rows: Vec<TextRow>) -> T {
    let pairs = rows.into_iter().filter_map(|row| {
        let mut row = row.into_iter();
        Some((row.next()??, row.next()??))
    });
    pairs.collect()
}

async fn facts(connection: &Connection) -> Result<Hub, Error> {
    let about = read(connection, include_str!("../../../sql/federation/hub.sql")).await?;
    let about = about.into_iter().next().unwrap_or_default();
    let value = |index: usize| about.get(index).cloned().flatten().unwrap_or_default();
    let settings = include_str!("../../../sql/global/likeness.sql");
    let extensions = include_str!("../../../sql/federation/extensions.sql");
    let collations = include_str!("../../../sql/federation/collations.sql");
    Ok(Hub {
        version: value(0).parse().unwrap_or_default(),
        role: value(1),
        is_superuser: value(2) == "on",
        has_postgres_fdw: value(3) == "t",
        settings: pairs(read(connection, settings).await?),
        extensions: pairs(read(connection, extensions).await?),
        collations: pairs(read(connection, collations).await?),
    })
}
