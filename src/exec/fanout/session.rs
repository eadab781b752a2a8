//! A connection inside the run's transaction, at the run's instant.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use futures::StreamExt;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream, Statement};

use super::FanoutError;
use crate::client::{Connection, Expected, Sent, ServerError};
use crate::exec::copy::ResultProtocol;
use crate::exec::plan::{Partitioning, Plan, ShardSql};
use crate::sharding::shard::Shard;

/// The answer to one message.
pub type ResponseStream = Pin<Box<SimpleQueryStream>>;

/// One connection, in its transaction. Dropping it closes both.
pub struct Session {
    connection: Connection,
    /// The answers to what opens the transaction, until they were read.
    opening: Option<Opening>,
    snapshot: Option<String>,
    copy: Option<PreparedCopy>,
    route: ConnectionRoute,
    partitioning: Partitioning,
}

/// A snapshot that the first session exported.
#[derive(Debug)]
pub(crate) struct Exported {
    pub name: String,
    /// Whose it is.
    pub process_id: i32,
    pub partitioning: Partitioning,
}

/// What is between us and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionRoute {
    /// Nothing: a session stands as soon as its connection does.
    Direct,
    /// A pooler, maybe, in whose queue a session may wait for another to end.
    Queued,
}

/// They come in this order, and in as many pieces as the network likes: to wait for the
/// second while the first is unread is to wait for ever.
struct Opening {
    opened: ResponseStream,
    /// Locked by nobody: a session is shared, which a future that waits is not.
    parsed: Mutex<Option<Parsing>>,
}

/// A COPY that the server is to parse.
struct Parsing {
    parsed: Sent<Statement>,
    offset: usize,
}

/// A COPY that the server has parsed: it serves every turn of the session.
#[derive(Debug, Clone)]
pub(super) struct PreparedCopy {
    pub statement: Statement,
    /// Characters in front of the user's statement.
    pub offset: usize,
}

impl Session {
    /// A connection whose transaction a survey opened.
    pub(crate) fn surveyed(connection: Connection, snapshot: Option<Exported>) -> Self {
        connection.wire().stop_counting();
        let served_by = snapshot.as_ref().map(|snapshot| snapshot.process_id);
        let partitioning = snapshot.as_ref().map(|snapshot| snapshot.partitioning);
        let partitioning = partitioning.unwrap_or(Partitioning::Unused);
        let is_direct = served_by.is_some() && served_by == connection.process_id();
        Self {
            connection,
            opening: None,
            snapshot: snapshot.map(|snapshot| snapshot.name),
            copy: None,
            partitioning,
            route: if is_direct {
                ConnectionRoute::Direct
            } else {
                ConnectionRoute::Queued
            },
        }
    }

