//! How many tasks a connection has in flight: many while they are quick, so that no round trip is
//! waited for; few while they are slow, so that a heavy shard delays few others.

use std::time::Duration;

use crate::exec::copy::ResultProtocol;

/// The number of tasks to keep in flight on one connection.
#[derive(Debug)]
pub struct Depth {
    current: usize,
    round_trip: Duration,
    /// Moving average of the server's time per task; `None` before the first.
    task_time: Option<Duration>,
}

impl Depth {
    const DEEPEST: usize = 64;
    /// Assumed time per task before any was measured. For values: a small query on a table that is
    /// new to the backend.
    const OF_ROWS: Duration = Duration::from_micros(400);
    /// For COPY, which is used for large exports. With ten shards queued on each connection, the
    /// other connections waited for those to be written: 390 ms instead of 368 for 100 MB.
    const OF_LINES: Duration = Duration::from_millis(4);
    /// Work to queue at the server beyond one round trip, so that it never waits for us.
    const SLACK: Duration = Duration::from_millis(2);

    /// `most` bounds the initial depth.
    pub fn new(round_trip: Duration, transfer: &ResultProtocol, most: usize) -> Self {
        let guess = match transfer {
            ResultProtocol::SimpleQuery => Self::OF_ROWS,
            ResultProtocol::Copy(_) => Self::OF_LINES,
        };
        let mut depth = Self {
            current: 1,
            round_trip,
            task_time: None,
        };
        depth.current = depth.fitting(guess).min(most.max(1));
        depth
    }

    pub fn current(&self) -> usize {
        self.current
    }

    /// The server's time per task; `None` before the first.
    pub fn task_time(&self) -> Option<Duration> {
        self.task_time
    }

    /// Records a completed task, this long after the previous one on its connection.
    pub fn answered(&mut self, took: Duration) {
        let task = self
            .task_time
            .map_or(took, |average| (average * 3 + took) / 4);
        self.task_time = Some(task);
        self.current = self.fitting(task);
    }

    /// A task failed, and with it all queued behind it. They are sent again, so queue few until one
    /// succeeds.
    pub fn failed(&mut self) {
        self.current = 1;
    }

    fn fitting(&self, task: Duration) -> usize {
        let tasks = (self.round_trip + Self::SLACK).as_nanos() / task.as_nanos().max(1);
        usize::try_from(tasks)
            .unwrap_or(Self::DEEPEST)
            .clamp(1, Self::DEEPEST - 1)
            + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::copy::{CopyFormat, CopyOptions};

    #[test]
    fn a_far_server_gets_many_tasks_at_once() {
        let near = Depth::new(Duration::from_micros(100), &ResultProtocol::SimpleQuery, 99);
        let far = Depth::new(Duration::from_millis(20), &ResultProtocol::SimpleQuery, 99);
        assert!(near.current() < 8, "{near:?}");
        assert!(far.current() > 32, "{far:?}");
    }

    #[test]
    fn an_export_has_few_shards_queue_behind_each_other() {
        let lines = ResultProtocol::Copy(CopyOptions {
            format: CopyFormat::Csv,
            null: None,
            delimiter: crate::output::format::Delimiter::COMMA,
            shard_column: true,
        });
        let near = Depth::new(Duration::from_millis(1), &lines, 99);
        assert_eq!(near.current(), 2);
        let far = Depth::new(Duration::from_millis(20), &lines, 99);
        assert!((4..10).contains(&far.current()), "{far:?}");
    }

    #[test]
    fn slow_tasks_make_it_shallow_and_quick_ones_deep_again() {
        let mut depth = Depth::new(Duration::from_millis(20), &ResultProtocol::SimpleQuery, 99);
        for _ in 0..20 {
            depth.answered(Duration::from_secs(1));
        }
        assert_eq!(depth.current(), 2);
        for _ in 0..60 {
            depth.answered(Duration::from_micros(50));
        }
        assert_eq!(depth.current(), Depth::DEEPEST);
    }

    #[test]
    fn after_a_failure_nothing_queues_behind_the_next_task() {
        let mut depth = Depth::new(Duration::from_millis(20), &ResultProtocol::SimpleQuery, 99);
        depth.failed();
        assert_eq!(depth.current(), 1);
        depth.answered(Duration::from_micros(300));
        assert!(depth.current() > 32);
    }
}
