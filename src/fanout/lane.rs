//! One connection's work: takes shards, keeps their turns in flight, reads the
//! answers in order, and gets over what can be got over.
//!
//! A lane has its turns in flight in ascending order, so the lowest shard that is
//! unfinished is at the head of its connection: waiting for it never deadlocks.

use std::collections::VecDeque;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::depth::Depth;
use super::error::{RECONNECTS, backoff, cause};
use super::flight::Flight;
use super::session::Session;
use super::turn::{Broken, Flying, Outlet, Turn};
use super::{Answer, Attempt, Event, FanoutError, Place, ShardError, Shared};
use crate::plan;
use crate::server::Spare;

pub(super) struct Lane {
    number: usize,
    shared: Arc<Shared>,
    outlet: Outlet,
    stopped: watch::Receiver<bool>,
    depth: Depth,
    /// Taken from the queue, to be sent (again).
    todo: VecDeque<Turn>,
    flying: VecDeque<Flying>,
    /// What becomes of the shards that nobody took, if this lane is the last.
    otherwise: ShardError,
}

impl Lane {
    pub fn new(
        number: usize,
        shared: Arc<Shared>,
        outlet: Outlet,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            depth: Depth::new(
                shared.round_trip,
                &shared.plan.transfer,
                shared.fair_share(),
            ),
            number,
            shared,
            outlet,
            stopped,
            todo: VecDeque::new(),
            flying: VecDeque::new(),
            otherwise: ShardError::NotAsked,
        }
    }

    /// Joins the run once the spare connection stands. Does without where the
    /// server has no more connections to give.
    pub async fn start(self, spare: Option<Spare>) -> Option<Session> {
        /// How long the others may take before this one connects to help them.
        const LATER: Duration = Duration::from_millis(10);
        let mut stopped = self.stopped.clone();
        let connect = async {
            if let Some(spare) = spare {
                return spare.await.ok();
            }
            tokio::time::sleep(LATER).await;
            if self.shared.is_taken() {
                return None;
            }
            self.shared.server.spare().await.ok()
        };
        let connected = tokio::select! {
            connected = connect => connected,
            _ = stopped.wait_for(|stopped| *stopped) => None,
        };
        let connection = match connected {
            Some(Ok(connection)) => connection,
            Some(Err(error)) => {
                self.outlet
                    .notice(format!("one connection fewer than asked for: {error}"));
                return self.end(None);
            }
            None => return self.end(None),
        };
        // Nothing to do any more: others were quicker.
        if self.shared.is_taken() {
            return self.end(None);
        }
        let snapshot = self.shared.snapshots.any();
        match Session::join(connection, &self.shared.plan, snapshot.as_deref()).await {
            Ok(session) => self.run(session).await,
            Err(error) => {
                let error = cause(&error);
                self.outlet
                    .notice(format!("one connection fewer than asked for: {error}"));
                self.end(None)
            }
        }
    }

    pub async fn run(mut self, mut session: Session) -> Option<Session> {
        let mut stopped = self.stopped.clone();
        let mut free_since = Instant::now();
        loop {
            let sent = self.fill(&session).await;
            let Some(mut head) = self.flying.pop_front() else {
                if sent.is_ok() {
                    return self.end(Some(session));
                }
                // The connection was lost before anything was in flight on it.
                let reason = sent.err().unwrap_or_default();
                match self.replace(session, reason).await {
                    Some(new) => session = new,
                    None => return self.end(None),
                }
                continue;
            };
            self.show(Some(head.turn.place));
            let read = tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => None,
                read = self.read(&mut session, &mut head) => Some(read),
            };
            match read {
                None => {
                    let flying = iter::once(head).chain(self.flying.drain(..));
                    session.cancel(flying.map(|flying| flying.flight)).await;
                    return self.end(None);
                }
                Some(Ok(())) => {
                    let took = free_since.elapsed();
                    self.depth.answered(took);
                    let answer = Answer {
                        rows: head.rows,
                        took,
                    };
                    self.outlet.say(head.turn, Event::Answered(answer));
                }
                Some(Err(Broken::Lost(reason))) => {
                    self.take_back();
                    let Flying { turn, flight, rows } = head;
                    // A COPY that was not read yet holds its connection, which would
                    // go on to count.
                    drop(flight);
                    let error = ShardError::Lost {
                        reason: reason.clone(),
                        rows,
                    };
                    self.retry(turn, error);
                    match self.replace(session, reason).await {
                        Some(new) => session = new,
                        None => return self.end(None),
                    }
                }
                Some(Err(Broken::Shard(error))) => {
                    self.take_back();
                    self.outlet.say(head.turn, Event::Failed(error));
                    self.recover(&session).await;
                }
                Some(Err(Broken::Transient(report))) => {
                    self.take_back();
                    let shard = self.shared.shards[head.turn.place];
                    let headline = report.headline();
                    if self.retry(head.turn, ShardError::Server(report)) {
                        self.outlet
                            .notice(format!("{shard}: {headline}; trying again"));
                        self.pause(backoff(head.turn.attempt)).await;
                    }
                    self.recover(&session).await;
                }
            }
            free_since = Instant::now();
        }
    }

    /// Sends turns until as many are in flight as should be.
    async fn fill(&mut self, session: &Session) -> Result<(), String> {
        while self.flying.len() < self.depth.current() {
            let Some(turn) = self.todo.pop_front().or_else(|| self.take()) else {
                break;
            };
            let shard = self.shared.shards[turn.place];
            match Flight::send(session, &self.shared.plan, shard).await {
                Ok(flight) => self.flying.push_back(Flying {
                    turn,
                    flight,
                    rows: 0,
                }),
                Err(error) => {
                    self.todo.push_front(turn);
                    return Err(cause(&error));
                }
            }
        }
        Ok(())
    }

    fn take(&self) -> Option<Turn> {
        let place = self.shared.next.fetch_add(1, Ordering::Relaxed);
        (place < self.shared.shards.len()).then_some(Turn { place, attempt: 0 })
    }

    /// Reads the answer of the turn at the head, and before the first the answer to
    /// what opened the session: it was sent just in front of it.
    async fn read(&mut self, session: &mut Session, head: &mut Flying) -> Result<(), Broken> {
        match session.opened().await {
            Ok(Some(snapshot)) => self.shared.snapshots.add(self.number, Some(snapshot)),
            Ok(None) => {}
            Err(error) => return Err(Broken::Lost(error.to_string())),
        }
        head.read(&self.outlet).await
    }

    /// All that is in flight has to be sent again.
    fn take_back(&mut self) {
        for flying in self.flying.drain(..).rev() {
            self.todo.push_front(flying.turn);
        }
        self.depth.failed();
    }

    /// Puts a turn in front again, or fails it: after too many tries, or when rows
    /// of it are printed.
    fn retry(&mut self, turn: Turn, otherwise: ShardError) -> bool {
        /// A statement that takes its backend down every time is not to do so
        /// without end.
        const TRIES: Attempt = 3;
        let attempt = (turn.attempt + 1 < TRIES)
            .then(|| self.outlet.window.restart(turn.place))
            .flatten();
        match attempt {
            Some(attempt) => self.todo.push_front(Turn { attempt, ..turn }),
            None => self.outlet.say(turn, Event::Failed(otherwise)),
        }
        attempt.is_some()
    }

    /// Waits, but not when the run is stopped.
    async fn pause(&mut self, wait: Duration) {
        let mut stopped = self.stopped.clone();
        let _ = tokio::time::timeout(wait, stopped.wait_for(|stopped| *stopped)).await;
    }

    async fn recover(&mut self, session: &Session) {
        // If it cannot even be sent, the next turn finds that out and says so.
        let _ = session.recover().await;
    }

    /// Another session at the same instant, for one whose connection was lost. On
    /// failure, what this lane had taken is accounted for. None when the run is
    /// stopped, however long the server would take.
    async fn replace(&mut self, lost: Session, reason: String) -> Option<Session> {
        // There are never more connections than asked for: while this one counts,
        // no other can be had.
        drop(lost);
        self.shared.snapshots.remove(self.number);
        let mut stopped = self.stopped.clone();
        for tried in 0.. {
            let joined = tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return None,
                joined = self.rejoin(&reason) => joined,
            };
            let error = match joined {
                Ok(session) => {
                    self.outlet.notice(format!(
                        "a connection was lost ({reason}); another took over"
                    ));
                    return Some(session);
                }
                Err(error) => error,
            };
            let hopeless = !matches!(error, ShardError::NotReplaced { .. });
            if hopeless || tried == RECONNECTS {
                for turn in std::mem::take(&mut self.todo) {
                    self.outlet.say(turn, Event::Failed(error.clone()));
                }
                self.otherwise = error;
                break;
            }
            let wait = backoff(tried);
            self.outlet
                .notice(format!("{error}; trying again in {} ms", wait.as_millis()));
            self.pause(wait).await;
        }
        None
    }

    async fn rejoin(&mut self, reason: &str) -> Result<Session, ShardError> {
        let plan = &self.shared.plan;
        let lost = || ShardError::SnapshotLost {
            reason: reason.to_owned(),
        };
        let snapshot = match plan.instant {
            plan::Instant::Shared => Some(self.shared.snapshots.any().ok_or_else(lost)?),
            plan::Instant::PerShard => None,
        };
        let connected = async {
            let connection = self.shared.server.connection().await?;
            let mut session = Session::join(connection, plan, snapshot.as_deref())
                .await
                .map_err(|error| FanoutError::opening(&error))?;
            if let Some(snapshot) = session.opened().await? {
                self.shared.snapshots.add(self.number, Some(snapshot));
            }
            Ok(session)
        };
        connected.await.map_err(|error| match error {
            // The last session that held the snapshot is gone as well.
            FanoutError::Refused(_) if snapshot.is_some() => lost(),
            error if error.is_transient() => ShardError::NotReplaced {
                reason: reason.to_owned(),
                why: error.to_string(),
            },
            error => ShardError::Lost {
                reason: format!("{reason}; {error}"),
                rows: 0,
            },
        })
    }

    /// The last lane to end answers for the shards that nobody took.
    fn end(self, session: Option<Session>) -> Option<Session> {
        self.show(None);
        if self.shared.alive.fetch_sub(1, Ordering::Relaxed) == 1 {
            while let Some(turn) = self.take() {
                self.outlet.say(turn, Event::Failed(self.otherwise.clone()));
            }
        }
        session
    }

    fn show(&self, place: Option<Place>) {
        if let Ok(mut running) = self.shared.running.lock() {
            running[self.number] = place.map(|place| (self.shared.shards[place], Instant::now()));
        }
    }
}
