//! A connection inside the run's transaction, at the run's instant.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use futures::StreamExt;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream, Statement};

use super::FanoutError;
use super::flight::Flight;
use crate::plan::{Plan, Turn};
use crate::server::{Connection, Report};
use crate::transfer::Transfer;

/// The answer to one message.
pub type Answers = Pin<Box<SimpleQueryStream>>;

/// One connection, in its transaction. Dropping it closes both.
pub struct Session {
    connection: Connection,
    /// The answer to what opens the transaction, until it was read.
    opening: Option<Answers>,
    snapshot: Option<String>,
    copy: Option<Copy>,
}

/// A COPY that the server has parsed: it serves every turn of the session.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    pub statement: Statement,
    /// Characters in front of the user's statement.
    pub offset: usize,
}

impl Session {
    /// A connection whose transaction a survey opened.
    pub(crate) fn surveyed(connection: Connection, snapshot: Option<String>) -> Self {
        Self {
            connection,
            opening: None,
            snapshot,
            copy: None,
        }
    }

    /// Sends what opens the transaction at `snapshot`. The first turns can be sent
    /// right behind it, which saves a round trip: if it fails, so do they.
    pub async fn join(
        connection: Connection,
        plan: &Plan,
        snapshot: Option<&str>,
    ) -> Result<Self, tokio_postgres::Error> {
        let mut session = Self::surveyed(connection, snapshot.map(str::to_owned));
        session.opening = Some(session.send(&plan.join(snapshot)).await?);
        session.copy = prepared(&session.connection, plan).await?;
        Ok(session)
    }

    /// Has the server parse the COPY, if the plan is to copy.
    ///
    /// # Errors
    /// If the statement is one that COPY does not take.
    pub(crate) async fn prepare(&mut self, plan: &Plan) -> Result<(), FanoutError> {
        let offset = plan
            .transfer
            .copying()
            .map_or(0, |copying| plan.copy(copying).offset);
        self.copy =
            prepared(&self.connection, plan)
                .await
                .map_err(|error| match error.as_db_error() {
                    Some(report) if !Report::is_fatal(report) => {
                        FanoutError::NotCopied(Report::new(report, offset))
                    }
                    _ => FanoutError::opening(&error),
                })?;
        Ok(())
    }

    pub(super) fn copy(&self) -> Option<&Copy> {
        self.copy.as_ref()
    }

    /// Waits until the transaction is open. The first time, the snapshot's name is
    /// what the others have to know.
    pub async fn opened(&mut self) -> Result<Option<&str>, FanoutError> {
        let Some(opening) = &mut self.opening else {
            return Ok(None);
        };
        let mut first = None;
        while let Some(message) = opening.next().await {
            match message.map_err(|error| FanoutError::opening(&error))? {
                SimpleQueryMessage::Row(row) if first.is_none() => {
                    first = row.get(0).map(str::to_owned);
                }
                _ => {}
            }
        }
        self.opening = None;
        // Its own name for the snapshot that it took, if it took one; what the
        // settings return comes behind it.
        self.snapshot = self.snapshot.take().and(first);
        Ok(self.snapshot.as_deref())
    }

    /// The name under which this session's snapshot can be taken by others.
    pub fn snapshot(&self) -> Option<&str> {
        self.snapshot.as_deref()
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Sends a message; does not wait for its answer.
    pub async fn send(&self, sql: &str) -> Result<Answers, tokio_postgres::Error> {
        let answers = self.connection.client().simple_query_raw(sql).await?;
        Ok(Box::pin(answers))
    }

    /// Takes the transaction up again after a turn that failed.
    pub async fn recover(&self) -> Result<(), tokio_postgres::Error> {
        // Its answer tells nothing that the next turn's does not.
        self.send(&Plan::recover()).await.map(drop)
    }

    /// Cancels what runs, and returns when all that was sent is answered.
    ///
    /// One cancel request would do, since a turn that fails takes all behind it
    /// along; but the server drops one that arrives between two messages.
    ///
    /// A run can be stopped before the session's own opening was read: unread, that
    /// would hold up all answers behind it, and this would never return.
    pub(super) async fn cancel(&mut self, flying: impl Iterator<Item = Flight>) {
        const BETWEEN_REQUESTS: std::time::Duration = std::time::Duration::from_millis(50);
        self.opening = None;
        let drained = async {
            for flight in flying {
                flight.drain().await;
            }
        };
        tokio::pin!(drained);
        loop {
            // A server that cannot be reached any more has lost us as well.
            let reached = self.connection.cancel().await.is_ok();
            tokio::select! {
                () = &mut drained => return,
                () = tokio::time::sleep(BETWEEN_REQUESTS) => if !reached { return },
            }
        }
    }
}

/// Unlike a query, a COPY is analysed each time it runs and not when it is parsed, so
/// that one serves every `search_path`.
async fn prepared(
    connection: &Connection,
    plan: &Plan,
) -> Result<Option<Copy>, tokio_postgres::Error> {
    let Transfer::Copy(copying) = &plan.transfer else {
        return Ok(None);
    };
    let Turn { sql, offset } = plan.copy(copying);
    let statement = connection.client().prepare(&sql).await?;
    Ok(Some(Copy { statement, offset }))
}

/// The names under which the run's instant can be had, by lane.
#[derive(Debug, Default)]
pub(super) struct Snapshots(Mutex<Vec<(usize, String)>>);

impl Snapshots {
    pub fn add(&self, lane: usize, snapshot: Option<&str>) {
        if let Some(snapshot) = snapshot {
            self.list().push((lane, snapshot.to_owned()));
        }
    }

    pub fn remove(&self, lane: usize) {
        self.list().retain(|(owner, _)| *owner != lane);
    }

    pub fn any(&self) -> Option<String> {
        self.list().first().map(|(_, snapshot)| snapshot.clone())
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<(usize, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
