//! How a lane gets a session: at first, and when its connection was lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::error::SqlState;

use super::error::{RECONNECTS, backoff};
use super::session::{ConnectionRoute, Session};
use super::shard_reader::Task;
use super::worker::Worker;
use super::{Demand, Event, FanoutError, RunContext, ShardError};
use crate::client::{Connection, PendingConnection, ServerError};
use crate::exec::copy::ResultProtocol;
use crate::exec::plan;

impl Worker {
    /// This lane, as it asks for a session.
    pub(super) fn candidate(&self) -> Candidate {
        Candidate {
            number: self.number,
            shared: Arc::clone(&self.shared),
            wanted: self.wanted.clone(),
        }
    }

    /// Joins the run once the spare connection stands. Does without where the
    /// server has no more connections to give.
    pub async fn start(self, spare: Option<PendingConnection>) -> Option<Session> {
        /// How long the others may take before this one connects to help them.
        const LATER: Duration = Duration::from_millis(10);
        let candidate = self.candidate();
        let joined = candidate.while_needed(async {
            let spare = if let Some(spare) = spare {
                spare
            } else {
                tokio::time::sleep(LATER).await;
                candidate.shared.server.spare()
            };
            match spare.await {
                Ok(connection) => candidate.join_first(connection?).await,
                Err(panicked) => Err(FanoutError::Lost(panicked.to_string())),
            }
        });
        match joined.await {
            Some(Ok(session)) => self.run(session).await,
            Some(Err(error)) => {
                self.outlet.notice(format!(
                    "running with one connection fewer than requested: {error}"
                ));
                self.end(None)
            }
            // Others were quicker.
            None => self.end(None),
        }
    }

    /// Another session at the same instant, for one whose connection was lost. Meanwhile
    /// others may take the shards that this lane had. On failure, those that nobody has
    /// taken are accounted for. None if no session is needed any more as well.
    pub(super) async fn replace(&mut self, lost: Session, reason: String) -> Option<Session> {
        let silence = lost.connection().silence();
        // There are never more connections than asked for: while this one counts,
        // no other can be had.
        lost.discard();
        self.shared.snapshots.remove(self.number);
        let mine: Vec<Task> = self.todo.drain(..).collect();
        self.shared.queue.give_back(mine.iter().copied());
        let candidate = self.candidate();
        // Where one connection was silent, the next may well be.
        let tries = if silence.is_some() { 0 } else { RECONNECTS };
        for tried in 0.. {
            let error = match candidate
                .while_needed(candidate.reopen_session(&reason))
                .await?
            {
                Ok(session) => {
                    session.begin_turns(&self.shared.plan);
                    self.outlet
                        .notice(format!("a connection was lost ({reason}) and replaced"));
                    return Some(session);
                }
                Err(error) => error,
            };
            let is_hopeless = !matches!(error, ShardError::NotReplaced { .. });
            if is_hopeless || tried == tries {
                for turn in self.shared.queue.withdraw(&mine) {
                    self.outlet.say(turn, Event::Failed(error.clone()));
                }
                self.shared.hopeless.get_or_init(|| error);
                break;
            }
            let wait = backoff(tried);
            self.outlet
                .notice(format!("{error}; retrying in {} ms", wait.as_millis()));
            candidate.while_needed(tokio::time::sleep(wait)).await?;
        }
        None
    }
}

/// A lane without a session.
pub(super) struct Candidate {
    pub number: usize,
    pub shared: Arc<RunContext>,
    pub wanted: watch::Receiver<Demand>,
}

impl Candidate {
    /// Waits, but not once the run is stopped, nor once there is nothing left that a
    /// session would be for.
    async fn while_needed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut wanted = self.wanted.clone();
        tokio::select! {
            biased;
            _ = wanted.wait_for(|wanted| *wanted != Demand::Answers) => None,
            () = self.shared.queue.emptied() => None,
            done = work => Some(done),
        }
    }

    /// The first turns can be sent right behind what opens the session, which saves a
    /// round trip: unless they would wait there for others to end, or need its answer.
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

    /// A session that stands, at the run's instant.
    async fn join(&self, connection: Connection) -> Result<Session, FanoutError> {
        let mut session = self.send_opening(connection).await?;
        let snapshot = session.snapshot().map(str::to_owned);
        match session.opened().await {
            Ok(Some(name)) => self.shared.snapshots.add(self.number, Some(name)),
            Ok(None) => {}
            Err(FanoutError::Refused(report)) if is_about_the_snapshot(&report) => {
                // Whoever had it has ended, and we are yet to hear of it.
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
                    // Another session may still have it.
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

/// What `SET TRANSACTION SNAPSHOT` says of one that is gone: an invalid identifier, and
/// from Postgres 17 on an object that does not exist.
fn is_about_the_snapshot(report: &ServerError) -> bool {
    [
        SqlState::INVALID_PARAMETER_VALUE,
        SqlState::UNDEFINED_OBJECT,
    ]
    .contains(&report.code)
}
