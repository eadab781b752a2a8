//! One connection's work: takes tasks, keeps them in flight, reads the responses in order, and
//! retries what can be retried.
//!
//! Tasks are in flight in ascending order, so the lowest unfinished shard is always at the head of
//! its connection, and waiting for it never deadlocks.

mod retries;
mod sending;

use std::collections::VecDeque;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::in_flight::Request;
use super::pipeline_depth::Depth;
use super::relation_check::{CheckInterval, RelationCheck};
use super::session::{ResponseStream, Session};
use super::shard_reader::{EventSender, InFlightTask, Purpose, ReadError, Task};
use super::{Demand, RunContext, ShardError, ShardEvent, ShardStats, TaskIndex};
use crate::exec::plan::{CheckFrequency, RowSecurity};

pub(super) struct Worker {
    pub(super) number: usize,
    pub(super) shared: Arc<RunContext>,
    pub(super) events: EventSender,
    pub(super) wanted: watch::Receiver<Demand>,
    depth: Depth,
    check_interval: CheckInterval,
    /// Tasks taken from the queue, to be sent (again).
    pub(super) pending: VecDeque<Task>,
    in_flight: VecDeque<InFlight>,
    /// Tasks sent since the last check was sent.
    since_check: usize,
    /// Tasks whose rows were all read but whose tables were not checked yet.
    unchecked: Vec<(Task, ShardStats)>,
}

enum InFlight {
    Task(InFlightTask),
    Check(ResponseStream),
}

enum Response {
    Task,
    Check(RelationCheck),
}

impl InFlight {
    /// For reading to the end and discarding.
    fn into_request(self) -> Request {
        match self {
            Self::Task(in_flight) => in_flight.request,
            Self::Check(answers) => Request::Rows { answers, offset: 0 },
        }
    }
}

impl Worker {
    pub fn new(
        number: usize,
        shared: Arc<RunContext>,
        events: EventSender,
        wanted: watch::Receiver<Demand>,
    ) -> Self {
        Self {
            depth: Depth::new(
                shared.round_trip,
                &shared.plan.transfer,
                shared.fair_share(),
            ),
            check_interval: CheckInterval::new(shared.plan.check, number),
            number,
            shared,
            events,
            wanted,
            pending: VecDeque::new(),
            in_flight: VecDeque::new(),
            since_check: 0,
            unchecked: Vec::new(),
        }
    }

    pub async fn run(mut self, mut session: Session) -> Option<Session> {
        let mut wanted = self.wanted.clone();
        let mut free_since = Instant::now();
        session.begin_tasks(&self.shared.plan);
        loop {
            let sent = self.fill(&session).await;
            let Some(mut head) = self.in_flight.pop_front() else {
                let Err(reason) = sent else {
                    return self.rest(session).await;
                };
                // The connection was lost with nothing in flight.
                match self.replace(session, reason).await {
                    Some(new) => session = new,
                    None => return self.end(None),
                }
                continue;
            };
            if let InFlight::Task(in_flight) = &head {
                self.show(Some(in_flight.task.index));
            }
            let read = tokio::select! {
                biased;
                _ = wanted.wait_for(|wanted| *wanted == Demand::Nothing) => None,
                read = self.read(&mut session, &mut head) => Some(read),
            };
            match read {
                None => {
                    let in_flight: Vec<_> =
                        iter::once(head).chain(self.in_flight.drain(..)).collect();
                    let drained = async {
                        for message in in_flight {
                            message.into_request().drain().await;
                        }
                    };
                    session.cancel(drained).await;
                    return self.end(None);
                }
                Some(Ok(Response::Task)) => self.answered(&head, free_since.elapsed()),
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

    /// All rows of a task were read.
    fn answered(&mut self, head: &InFlight, took: Duration) {
        let &InFlight::Task(InFlightTask { task, rows, .. }) = head else {
            return;
        };
        self.depth.answered(took);
        let answer = ShardStats { rows, took };
        if task.purpose == Purpose::Rows && self.shared.plan.check == CheckFrequency::Batches {
            self.events.say(task, ShardEvent::Finished(answer));
        }
        self.unchecked.push((task, answer));
    }

    /// The tables of all tasks read so far were checked.
    fn checked(&mut self, check: &RelationCheck) {
        let tasks = std::mem::take(&mut self.unchecked);
        self.shared
            .note_tables(check.locked.div_ceil(tasks.len().max(1)));
        if self.shared.plan.row_security == RowSecurity::Warn {
            self.events.filtered(&check.filtered);
        }
        for (task, answer) in tasks {
            if !check.rewritten.is_empty() {
                // A check shared by several tasks does not tell which of them read the table: a
                // view may read another shard's.
                let tables = check.rewritten.clone();
                let error = ShardError::Rewritten { tables };
                self.events.say(task, ShardEvent::Failed(error));
                continue;
            }
            if self.shared.plan.check == CheckFrequency::EachShard {
                self.events.say(task, ShardEvent::Finished(answer));
            }
            self.events.say(task, ShardEvent::Confirmed);
        }
    }

    /// Reads the response to the message at the head; before the first, the responses that open the
    /// session, because the messages were sent right behind those that open it.
    async fn read(
        &mut self,
        session: &mut Session,
        head: &mut InFlight,
    ) -> Result<Response, ReadError> {
        match session.opened().await {
            Ok(Some(snapshot)) => self.shared.snapshots.add(self.number, Some(snapshot)),
            Ok(None) => {}
            Err(error) => return Err(ReadError::Lost(error.to_string())),
        }
        match head {
            InFlight::Task(in_flight) => {
                in_flight.read(&self.events).await.map(|()| Response::Task)
            }
            InFlight::Check(answers) => RelationCheck::read(answers).await.map(Response::Check),
        }
    }

    /// Nothing is left to do. One such session stays open to the end, because lost connections are
    /// replaced from its snapshot. The others are closed, since someone else may need the
    /// connections.
    async fn rest(self, session: Session) -> Option<Session> {
        /// Grace period, so as not to disturb workers that are about to end too.
        const SOON: Duration = Duration::from_millis(100);
        let (number, mut wanted) = (self.number, self.wanted.clone());
        let shared = Arc::clone(&self.shared);
        drop(self.end(None));
        // The others were faster; whether this session opened is not known yet.
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

    /// The last worker to end fails the tasks that nobody took.
    pub(super) fn end(self, session: Option<Session>) -> Option<Session> {
        self.show(None);
        if self.shared.alive.fetch_sub(1, Ordering::Relaxed) == 1 {
            let error = self.shared.hopeless.get().cloned();
            let error = error.unwrap_or(ShardError::NotAsked);
            while let Some(task) = self.shared.queue.take(None) {
                self.events.say(task, ShardEvent::Failed(error.clone()));
            }
        }
        session
    }

    fn show(&self, index: Option<TaskIndex>) {
        if let Ok(mut running) = self.shared.running.lock() {
            running[self.number] = index.map(|index| (self.shared.shards[index], Instant::now()));
        }
    }
}