    /// Sends what opens the transaction at `snapshot`, and waits for nothing. If it
    /// fails, so does all that is sent behind it.
    pub async fn join(
        connection: Connection,
        plan: &Plan,
        snapshot: Option<&str>,
    ) -> Result<Self, tokio_postgres::Error> {
        connection.wait_at_most(plan.limits.patience_at_first());
        let mut session = Self {
            snapshot: snapshot.map(str::to_owned),
            ..Self::surveyed(connection, None)
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

    /// Has the server parse the COPY, if the plan is to copy.
    ///
    /// # Errors
    /// If the statement is one that COPY does not take.
    pub(crate) async fn prepare(&mut self, plan: &Plan) -> Result<(), FanoutError> {
        let Some(Parsing { parsed, offset }) = parsing(&self.connection, plan) else {
            return Ok(());
        };
        let statement = parsed.await.map_err(|error| match error.as_db_error() {
            Some(report) if !ServerError::is_fatal(report) => {
                FanoutError::NotCopied(ServerError::new(report, offset))
            }
            _ => FanoutError::setup_failed(&error),
        })?;
        self.copy = Some(PreparedCopy { statement, offset });
        Ok(())
    }

    /// Whether the answer to what opened it was not read yet.
    pub(super) fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    /// What comes now may take the server as long as the plan lets it.
    pub(super) fn begin_turns(&self, plan: &Plan) {
        self.connection.wait_at_most(plan.limits.patience());
    }

    pub(super) fn copy(&self) -> Option<&PreparedCopy> {
        self.copy.as_ref()
    }

    /// Waits until the transaction is open. The first time, the snapshot's name is
    /// what the others have to know.
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
        if let Some(Parsing { parsed, offset }) = parsing.take() {
            let statement = parsed
                .await
                .map_err(|error| FanoutError::setup_failed(&error))?;
            self.copy = Some(PreparedCopy { statement, offset });
        }
        self.opening = None;
        // Its own name for the snapshot that it took, if it took one; what the
        // settings return comes behind it.
        self.snapshot = self.snapshot.take().and(first);
        Ok(self.snapshot.as_deref())
    }

    pub(super) fn partitioning(&self) -> Partitioning {
        self.partitioning
    }

    pub(super) fn route(&self) -> ConnectionRoute {
        self.route
    }

    /// The name under which this session's snapshot can be taken by others.
    pub fn snapshot(&self) -> Option<&str> {
        self.snapshot.as_deref()
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Sends a message; does not wait for its answer.
    pub async fn send(&self, sql: &str) -> Result<ResponseStream, tokio_postgres::Error> {
        self.connection.wire().ask_between();
        self.send_uncounted(sql).await
    }

    async fn send_uncounted(&self, sql: &str) -> Result<ResponseStream, tokio_postgres::Error> {
        let answers = self.connection.client().simple_query_raw(sql).await?;
        Ok(Box::pin(answers))
    }

    /// Sends a message of a shard's turn; does not wait for its answer.
    pub(super) async fn send_for(
        &self,
        shard: Shard,
        turn: &ShardSql,
    ) -> Result<ResponseStream, tokio_postgres::Error> {
        self.ask(shard, turn.offset).await?;
        self.send_uncounted(&turn.sql).await
    }

    /// Notes that the next message is of a shard's turn, so that what the server says
    /// beside its answer is known to be that shard's: [`crate::client::Wire`].
    pub(super) async fn ask(
        &self,
        shard: Shard,
        offset: usize,
    ) -> Result<(), tokio_postgres::Error> {
        if self.connection.wire().ask(Expected { shard, offset }) {
            // Its answer is for the wire alone.
            self.send_uncounted("").await?;
        }
        Ok(())
    }

    /// What follows is not turns alone.
    pub(super) fn stop_counting(&self) {
        self.connection.wire().stop_counting();
    }

    /// Takes the transaction up again after a turn that failed.
    pub async fn recover(&self) -> Result<(), tokio_postgres::Error> {
        // Its answer tells nothing that the next turn's does not.
        self.send(&Plan::recover()).await.map(drop)
    }

    /// Cancels what runs, and returns when all that was sent is answered (`drained`), or
    /// when that takes too long. A turn that fails takes all behind it along.
    ///
    /// A run can be stopped before the session's own opening was read: unread, that
    /// would hold up all answers behind it.
    pub(super) async fn cancel(&mut self, drained: impl Future<Output = ()>) {
        self.opening = None;
        self.connection.cancel_until(drained).await;
    }

    /// Ends the transaction and closes the connection, in good order: a pooler would
    /// not give one to others that is closed in the middle of a transaction.
    pub(super) async fn close(self) {
        // Its answer tells nothing. The connection closes behind it.
        self.connection.mark_done();
        let _ = self.send("ROLLBACK").await;
    }

    /// Closes a connection that is of no use any more, at once.
    pub(super) fn discard(self) {
        self.connection.discard();
    }
}

/// Unlike a query, a COPY is analysed each time it runs and not when it is parsed, so
/// that one serves every `search_path`.
fn parsing(connection: &Connection, plan: &Plan) -> Option<Parsing> {
    let ResultProtocol::Copy(copying) = &plan.transfer else {
        return None;
    };
    let ShardSql { sql, offset } = plan.copy(copying);
    Some(Parsing {
        parsed: connection.prepare(sql),
        offset,
    })
}

/// The names under which the run's instant can be had, by lane.
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

    /// One that turned out to be gone.
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
