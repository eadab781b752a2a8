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

use super::error::{backoff, cause};
use super::in_flight::Request;
use super::pipeline_depth::Depth;
use super::relation_check::{CheckInterval, RelationCheck};
use super::session::{ResponseStream, Session};
use super::shard_reader::{EventSender, InFlightTask, Purpose, ReadError, Task};
use super::{AttemptNumber, Demand, Event, RunContext, ShardError, ShardStats, TaskIndex};
use crate::client::{ServerError, Silence};
use crate::exec::plan::{CheckFrequency, Plan, RowSecurity};

pub(super) struct Worker {
    pub(super) number: usize,
    pub(super) shared: Arc<RunContext>,
    pub(super) outlet: EventSender,
    pub(super) wanted: watch::Receiver<Demand>,
    depth: Depth,
    interval: CheckInterval,
    /// Taken from the queue, to be sent (again).
    pub(super) todo: VecDeque<Task>,
    flying: VecDeque<Message>,
    /// Turns sent since the last check was sent.
    since_check: usize,
    /// All their rows were read; the check of their tables was not.
    unchecked: Vec<(Task, ShardStats)>,
}

/// A message that was sent.
enum Message {
    Turn(InFlightTask),
    Check(ResponseStream),
}

/// What the answer to a message was.
enum Response {
    Turn,
    Check(RelationCheck),
}

impl Message {
    /// To be read to the end, for nothing.
    fn into_flight(self) -> Request {
        match self {
            Self::Turn(flying) => flying.flight,
            Self::Check(answers) => Request::Rows { answers, offset: 0 },
        }
    }
}

impl Worker {
    pub fn new(
        number: usize,
        shared: Arc<RunContext>,
        outlet: EventSender,
        wanted: watch::Receiver<Demand>,
    ) -> Self {
        Self {
            depth: Depth::new(
                shared.round_trip,
                &shared.plan.transfer,
                shared.fair_share(),
            ),
            interval: CheckInterval::new(shared.plan.check, number),
            number,
            shared,
            outlet,
            wanted,
            todo: VecDeque::new(),
            flying: VecDeque::new(),
            since_check: 0,
            unchecked: Vec::new(),
        }
    }

    pub async fn run(mut self, mut session: Session) -> Option<Session> {
        let mut wanted = self.wanted.clone();
        let mut free_since = Instant::now();
        session.begin_turns(&self.shared.plan);
        loop {
            let sent = self.fill(&session).await;
            let Some(mut head) = self.flying.pop_front() else {
                let Err(reason) = sent else {
                    return self.rest(session).await;
                };
                // The connection was lost before anything was in flight on it.
                match self.replace(session, reason).await {
                    Some(new) => session = new,
                    None => return self.end(None),
                }
                continue;
            };
            if let Message::Turn(flying) = &head {
                self.show(Some(flying.turn.place));
            }
            let read = tokio::select! {
                biased;
                _ = wanted.wait_for(|wanted| *wanted == Demand::Nothing) => None,
                read = self.read(&mut session, &mut head) => Some(read),
            };
            match read {
                None => {
                    let flying: Vec<_> = iter::once(head).chain(self.flying.drain(..)).collect();
                    let drained = async {
                        for message in flying {
                            message.into_flight().drain().await;
                        }
                    };
                    session.cancel(drained).await;
                    return self.end(None);
                }
                Some(Ok(Response::Turn)) => self.answered(&head, free_since.elapsed()),
                Some(Ok(Response::Check(check))) => self.checked(&check),
                Some(Err(ReadError::Lost(reason))) => {
                    self.lost(head, session.connection().silence(), &reason);
                    match self.replace(session, reason).await {
                        Some(new) => session = new,
                        None => return self.end(None),
                    }
                }
                Some(Err(ReadError::Shard(error))) => {
                    let limit = self.shared.plan.limits.statement_timeout;
                    let error = error.after(free_since.elapsed(), limit);
                    self.failed(head, error, &session).await;
                }
                Some(Err(ReadError::Transient(report))) => {
                    self.failed_for_now(head, report, &session).await;
                }
            }
            free_since = Instant::now();
        }
    }

