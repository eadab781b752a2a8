//! What a worker does about tasks that failed: it sends them again, or fails their shards.

use std::time::Duration;

use super::{InFlight, Worker};
use crate::client::{ServerError, Silence};
use crate::exec::fanout::error::backoff;
use crate::exec::fanout::session::Session;
use crate::exec::fanout::shard_reader::{InFlightTask, Purpose, Task};
use crate::exec::fanout::{AttemptNumber, Demand, ShardError, ShardEvent};
use crate::exec::plan::{CheckFrequency, Plan};

impl Worker {
    /// The connection is lost: what was in flight or unchecked on it must be sent again.
    pub(super) fn lost(&mut self, head: InFlight, silence: Option<Silence>, reason: &str) {
        self.requeue_in_flight();
        let lost = |rows| ShardError::Lost {
            reason: reason.to_owned(),
            rows,
        };
        if let InFlight::Task(InFlightTask {
            task,
            request,
            rows,
        }) = head
        {
            // An unread COPY holds its connection, which would still count against the limit.
            drop(request);
            if let Some(silence) = silence {
                // A retry would be silent as long again.
                let error = ShardError::Silent(silence);
                self.events.say(task, ShardEvent::Failed(error));
            } else {
                self.retry(task, lost(rows));
            }
        }
        let each = self.shared.plan.check == CheckFrequency::EachShard;
        for (task, answer) in std::mem::take(&mut self.unchecked).into_iter().rev() {
            let task = match task.purpose {
                Purpose::Rows if !each => Task {
                    purpose: Purpose::Recheck { tries: 0 },
                    ..task
                },
                _ => task,
            };
            self.retry(task, lost(answer.rows));
        }
        self.since_check = 0;
    }

    /// A task or a check failed; the connection is usable.
    pub(super) async fn failed(&mut self, head: InFlight, error: ShardError, session: &Session) {
        self.requeue_in_flight();
        match head {
            InFlight::Task(in_flight) => {
                self.events.say(in_flight.task, ShardEvent::Failed(error));
                self.recover(session, Plan::recover()).await;
            }
            InFlight::Check(_) => {
                for (task, _) in std::mem::take(&mut self.unchecked) {
                    self.events.say(task, ShardEvent::Failed(error.clone()));
                }
                self.since_check = 0;
                self.recover(session, Plan::recover_unchecked()).await;
            }
        }
    }

    /// The same, but a retry of the task may succeed.
    pub(super) async fn failed_for_now(
        &mut self,
        head: InFlight,
        report: ServerError,
        session: &Session,
    ) {
        let InFlight::Task(InFlightTask { task, .. }) = head else {
            return self.failed(head, ShardError::Server(report), session).await;
        };
        self.requeue_in_flight();
        let shard = self.shared.shards[task.index];
        let headline = report.summary_line();
        if self.retry(task, ShardError::Server(report)) {
            self.events.notice(format!("{shard}: {headline}; retrying"));
            self.pause(backoff(task.attempt)).await;
        }
        self.recover(session, Plan::recover()).await;
    }

    /// All tasks in flight must be sent again, and a check after them.
    pub(super) fn requeue_in_flight(&mut self) {
        for sent in self.in_flight.drain(..).rev() {
            if let InFlight::Task(in_flight) = sent {
                self.pending.push_front(in_flight.task);
            }
        }
        self.since_check = self.unchecked.len();
        self.depth.failed();
    }

    /// Puts a task back in front, or fails it after too many attempts, or if rows of it were
    /// printed. Returns whether it will be retried.
    pub(super) fn retry(&mut self, task: Task, otherwise: ShardError) -> bool {
        /// A limit, so that a statement that crashes its backend does not do so endlessly.
        const TRIES: AttemptNumber = 3;
        let again = match task.purpose {
            Purpose::Recheck { tries } => (tries + 1 < TRIES).then_some(Task {
                purpose: Purpose::Recheck { tries: tries + 1 },
                ..task
            }),
            Purpose::Rows => (task.attempt + 1 < TRIES)
                .then(|| self.events.restart(task))
                .flatten()
                .map(|attempt| Task { attempt, ..task }),
        };
        match again {
            Some(task) => self.pending.push_front(task),
            None => self.events.say(task, ShardEvent::Failed(otherwise)),
        }
        again.is_some()
    }

    /// Sleeps, but not once the run is stopped.
    pub(super) async fn pause(&mut self, wait: Duration) {
        let mut wanted = self.wanted.clone();
        let stopped = wanted.wait_for(|wanted| *wanted == Demand::Nothing);
        let _ = tokio::time::timeout(wait, stopped).await;
    }

    pub(super) async fn recover(&mut self, session: &Session, sql: String) {
        // If this cannot be sent, the next task fails and reports it.
        let _ = session.send(&sql).await;
    }
}
