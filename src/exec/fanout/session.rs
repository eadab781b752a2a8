//! A connection inside the run's transaction, at the run's snapshot.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures::StreamExt;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream, Statement};

use super::FanoutError;
use crate::client::{Connection, Expected, Sent, ServerError};
use crate::exec::copy::ResultProtocol;
use crate::exec::plan::{ChildTables, Plan, ShardSql};
use crate::sharding::shard::Shard;

/// The response to one message.
pub type ResponseStream = Pin<Box<SimpleQueryStream>>;

/// A connection and its transaction. Dropping it closes both.
pub struct Session {
    connection: Connection,
    /// The responses to the opening messages, until they were read.
    opening: Option<Opening>,
    snapshot: Option<String>,
    copy: Option<PreparedCopy>,
    route: ConnectionRoute,
    child_tables: ChildTables,
}

/// The snapshot that the first session exported.
#[derive(Debug)]
pub(crate) struct Exported {
    pub name: String,
    /// The server process that holds it.
    pub process_id: i32,
    pub child_tables: ChildTables,
}

/// Whether a pooler may be in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionRoute {
    /// No pooler: the session is ready once its connection is open.
    Direct,
    /// Perhaps a pooler, in whose queue the session may wait for another to end.
    Queued,
}

/// The responses arrive in this order, split anywhere. Waiting for the second while the first is
/// unread would never end.
struct Opening {
    opened: ResponseStream,
    /// A `Mutex` only because a session must be `Sync` and a boxed future is not; never contended.
    parsed: Mutex<Option<Parsing>>,
}

/// A COPY being prepared.
struct Parsing {
    parsed: Sent<Statement>,
    sql: Arc<str>,
    offset: usize,
}

/// A prepared COPY, which serves every task of the session.
#[derive(Debug, Clone)]
pub(super) struct PreparedCopy {
    pub statement: Statement,
    pub sql: Arc<str>,
    /// Characters in front of the user's statement.
    pub offset: usize,
}

impl Session {
    /// A connection whose transaction the preflight opened.
    pub(crate) fn after_preflight(connection: Connection, snapshot: Option<Exported>) -> Self {
        connection.wire().stop_counting();
        let served_by = snapshot.as_ref().map(|snapshot| snapshot.process_id);
        let child_tables = snapshot.as_ref().map(|snapshot| snapshot.child_tables);
        let child_tables = child_tables.unwrap_or(ChildTables::Absent);
        let is_direct = served_by.is_some() && served_by == connection.process_id();
        Self {
            connection,
            opening: None,
            snapshot: snapshot.map(|snapshot| snapshot.name),
            copy: None,
            child_tables,
            route: if is_direct {
                ConnectionRoute::Direct
            } else {
                ConnectionRoute::Queued
            },
        }
    }

    /// Sends the messages that open the transaction at `snapshot`, without waiting for the
    /// responses. If one fails, so does everything sent after it.
    pub async fn join(
        connection: Connection,
        plan: &Plan,
        snapshot: Option<&str>,
    ) -> Result<Self, tokio_postgres::Error> {
        connection.wait_at_most(plan.limits.patience_at_first());
        connection.begin_transaction();
        let mut session = Self {
            snapshot: snapshot.map(str::to_owned),
            ..Self::after_preflight(connection, None)
        };
        let opened = session.send(&plan.join(snapshot)).await?;
        let parsed = match parsing(&session.connection, plan) {
            Some(mut parsing) => {
                if let Poll::Ready(parsed) = futures::poll!(&mut parsing.parsed) {
                    parsing.parsed = Box::pin(std::future::ready(parsed));
                }
                Some(parsing)
            }
            None => None,
        };
        session.opening = Some(Opening {
            opened,
            parsed: Mutex::new(parsed),
        });
        Ok(session)
    }

    /// Prepares the COPY, if the plan uses COPY.
    ///
    /// # Errors
    /// COPY does not support the statement.
    pub(crate) async fn prepare(&mut self, plan: &Plan) -> Result<(), FanoutError> {
        let Some(Parsing {
            parsed,
            sql,
            offset,
        }) = parsing(&self.connection, plan)
        else {
            return Ok(());
        };
        let statement = parsed.await.map_err(|error| match error.as_db_error() {
            Some(report) if !ServerError::is_fatal(report) => {
                FanoutError::NotCopied(ServerError::new(report, offset))
            }
            _ => FanoutError::setup_failed(&error),
        })?;
        self.copy = Some(PreparedCopy {
            statement,
            sql,
            offset,
        });
        Ok(())
    }

    /// Whether the responses to the opening messages are still unread.
    pub(super) fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    /// From now on, the server may take as long as the plan allows.
    pub(super) fn begin_tasks(&self, plan: &Plan) {
        self.connection.wait_at_most(plan.limits.patience());
    }

    pub(super) fn copy(&self) -> Option<&PreparedCopy> {
        self.copy.as_ref()
    }