    /// All rows of a shard are here.
    fn answered(&mut self, head: &Message, took: Duration) {
        let &Message::Turn(InFlightTask { turn, rows, .. }) = head else {
            return;
        };
        self.depth.answered(took);
        let answer = ShardStats { rows, took };
        if turn.purpose == Purpose::Rows && self.shared.plan.check == CheckFrequency::Batches {
            self.outlet.say(turn, Event::Answered(answer));
        }
        self.unchecked.push((turn, answer));
    }

    /// The tables behind all turns that were read were checked.
    fn checked(&mut self, check: &RelationCheck) {
        let turns = std::mem::take(&mut self.unchecked);
        self.shared
            .note_tables(check.locked.div_ceil(turns.len().max(1)));
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
    fn lost(&mut self, head: Message, silence: Option<Silence>, reason: &str) {
        self.requeue_in_flight();
        let lost = |rows| ShardError::Lost {
            reason: reason.to_owned(),
            rows,
        };
        if let Message::Turn(InFlightTask { turn, flight, rows }) = head {
            // A COPY that was not read yet holds its connection, which would go on to count.
            drop(flight);
            if let Some(silence) = silence {
                // It would be as long again.
                let error = ShardError::Silent(silence);
                self.outlet.say(turn, Event::Failed(error));
            } else {
                self.retry(turn, lost(rows));
            }
        }
        let each = self.shared.plan.check == CheckFrequency::EachShard;
        for (turn, answer) in std::mem::take(&mut self.unchecked).into_iter().rev() {
            let turn = match turn.purpose {
                Purpose::Rows if !each => Task {
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
    async fn failed(&mut self, head: Message, error: ShardError, session: &Session) {
        self.requeue_in_flight();
        match head {
            Message::Turn(flying) => {
                self.outlet.say(flying.turn, Event::Failed(error));
                self.recover(session, Plan::recover()).await;
            }
            Message::Check(_) => {
                for (turn, _) in std::mem::take(&mut self.unchecked) {
                    self.outlet.say(turn, Event::Failed(error.clone()));
                }
                self.since_check = 0;
                self.recover(session, Plan::recover_unchecked()).await;
            }
        }
    }

    /// The same, but trying a turn again may help.
    async fn failed_for_now(&mut self, head: Message, report: ServerError, session: &Session) {
        let Message::Turn(InFlightTask { turn, .. }) = head else {
            return self.failed(head, ShardError::Server(report), session).await;
        };
        self.requeue_in_flight();
        let shard = self.shared.shards[turn.place];
        let headline = report.summary_line();
        if self.retry(turn, ShardError::Server(report)) {
            self.outlet.notice(format!("{shard}: {headline}; retrying"));
            self.pause(backoff(turn.attempt)).await;
        }
        self.recover(session, Plan::recover()).await;
    }

    /// Sends turns until as many are in flight as should be, and checks between them.
    async fn fill(&mut self, session: &Session) -> Result<(), String> {
        loop {
            let last = self.last_in_flight();
            let all_sent = self.todo.is_empty() && !self.shared.queue.has_for(last);
            let interval = self
                .interval
                .turns(self.shared.tables_of_a_turn(), self.depth.turn());
            let is_due = all_sent || self.since_check >= interval;
            if self.since_check > 0 && is_due {
                let check = session
                    .send(&Plan::check_relations(self.shared.partitioning))
                    .await;
                let check = check.map_err(|error| cause(&error))?;
                self.flying.push_back(Message::Check(check));
                self.since_check = 0;
                self.interval.sent();
            }
            if self.turns_in_flight() >= self.depth.current() {
                return Ok(());
            }
            let taken = self.todo.pop_front();
            let Some(turn) = taken.or_else(|| self.shared.queue.take(last)) else {
                if self.since_check > 0 {
                    continue;
                }
                return Ok(());
            };
            let shard = self.shared.shards[turn.place];
            let plan = &self.shared.plan;
            session.connection().mark_busy();
            let sent = match turn.purpose {
                Purpose::Rows => Request::send(session, plan, shard).await,
                Purpose::Recheck { .. } => Request::send_rows(session, plan, shard).await,
            };
            match sent {
                Ok(flight) => self.flying.push_back(Message::Turn(InFlightTask {
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
            .filter(|sent| matches!(sent, Message::Turn(_)))
            .count()
    }

    fn last_in_flight(&self) -> Option<TaskIndex> {
        self.flying.iter().rev().find_map(|sent| match sent {
            Message::Turn(flying) => Some(flying.turn.place),
            Message::Check(_) => None,
        })
    }

    /// Reads the answer to the message at the head, and before the first the answer to
    /// what opened the session: it was sent just in front of it.
    async fn read(
        &mut self,
        session: &mut Session,
        head: &mut Message,
    ) -> Result<Response, ReadError> {
        match session.opened().await {
            Ok(Some(snapshot)) => self.shared.snapshots.add(self.number, Some(snapshot)),
            Ok(None) => {}
            Err(error) => return Err(ReadError::Lost(error.to_string())),
        }
        match head {
            Message::Turn(flying) => flying.read(&self.outlet).await.map(|()| Response::Turn),
            Message::Check(answers) => RelationCheck::read(answers).await.map(Response::Check),
        }
    }

    /// All turns that are in flight have to be sent again, and a check behind them.
    fn requeue_in_flight(&mut self) {
        for sent in self.flying.drain(..).rev() {
            if let Message::Turn(flying) = sent {
                self.todo.push_front(flying.turn);
            }
        }
        self.since_check = self.unchecked.len();
        self.depth.failed();
    }

    /// Puts a turn in front again, or fails it: after too many tries, or when rows
    /// of it are printed.
    fn retry(&mut self, turn: Task, otherwise: ShardError) -> bool {
        /// A statement that takes its backend down every time is not to do so
        /// without end.
        const TRIES: AttemptNumber = 3;
        let again = match turn.purpose {
            Purpose::Recheck { tries } => (tries + 1 < TRIES).then_some(Task {
                purpose: Purpose::Recheck { tries: tries + 1 },
                ..turn
            }),
            Purpose::Rows => (turn.attempt + 1 < TRIES)
                .then(|| self.outlet.window.restart(turn.place))
                .flatten()
                .map(|attempt| Task { attempt, ..turn }),
        };
        match again {
            Some(turn) => self.todo.push_front(turn),
            None => self.outlet.say(turn, Event::Failed(otherwise)),
        }
        again.is_some()
    }

    /// Waits, but not when the run is stopped.
    async fn pause(&mut self, wait: Duration) {
        let mut wanted = self.wanted.clone();
        let stopped = wanted.wait_for(|wanted| *wanted == Demand::Nothing);
        let _ = tokio::time::timeout(wait, stopped).await;
    }

    async fn recover(&mut self, session: &Session, sql: String) {
        // If it cannot even be sent, the next turn finds that out and says so.
        let _ = session.send(&sql).await;
    }

    /// There is nothing left to do. One such session stays open to the end, since a lost
    /// connection is replaced from its snapshot; of others, someone else may be in need.
    async fn rest(self, session: Session) -> Option<Session> {
        /// Not to be in the way of those who are about to end as well.
        const SOON: Duration = Duration::from_millis(100);
        let (number, mut wanted) = (self.number, self.wanted.clone());
        let shared = Arc::clone(&self.shared);
        drop(self.end(None));
        // Others were quicker: nobody knows yet whether this one stands.
        if session.is_opening() {
            return None;
        }
        if !shared.is_kept.swap(true, Ordering::Relaxed) {
            return Some(session);
        }
        let over = wanted.wait_for(|wanted| *wanted != Demand::Answers);
        if tokio::time::timeout(SOON, over).await.is_ok() {
            return Some(session);
        }
        shared.snapshots.remove(number);
        session.close().await;
        None
    }

    /// The last lane to end answers for the shards that nobody took.
    pub(super) fn end(self, session: Option<Session>) -> Option<Session> {
        self.show(None);
        if self.shared.alive.fetch_sub(1, Ordering::Relaxed) == 1 {
            let error = self.shared.hopeless.get().cloned();
            let error = error.unwrap_or(ShardError::NotAsked);
            while let Some(turn) = self.shared.queue.take(None) {
                self.outlet.say(turn, Event::Failed(error.clone()));
            }
        }
        session
    }

    fn show(&self, place: Option<TaskIndex>) {
        if let Ok(mut running) = self.shared.running.lock() {
            running[self.number] = place.map(|place| (self.shared.shards[place], Instant::now()));
        }
    }
}
