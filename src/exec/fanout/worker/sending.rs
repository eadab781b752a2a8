//! What a worker sends: tasks in ascending order, as deep as the pipeline allows, and the checks of
//! their tables in between.

use std::sync::atomic::Ordering;

use super::{InFlight, Worker};
use crate::exec::fanout::TaskIndex;
use crate::exec::fanout::error::cause;
use crate::exec::fanout::in_flight::Request;
use crate::exec::fanout::session::Session;
use crate::exec::fanout::shard_reader::{InFlightTask, Purpose, Task};
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
            let in_flight = self.tasks_in_flight();
            let batch = self.batch(session, check_interval);
            if in_flight > 0 && in_flight + batch > self.depth.current() {
                return Ok(());
            }
            let tasks = self.take(batch, last);
            if tasks.is_empty() {
                if self.since_check > 0 {
                    continue;
                }
                return Ok(());
            }
            session.connection().mark_busy();
            self.since_check += tasks.len();
            let sent = match tasks.as_slice() {
                [task] => self.send_one(session, *task).await,
                tasks => self.send_batch(session, tasks).await,
            };
            if let Err(error) = sent {
                self.since_check -= tasks.len();
                for task in tasks.into_iter().rev() {
                    self.pending.push_front(task);
                }
                return Err(cause(&error));
            }
        }
    }

    async fn send_one(
        &mut self,
        session: &Session,
        task: Task,
    ) -> Result<(), tokio_postgres::Error> {
        let (plan, shard) = (&self.shared.plan, self.shared.shards[task.index]);
        let request = match task.purpose {
            Purpose::Rows => Request::send(session, plan, shard).await?,
            Purpose::Recheck { .. } => Request::send_rows(session, plan, shard).await?,
        };
        self.sent(task, request, 1);
        Ok(())
    }

    async fn send_batch(
        &mut self,
        session: &Session,
        tasks: &[Task],
    ) -> Result<(), tokio_postgres::Error> {
        let shards: Vec<_> = tasks
            .iter()
            .map(|task| self.shared.shards[task.index])
            .collect();
        let batch = self.shared.plan.batch(&shards);
        let responses = session.send_batch(&shards, &batch).await?;
        let mut size = tasks.len();
        for (task, (answers, offset)) in tasks.iter().zip(responses) {
            self.sent(*task, Request::Rows { answers, offset }, size);
            size = 0;
        }
        Ok(())
    }

    fn sent(&mut self, task: Task, request: Request, batch: usize) {
        self.in_flight.push_back(InFlight::Task(InFlightTask {
            task,
            request,
            rows: 0,
            batch,
        }));
    }

    /// How many tasks to send in the next message: no more than until the next check, and less
    /// towards the end, so that all workers end at about the same time.
    fn batch(&self, session: &Session, check_interval: usize) -> usize {
        if session.copy().is_some() || !self.pending.is_empty() {
            return 1;
        }
        let alive = self.shared.alive.load(Ordering::Relaxed).max(1);
        let fair = self.shared.queue.len() / (2 * alive);
        let until_check = check_interval.saturating_sub(self.since_check);
        self.depth.batch().min(fair).min(until_check).max(1)
    }

    /// Takes up to so many tasks, those that were sent before first.
    fn take(&mut self, most: usize, last: Option<TaskIndex>) -> Vec<Task> {
        if let Some(task) = self.pending.pop_front() {
            return vec![task];
        }
        let mut tasks: Vec<Task> = Vec::new();
        while tasks.len() < most {
            let last = tasks.last().map(|task| task.index).or(last);
            match self.shared.queue.take(last) {
                Some(task) if tasks.is_empty() || task.purpose == Purpose::Rows => {
                    tasks.push(task);
                    if task.purpose != Purpose::Rows {
                        break;
                    }
                }
                // Its notices were heard, unlike those of a batch.
                Some(task) => {
                    self.shared.queue.give_back([task]);
                    break;
                }
                None => break,
            }
        }
        tasks
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