    /// Waits until the transaction is open. The first call returns the snapshot's name, which other
    /// workers need.
    pub async fn opened(&mut self) -> Result<Option<&str>, FanoutError> {
        let Some(opening) = &mut self.opening else {
            return Ok(None);
        };
        let mut first = None;
        while let Some(message) = opening.opened.next().await {
            match message.map_err(|error| FanoutError::setup_failed(&error))? {
                SimpleQueryMessage::Row(row) if first.is_none() => {
                    first = row.get(0).map(str::to_owned);
                }
                _ => {}
            }
        }
        let parsing = opening
            .parsed
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(Parsing {
            parsed,
            sql,
            offset,
        }) = parsing.take()
        {
            let statement = parsed
                .await
                .map_err(|error| FanoutError::setup_failed(&error))?;
            self.copy = Some(PreparedCopy {
                statement,
                sql,
                offset,
            });
        }
        self.opening = None;
        // This session's own name for the snapshot that it imported, if any; rows from the settings
        // come after it.
        self.snapshot = self.snapshot.take().and(first);
        Ok(self.snapshot.as_deref())
    }

    pub fn child_tables(&self) -> ChildTables {
        self.child_tables
    }

    pub(super) fn route(&self) -> ConnectionRoute {
        self.route
    }

    /// The name under which others can import this session's snapshot.
    pub fn snapshot(&self) -> Option<&str> {
        self.snapshot.as_deref()
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Sends a message without waiting for the response.
    pub async fn send(&self, sql: &str) -> Result<ResponseStream, tokio_postgres::Error> {
        self.connection.wire().ask_between();
        self.send_uncounted(sql).await
    }

    async fn send_uncounted(&self, sql: &str) -> Result<ResponseStream, tokio_postgres::Error> {
        let answers = self.connection.simple_query_raw(sql).await?;
        Ok(Box::pin(answers))
    }

    /// Sends a message of a shard's task without waiting for the response.
    pub(super) async fn send_for(
        &self,
        shard: Shard,
        task: &ShardSql,
    ) -> Result<ResponseStream, tokio_postgres::Error> {
        self.expect(shard, task.offset).await?;
        self.send_uncounted(&task.sql).await
    }

    /// Notes which shard the next message is for, so that notices are assigned to it
    /// (`client/wire.rs`).
    pub(super) async fn expect(
        &self,
        shard: Shard,
        offset: usize,
    ) -> Result<(), tokio_postgres::Error> {
        if self.connection.wire().expect(Expected { shard, offset }) {
            // Only the wire uses its response.
            self.send_uncounted("").await?;
        }
        Ok(())
    }

    /// Called when the next messages are not only for shards.
    pub(super) fn stop_counting(&self) {
        self.connection.wire().stop_counting();
    }

    /// Makes the transaction usable again after a failed task.
    pub async fn recover(&self) -> Result<(), tokio_postgres::Error> {
        // Its response shows nothing that the next task's does not.
        self.send(&Plan::recover()).await.map(drop)
    }

    /// Cancels what runs. Returns when everything sent is answered (`drained`), or after the
    /// closing deadline. A task that fails takes all behind it along.
    ///
    /// The run can stop before the opening responses were read; left unread, they would block all
    /// responses after them.
    pub(super) async fn cancel(&mut self, drained: impl Future<Output = ()>) {
        self.opening = None;
        self.connection.cancel_until(drained).await;
    }

    /// Ends the transaction, then closes the connection: a pooler discards a server connection that
    /// is closed in the middle of a transaction.
    pub(crate) async fn close(self) {
        // The response does not matter. The connection closes after it.
        self.connection.mark_done();
        self.connection.end_transaction();
        let _ = self.send("ROLLBACK").await;
    }

    /// Closes a connection that is no longer usable, at once.
    pub(super) fn discard(self) {
        self.connection.discard();
    }
}

/// Unlike a query, a COPY is analyzed each time it runs rather than when it is prepared, so one
/// serves every `search_path`.
fn parsing(connection: &Connection, plan: &Plan) -> Option<Parsing> {
    let ResultProtocol::Copy(copying) = &plan.transfer else {
        return None;
    };
    let ShardSql { sql, offset } = plan.copy(copying);
    Some(Parsing {
        sql: sql.as_str().into(),
        parsed: connection.prepare(sql),
        offset,
    })
}

/// The names under which the run's snapshot can be imported, by worker.
#[derive(Debug, Default)]
pub(super) struct SnapshotRegistry(Mutex<Vec<(usize, String)>>);

impl SnapshotRegistry {
    pub fn add(&self, lane: usize, snapshot: Option<&str>) {
        if let Some(snapshot) = snapshot {
            self.list().push((lane, snapshot.to_owned()));
        }
    }

    pub fn remove(&self, lane: usize) {
        self.list().retain(|(owner, _)| *owner != lane);
    }

    /// Removes a snapshot that turned out to be lost.
    pub fn forget(&self, gone: Option<&str>) {
        self.list().retain(|(_, name)| Some(name.as_str()) != gone);
    }

    pub fn any(&self) -> Option<String> {
        self.list().first().map(|(_, snapshot)| snapshot.clone())
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<(usize, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
