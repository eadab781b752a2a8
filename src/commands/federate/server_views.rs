//! The views of `--remote-views` on the servers: reads them, and makes them what the hub needs, each
//! server in a transaction of its own.

use futures::future::try_join_all;

use super::hub::{HubSession, read as rows_of, settings};
use super::request::{Action, HubRequest};
use crate::client::{Connection, ConnectionPool};
use crate::commands::databases;
use crate::commands::error::Error;
use crate::commands::inspect::error::InspectError;
use crate::commands::inspect::statement::rows;
use crate::commands::interruptible;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::config::Settings;
use crate::global::federation::{
    Change, ExistingViews, FederationError, Wanted, server_name, server_script, views_difference,
};
use crate::terminal::console::Console;

const VIEWS: &str = include_str!("../../../sql/federation/server_views.sql");

/// What a server has.
pub struct ServerViews {
    server: String,
    settings: Settings,
    existing: ExistingViews,
}

/// What to do on a server.
pub struct ServerWork {
    pub server: String,
    /// The hub's name there.
    hub: String,
    settings: Settings,
    statements: Vec<String>,
    changes: usize,
}

/// A server in the transaction in which its views were changed.
struct Writer<'a> {
    work: &'a ServerWork,
    pool: ConnectionPool,
    connection: Connection,
}

/// Transactions on the servers that are not committed yet.
pub struct Writers<'a>(Vec<Writer<'a>>);

/// Reads all databases, also those whose shards are gone.
pub async fn read(
    request: &HubRequest,
    prepared: &databases::Prepared,
) -> Result<Vec<ServerViews>, Error> {
    let all = prepared.databases.iter().map(|database| async {
        let connection = database.preflight.session.connection();
        rows(connection, &settings(request.limits)).await?;
        Ok::<_, Error>(ServerViews {
            server: server_name(&database.target.place()),
            settings: database.target.settings.clone(),
            existing: ExistingViews::of_rows(&rows_of(connection, VIEWS).await?),
        })
    });
    try_join_all(all).await
}

/// How the views differ from what the hub needs, and what to do about it.
pub async fn compare(
    hub: &HubSession,
    found: Vec<ServerViews>,
    wanted: Option<&Wanted>,
) -> Result<(Vec<Change>, Vec<ServerWork>), Error> {
    let unions = wanted.map_or(&[][..], |wanted| &wanted.unions);
    let identity = hub.identity().await?;
    let (mut changes, mut works) = (Vec::new(), Vec::new());
    for views in found {
        let found = views_difference(&identity, &views.server, unions, &views.existing)?;
        if !found.statements.is_empty() {
            works.push(ServerWork {
                server: views.server,
                hub: identity.clone(),
                settings: views.settings,
                statements: found.statements,
                changes: found.changes.len(),
            });
        }
        changes.extend(found.changes);
    }
    Ok((changes, works))
}

impl ServerWork {
    pub fn script(&self) -> String {
        let conninfo = self.settings.conninfo_of_client();
        server_script(&self.server, &conninfo, &self.statements)
    }

    /// Before anything is written.
    pub fn say(&self, action: Action, console: &mut Console) {
        let verb = match action {
            Action::Drop => "removes",
            Action::Refresh => "changes",
            _ => "creates",
        };
        let plural = if self.changes == 1 { "" } else { "s" };
        console.note(&format!(
            "shardq: {verb} {} view{plural} in schema shardq_federation on {}",
            self.changes, self.server
        ));
    }
}

impl<'a> Writers<'a> {
    /// Runs the statements on all servers. `None` if interrupted.
    pub async fn begin(
        request: &HubRequest,
        works: &'a [ServerWork],
        console: &mut Console,
    ) -> Result<Option<Self>, Error> {
        let mut writers = Self(Vec::new());
        for work in works {
            work.say(request.action, console);
            match Writer::begin(request, work, console).await {
                Ok(Some(writer)) => writers.0.push(writer),
                stopped => {
                    writers.close().await;
                    return stopped.map(|_| None);
                }
            }
        }
        Ok(Some(writers))
    }

    pub async fn commit(&self) -> Result<(), Error> {
        for Writer { connection, .. } in &self.0 {
            rows(connection, "COMMIT").await?;
        }
        Ok(())
    }

    /// Removes what was committed, for a hub that was not made after all.
    pub async fn undo(&self, request: &HubRequest) -> Result<(), Error> {
        for Writer {
            work, connection, ..
        } in &self.0
        {
            let begin = format!("BEGIN;\n{}", settings(request.limits));
            rows(connection, &begin).await?;
            let existing = ExistingViews::of_rows(&rows_of(connection, VIEWS).await?);
            let removal = views_difference(&work.hub, &work.server, &[], &existing)?;
            rows(connection, &removal.statements.join(";\n")).await?;
            rows(connection, "COMMIT").await?;
        }
        Ok(())
    }

    /// Rolls back what is not committed.
    pub async fn close(self) {
        for writer in self.0 {
            writer.connection.mark_done();
            drop(writer.connection);
            writer.pool.close().await;
        }
    }
}

impl<'a> Writer<'a> {
    async fn begin(
        request: &HubRequest,
        work: &'a ServerWork,
        console: &mut Console,
    ) -> Result<Option<Self>, Error> {
        let retry = ConnectRetry::FailFast;
        let opened = tokio::select! {
            opened = session_setup::open(&work.settings, 1, retry, console) => opened?,
            () = request.interrupt.requested() => return Ok(None),
        };
        let (pool, connection) = (opened.server, opened.first);
        connection.mark_busy();
        connection.wait_at_most(request.limits.patience());
        let statements = work.statements.join(";\n");
        let sql = format!("BEGIN;\n{};\n{statements}", settings(request.limits));
        let running = async {
            match rows(&connection, &sql).await {
                Err(InspectError::Server(report)) => {
                    let reason = InspectError::Server(report).to_string();
                    Err(Error::from(FederationError::NotWritable {
                        server: work.server.clone(),
                        reason: reason.trim_end().to_owned(),
                    }))
                }
                done => Ok(done.map(drop)?),
            }
        };
        let ran = interruptible::run(&pool, &request.interrupt, running).await;
        match ran {
            Ok(Some(())) => Ok(Some(Self {
                work,
                pool,
                connection,
            })),
            stopped => {
                connection.mark_done();
                drop(connection);
                pool.close().await;
                stopped.map(|_| None)
            }
        }
    }
}
