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
use super::relation_check::{CheckInterval, RelationCheck};
use super::session::{Answers, Session};
use super::turn::{Broken, Flying, Outlet, Purpose, Turn};
use super::{Answer, Attempt, Event, FanoutError, Place, ShardError, Shared};
use crate::plan::{self, CheckFrequency, Plan, RowSecurity};
use crate::server::{Report, Spare};

pub(super) struct Lane {
    number: usize,
    shared: Arc<Shared>,
    outlet: Outlet,
    stopped: watch::Receiver<bool>,
    depth: Depth,
    interval: CheckInterval,
    /// Taken from the queue, to be sent (again).
    todo: VecDeque<Turn>,
    flying: VecDeque<InFlight>,
    /// Turns sent since the last check was sent.
    since_check: usize,
    /// All their rows were read; the check of their tables was not.
    unchecked: Vec<(Turn, Answer)>,
    /// What becomes of the shards that nobody took, if this lane is the last.
    otherwise: ShardError,
}

/// A message that was sent.
enum InFlight {
    Turn(Flying),
    Check(Answers),
}

/// What the answer to a message was.
enum Read {
    Turn,
    Check(RelationCheck),
}

impl InFlight {
    /// To be read to the end, for nothing.
    fn into_flight(self) -> Flight {
        match self {
            Self::Turn(flying) => flying.flight,
            Self::Check(answers) => Flight::Rows { answers, offset: 0 },
        }
    }
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
            interval: CheckInterval::new(shared.plan.check),
            number,
            shared,
            outlet,
            stopped,
            todo: VecDeque::new(),
            flying: VecDeque::new(),
            since_check: 0,
            unchecked: Vec::new(),
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
            if let InFlight::Turn(flying) = &head {
                self.show(Some(flying.turn.place));
            }
            let read = tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => None,
                read = self.read(&mut session, &mut head) => Some(read),
            };
            match read {
                None => {
                    let flying = iter::once(head).chain(self.flying.drain(..));
                    session.cancel(flying.map(InFlight::into_flight)).await;
                    return self.end(None);
                }
                Some(Ok(Read::Turn)) => self.answered(&head, free_since.elapsed()),
                Some(Ok(Read::Check(check))) => self.checked(&check),
                Some(Err(Broken::Lost(reason))) => {
                    self.lost(head, &reason);
                    match self.replace(session, reason).await {
                        Some(new) => session = new,
                        None => return self.end(None),
                    }
                }
                Some(Err(Broken::Shard(error))) => self.failed(head, error, &session).await,
                Some(Err(Broken::Transient(report))) => {
                    self.failed_for_now(head, report, &session).await;
                }
            }
            free_since = Instant::now();
        }
    }

    /// All rows of a shard are here.
    fn answered(&mut self, head: &InFlight, took: Duration) {
        let &InFlight::Turn(Flying { turn, rows, .. }) = head else {
            return;
        };
        self.depth.answered(took);
        let answer = Answer { rows, took };
        if turn.purpose == Purpose::Rows && self.shared.plan.check == CheckFrequency::Batches {
            self.outlet.say(turn, Event::Answered(answer));
        }
        self.unchecked.push((turn, answer));
    }

    /// The tables behind all turns that were read were checked.
    fn checked(&mut self, check: &RelationCheck) {
        let turns = std::mem::take(&mut self.unchecked);
        self.interval
            .adapt(check.locked, turns.len(), self.depth.turn());
        if self.shared.plan.row_security == RowSecurity::Warn {
            self.outlet.filtered(&check.filtered);
        }
        for (turn, answer) in turns {
            if !check.rewritten.is_empty() {
                // One check for several turns does not tell which of them read the table:
                // a view may read another shard's.
                let tables = check.rewritten.clone();
                let error = ShardError::Rewritten { tables };
                self.outlet.say(turn, Event::Failed(error));
                continue;
            }
            if self.shared.plan.check == CheckFrequency::EachShard {
                self.outlet.say(turn, Event::Answered(answer));
            }
            self.outlet.say(turn, Event::Confirmed);
        }
    }

    /// The connection is gone: what it had in flight, and what was not checked on it, is
    /// to be sent again.
    fn lost(&mut self, head: InFlight, reason: &str) {
        self.take_back();
        let lost = |rows| ShardError::Lost {
            reason: reason.to_owned(),
            rows,
        };
        if let InFlight::Turn(Flying { turn, flight, rows }) = head {
            // A COPY that was not read yet holds its connection, which would go on to count.
            drop(flight);
            self.retry(turn, lost(rows));
        }
        let each = self.shared.plan.check == CheckFrequency::EachShard;
        for (turn, answer) in std::mem::take(&mut self.unchecked).into_iter().rev() {
            let turn = match turn.purpose {
                Purpose::Rows if !each => Turn {
                    purpose: Purpose::Recheck { tries: 0 },
                    ..turn
                },
                _ => turn,
            };
            self.retry(turn, lost(answer.rows));
        }
        self.since_check = 0;
    }

    /// A turn failed, or a check; the connection lives.
    async fn failed(&mut self, head: InFlight, error: ShardError, session: &Session) {
        self.take_back();
        match head {
            InFlight::Turn(flying) => {
                self.outlet.say(flying.turn, Event::Failed(error));
                self.recover(session, Plan::recover()).await;
            }
            InFlight::Check(_) => {
                for (turn, _) in std::mem::take(&mut self.unchecked) {
                    self.outlet.say(turn, Event::Failed(error.clone()));
                }
                self.since_check = 0;
                self.recover(session, Plan::recover_unchecked()).await;
            }
        }
    }

    /// The same, but trying a turn again may help.
    async fn failed_for_now(&mut self, head: InFlight, report: Report, session: &Session) {
        let InFlight::Turn(Flying { turn, .. }) = head else {
            return self.failed(head, ShardError::Server(report), session).await;
        };
        self.take_back();
        let shard = self.shared.shards[turn.place];
        let headline = report.headline();
        if self.retry(turn, ShardError::Server(report)) {
            self.outlet
                .notice(format!("{shard}: {headline}; trying again"));
            self.pause(backoff(turn.attempt)).await;
        }
        self.recover(session, Plan::recover()).await;
    }

    /// Sends turns until as many are in flight as should be, and checks between them.
    async fn fill(&mut self, session: &Session) -> Result<(), String> {
        loop {
            let all_sent = self.todo.is_empty() && self.shared.is_taken();
            let is_due = all_sent || self.since_check >= self.interval.turns();
            if self.since_check > 0 && is_due {
                let check = session.send(&Plan::check_relations()).await;
                let check = check.map_err(|error| cause(&error))?;
                self.flying.push_back(InFlight::Check(check));
                self.since_check = 0;
                self.interval.sent();
            }
            if self.turns_in_flight() >= self.depth.current() {
                return Ok(());
            }
            let Some(turn) = self.todo.pop_front().or_else(|| self.take()) else {
                if self.since_check > 0 {
                    continue;
                }
                return Ok(());
            };
            let shard = self.shared.shards[turn.place];
            let plan = &self.shared.plan;
            let sent = match turn.purpose {
                Purpose::Rows => Flight::send(session, plan, shard).await,
                Purpose::Recheck { .. } => Flight::send_rows(session, plan, shard).await,
            };
            match sent {
                Ok(flight) => self.flying.push_back(InFlight::Turn(Flying {
                    turn,
                    flight,
                    rows: 0,
                })),
                Err(error) => {
                    self.todo.push_front(turn);
                    return Err(cause(&error));
                }
            }
            self.since_check += 1;
        }
    }

    fn turns_in_flight(&self) -> usize {
        let turns = self.flying.iter();
        turns
            .filter(|sent| matches!(sent, InFlight::Turn(_)))
            .count()
    }

    fn take(&self) -> Option<Turn> {
        let place = self.shared.next.fetch_add(1, Ordering::Relaxed);
        (place < self.shared.shards.len()).then_some(Turn {
            place,
            attempt: 0,
            purpose: Purpose::Rows,
        })
    }

    /// Reads the answer to the message at the head, and before the first the answer to
    /// what opened the session: it was sent just in front of it.
    async fn read(&mut self, session: &mut Session, head: &mut InFlight) -> Result<Read, Broken> {
        match session.opened().await {
            Ok(Some(snapshot)) => self.shared.snapshots.add(self.number, Some(snapshot)),
            Ok(None) => {}
            Err(error) => return Err(Broken::Lost(error.to_string())),
        }
        match head {
            InFlight::Turn(flying) => flying.read(&self.outlet).await.map(|()| Read::Turn),
            InFlight::Check(answers) => RelationCheck::read(answers).await.map(Read::Check),
        }
    }

    /// All turns that are in flight have to be sent again, and a check behind them.
    fn take_back(&mut self) {
        for sent in self.flying.drain(..).rev() {
            if let InFlight::Turn(flying) = sent {
                self.todo.push_front(flying.turn);
            }
        }
        self.since_check = self.unchecked.len();
        self.depth.failed();
    }

    /// Puts a turn in front again, or fails it: after too many tries, or when rows
    /// of it are printed.
    fn retry(&mut self, turn: Turn, otherwise: ShardError) -> bool {
        /// A statement that takes its backend down every time is not to do so
        /// without end.
        const TRIES: Attempt = 3;
        let again = match turn.purpose {
            Purpose::Recheck { tries } => (tries + 1 < TRIES).then_some(Turn {
                purpose: Purpose::Recheck { tries: tries + 1 },
                ..turn
            }),
            Purpose::Rows => (turn.attempt + 1 < TRIES)
                .then(|| self.outlet.window.restart(turn.place))
                .flatten()
                .map(|attempt| Turn { attempt, ..turn }),
        };
        match again {
            Some(turn) => self.todo.push_front(turn),
            None => self.outlet.say(turn, Event::Failed(otherwise)),
        }
        again.is_some()
    }

    /// Waits, but not when the run is stopped.
    async fn pause(&mut self, wait: Duration) {
        let mut stopped = self.stopped.clone();
        let _ = tokio::time::timeout(wait, stopped.wait_for(|stopped| *stopped)).await;
    }

    async fn recover(&mut self, session: &Session, sql: String) {
        // If it cannot even be sent, the next turn finds that out and says so.
        let _ = session.send(&sql).await;
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
