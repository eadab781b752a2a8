//! What a worker sends: tasks in ascending order, as deep as the pipeline allows, and the checks of
//! their tables in between.

use super::{InFlight, Worker};
use crate::exec::fanout::TaskIndex;
use crate::exec::fanout::error::cause;
use crate::exec::fanout::in_flight::Request;
use crate::exec::fanout::session::Session;
use crate::exec::fanout::shard_reader::{InFlightTask, Purpose};
use crate::exec::plan::Plan;

impl Worker {
    /// Sends tasks, with checks in between, until enough are in flight.
    pub(super) async fn fill(&mut self, session: &Session) -> Result<(), String> {
        loop {
            let last = self.last_in_flight();
            let all_sent = self.pending.is_empty() && !self.shared.queue.has_for(last);
            let check_interval = self
                .check_interval
                .tasks(self.shared.tables_per_task(), self.depth.task_time());
            let is_due = all_sent || self.since_check >= check_interval;
            if self.since_check > 0 && is_due {
                let check = session
                    .send(&Plan::check_relations(self.shared.child_tables))
                    .await;
                let check = check.map_err(|error| cause(&error))?;
                self.in_flight.push_back(InFlight::Check(check));
                self.since_check = 0;
                self.check_interval.sent();
            }
            if self.tasks_in_flight() >= self.depth.current() {
                return Ok(());
            }
            let taken = self.pending.pop_front();
            let Some(task) = taken.or_else(|| self.shared.queue.take(last)) else {
                if self.since_check > 0 {
                    continue;
                }
                return Ok(());
            };
            let shard = self.shared.shards[task.index];
            let plan = &self.shared.plan;
            session.connection().mark_busy();
            let sent = match task.purpose {
                Purpose::Rows => Request::send(session, plan, shard).await,
                Purpose::Recheck { .. } => Request::send_rows(session, plan, shard).await,
            };
            match sent {
                Ok(request) => self.in_flight.push_back(InFlight::Task(InFlightTask {
                    task,
                    request,
                    rows: 0,
                })),
                Err(error) => {
                    self.pending.push_front(task);
                    return Err(cause(&error));
                }
            }
            self.since_check += 1;
        }
    }

    fn tasks_in_flight(&self) -> usize {
        let tasks = self.in_flight.iter();
        tasks
            .filter(|sent| matches!(sent, InFlight::Task(_)))
            .count()
    }

    fn last_in_flight(&self) -> Option<TaskIndex> {
        self.in_flight.iter().rev().find_map(|sent| match sent {
            InFlight::Task(in_flight) => Some(in_flight.task.index),
            InFlight::Check(_) => None,
        })
    }
}
