//! Tasks that no worker has taken, and those that a worker has returned.
//!
//! A worker takes a task only once its session is open. Behind a pooler with fewer connections than
//! workers, a waiting worker would otherwise hold tasks, and the workers with a session would wait
//! for those shards to be printed: a deadlock.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::TaskIndex;
use super::shard_reader::{Purpose, Task};

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Debug)]
struct State {
    /// Neither this shard nor any after it was ever taken.
    next: TaskIndex,
    end: TaskIndex,
    given_back: BTreeMap<TaskIndex, Task>,
}

impl Queue {
    pub fn of(shards: usize) -> Self {
        Self {
            state: Mutex::new(State {
                next: 0,
                end: shards,
                given_back: BTreeMap::new(),
            }),
            emptied: Notify::new(),
        }
    }

    /// Takes the lowest free task, unless it comes before `last`, the last one that the worker has
    /// in flight. Tasks on a connection ascend, so that the lowest unfinished shard never waits
    /// behind another.
    pub fn take(&self, last: Option<TaskIndex>) -> Option<Task> {
        let mut state = self.state();
        let lowest = state.lowest_for(last)?;
        if state.given_back.remove(&lowest.index).is_none() {
            state.next += 1;
        }
        let is_empty = state.lowest().is_none();
        drop(state);
        if is_empty {
            self.emptied.notify_waiters();
        }
        Some(lowest)
    }

    /// Returns tasks, for the next worker that has a session.
    pub fn give_back(&self, tasks: impl IntoIterator<Item = Task>) {
        let tasks = tasks.into_iter().map(|task| (task.index, task));
        self.state().given_back.extend(tasks);
    }

    /// Removes and returns those of `tasks` that were given back and that nobody has taken since.
    pub fn withdraw(&self, tasks: &[Task]) -> Vec<Task> {
        let mut state = self.state();
        let is_left = |task: &&Task| state.given_back.remove(&task.index).is_some();
        tasks.iter().filter(is_left).copied().collect()
    }

    /// Whether [`Queue::take`] would return a task.
    pub fn has_for(&self, last: Option<TaskIndex>) -> bool {
        self.state().lowest_for(last).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.state().lowest().is_none()
    }

    /// Waits until there is nothing left to take.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is valid between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lowest_for(&self, last: Option<TaskIndex>) -> Option<Task> {
        self.lowest()
            .filter(|lowest| last.is_none_or(|last| last < lowest.index))
    }

    fn lowest(&self) -> Option<Task> {
        let given_back = self.given_back.values().next().copied();
        // Shards never taken come after all that were.
        given_back.or_else(|| {
            (self.next < self.end).then_some(Task {
                index: self.next,
                attempt: 0,
                purpose: Purpose::Rows,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn index(task: Option<Task>) -> Option<TaskIndex> {
        task.map(|task| task.index)
    }

    #[test]
    fn what_is_given_back_goes_first_but_never_behind_a_higher_shard() {
        let queue = Queue::of(4);
        let first = queue.take(None).unwrap();
        assert_eq!(index(queue.take(Some(0))), Some(1));
        queue.give_back([Task {
            attempt: 1,
            ..first
        }]);
        assert_eq!(index(queue.take(Some(1))), None);
        let again = queue.take(None).unwrap();
        assert_eq!((again.index, again.attempt), (0, 1));
        assert_eq!(index(queue.take(Some(1))), Some(2));
    }

    #[test]
    fn whoever_waits_is_told_when_nothing_is_left() {
        let queue = Queue::of(1);
        let mut emptied = Box::pin(queue.emptied());
        assert!((&mut emptied).now_or_never().is_none());
        let task = queue.take(None).unwrap();
        assert!(emptied.now_or_never().is_some());
        queue.give_back([task]);
        assert!(queue.emptied().now_or_never().is_none());
        assert_eq!(queue.withdraw(&[task]).len(), 1);
        assert!(queue.withdraw(&[task]).is_empty());
        assert!(queue.is_empty());
    }
}
