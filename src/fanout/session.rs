//! A connection inside the run's transaction, at the run's instant.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream, Statement};

use super::FanoutError;
use super::flight::Flight;
use crate::plan::{Instant, Plan, Turn};
use crate::server::{Connection, Report};
use crate::transfer::Transfer;

/// The answer to one message.
pub type Answers = Pin<Box<SimpleQueryStream>>;

/// One connection, in its transaction. Dropping it closes both.
pub struct Session {
    connection: Connection,
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
    pub(super) fn surveyed(connection: Connection, snapshot: Option<String>) -> Self {
        Self {
            connection,
            snapshot,
            copy: None,
        }
    }

    /// Opens the transaction at `snapshot` on a connection.
    pub async fn join(
        connection: Connection,
        plan: &Plan,
        snapshot: Option<&str>,
    ) -> Result<Self, FanoutError> {
        let join = plan.join(snapshot);
        let (joined, copy) = futures::join!(
            connection.client().simple_query(&join),
            prepared(&connection, plan)
        );
        let results = joined.map_err(|error| FanoutError::opening(&error))?;
        let snapshot = match plan.instant {
            Instant::Shared => first_value(&results),
            Instant::PerShard => None,
        };
        Ok(Self {
            connection,
            snapshot,
            copy: copy?,
        })
    }

    /// Has the server parse the COPY, if the plan is to copy.
    ///
    /// # Errors
    /// If the statement is one that COPY does not take.
    pub(crate) async fn prepare(&mut self, plan: &Plan) -> Result<(), FanoutError> {
        self.copy = prepared(&self.connection, plan).await?;
        Ok(())
    }

    pub(super) fn copy(&self) -> Option<&Copy> {
        self.copy.as_ref()
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
    pub async fn cancel(&self, flying: impl Iterator<Item = Flight>) {
        const BETWEEN_REQUESTS: std::time::Duration = std::time::Duration::from_millis(50);
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

async fn prepared(connection: &Connection, plan: &Plan) -> Result<Option<Copy>, FanoutError> {
    let Transfer::Copy(copying) = &plan.transfer else {
        return Ok(None);
    };
    let Turn { sql, offset } = plan.copy(copying);
    match connection.client().prepare(&sql).await {
        Ok(statement) => Ok(Some(Copy { statement, offset })),
        Err(error) => Err(match error.as_db_error() {
            Some(report) if !Report::is_fatal(report) => {
                FanoutError::NotCopied(Report::new(report, offset))
            }
            _ => FanoutError::opening(&error),
        }),
    }
}

/// The first column of the first row of several results.
pub(super) fn first_value(results: &[SimpleQueryMessage]) -> Option<String> {
    results.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
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
