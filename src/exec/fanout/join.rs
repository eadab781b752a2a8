//! How a worker gets a session: at first, and after its connection was lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::error::SqlState;

use super::error::{RECONNECTS, backoff};
use super::session::{ConnectionRoute, Session};
use super::shard_reader::Task;
use super::worker::Worker;
use super::{Demand, FanoutError, RunContext, ShardError, ShardEvent};
use crate::client::{Connection, PendingConnection, ServerError};
use crate::exec::copy::ResultProtocol;
use crate::exec::plan;

impl Worker {
    pub(super) fn candidate(&self) -> Candidate {
        Candidate {
            number: self.number,
            shared: Arc::clone(&self.shared),
            wanted: self.wanted.clone(),
        }
    }

    /// Joins the run once the spare connection is open. Gives up if the server has no more
    /// connections.
    pub async fn start(self, pending_connection: Option<PendingConnection>) -> Option<Session> {
        /// How long to give the others before this worker connects to help them.
        const LATER: Duration = Duration::from_millis(10);
        let candidate = self.candidate();
        let joined = candidate.while_needed(async {
            let pending_connection = if let Some(pending_connection) = pending_connection {
                pending_connection
            } else {
                tokio::time::sleep(LATER).await;
                candidate.shared.server.pending_connection()
            };
            match pending_connection.await {
                Ok(connection) => candidate.join_first(connection?).await,
                Err(panicked) => Err(FanoutError::Lost(panicked.to_string())),
            }
        });
        match joined.await {
            Some(Ok(session)) => self.run(session).await,
            Some(Err(error)) => {
                self.events.notice(format!(
                    "running with one connection fewer than requested: {error}"
                ));
                self.end(None)
            }
            // The other workers finished first.
            None => self.end(None),
        }
    }

    /// Opens another session at the same snapshot after a connection was lost. Meanwhile other
    /// workers may take this worker's tasks. On failure, the tasks that nobody took fail. Returns
    /// `None` on failure, and when no session is needed any more.
    pub(super) async fn replace(&mut self, lost: Session, reason: String) -> Option<Session> {
        let silence = lost.connection().silence();
        // The lost connection counts against the limit until it is discarded.
        lost.discard();
        self.shared.snapshots.remove(self.number);
        let mine: Vec<Task> = self.pending.drain(..).collect();
        self.shared.queue.give_back(mine.iter().copied());
        let candidate = self.candidate();
        // If one connection was silent, the next may well be.
        let tries = if silence.is_some() { 0 } else { RECONNECTS };
        for tried in 0.. {
            let error = match candidate
                .while_needed(candidate.reopen_session(&reason))
                .await?
            {
                Ok(session) => {
                    session.begin_tasks(&self.shared.plan);
                    self.events
                        .notice(format!("a connection was lost ({reason}) and replaced"));
                    return Some(session);
                }
                Err(error) => error,
            };
            let is_hopeless = !matches!(error, ShardError::NotReplaced { .. });
            if is_hopeless || tried == tries {
                for task in self.shared.queue.withdraw(&mine) {
                    self.events.say(task, ShardEvent::Failed(error.clone()));
                }
                self.shared.hopeless.get_or_init(|| error);
                break;
            }
            let wait = backoff(tried);
            self.events
                .notice(format!("{error}; retrying in {} ms", wait.as_millis()));
            candidate.while_needed(tokio::time::sleep(wait)).await?;
        }
        None
    }
}

/// A worker without a session.
pub(super) struct Candidate {
    pub number: usize,
    pub shared: Arc<RunContext>,
    pub wanted: watch::Receiver<Demand>,
}

impl Candidate {
    /// Waits for `work`, but not once the run is stopped or no task is left to take.
    async fn while_needed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut wanted = self.wanted.clone();
        tokio::select! {
            biased;
            _ = wanted.wait_for(|wanted| *wanted != Demand::Answers) => None,
            () = self.shared.queue.emptied() => None,
            done = work => Some(done),
        }
    }

    /// The first tasks can be sent right behind what opens the session, which saves a round trip.
    /// Not behind a pooler, where they would wait for other sessions to end, and not for a COPY,
    /// which needs the response first.
    async fn join_first(&self, connection: Connection) -> Result<Session, FanoutError> {
        match (self.shared.route, &self.shared.plan.transfer) {
            (ConnectionRoute::Direct, ResultProtocol::SimpleQuery) => {
                self.send_opening(connection).await
            }
            (ConnectionRoute::Queued, _) | (_, ResultProtocol::Copy(_)) => {
                self.join(connection).await
            }
        }
    }

    async fn send_opening(&self, connection: Connection) -> Result<Session, FanoutError> {
        let plan = &self.shared.plan;
        let snapshot = match plan.instant {
            plan::Consistency::SharedSnapshot => {
                Some(self.shared.snapshots.any().ok_or(FanoutError::NoSnapshot)?)
            }
            plan::Consistency::PerShard => None,
        };
        Session::join(connection, plan, snapshot.as_deref())
            .await
            .map_err(|error| FanoutError::setup_failed(&error))
    }

    /// A session that is open at the run's snapshot.
    async fn join(&self, connection: Connection) -> Result<Session, FanoutError> {
        let mut session = self.send_opening(connection).await?;
        let snapshot = session.snapshot().map(str::to_owned);
        match session.opened().await {
            Ok(Some(name)) => self.shared.snapshots.add(self.number, Some(name)),
            Ok(None) => {}
            Err(FanoutError::Refused(report)) if is_about_the_snapshot(&report) => {
                // Its owner has ended, and we have not been told yet.
                self.shared.snapshots.forget(snapshot.as_deref());
                return Err(FanoutError::NoSnapshot);
            }
            Err(error) => {
                return Err(session
                    .connection()
                    .silence()
                    .map_or(error, FanoutError::Silent));
            }
        }
        Ok(session)
    }

    async fn reopen_session(&self, reason: &str) -> Result<Session, ShardError> {
        let joined = async {
            loop {
                let connection = self.shared.server.connection().await?;
                match self.join(connection).await {
                    // Another session may still have the snapshot.
                    Err(FanoutError::NoSnapshot) if self.shared.snapshots.any().is_some() => {}
                    joined => return joined,
                }
            }
        };
        joined.await.map_err(|error| match error {
            FanoutError::NoSnapshot => ShardError::SnapshotLost {
                reason: reason.to_owned(),
            },
            error if error.is_transient() => ShardError::NotReplaced {
                reason: reason.to_owned(),
                why: error.to_string(),
            },
            FanoutError::Silent(silence) => ShardError::Silent(silence),
            error => ShardError::Lost {
                reason: format!("{reason}; {error}"),
                rows: 0,
            },
        })
    }
}

/// The errors of `SET TRANSACTION SNAPSHOT` for a lost snapshot: invalid parameter value, and from
/// Postgres 17 on undefined object.
fn is_about_the_snapshot(report: &ServerError) -> bool {
    [
        SqlState::INVALID_PARAMETER_VALUE,
        SqlState::UNDEFINED_OBJECT,
    ]
    .contains(&report.code)
}
