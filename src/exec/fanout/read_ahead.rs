//! Limits the rows that were read but not printed yet.
//!
//! Shards are printed in order, whichever finishes first. The shard being printed may always
//! continue (otherwise all would wait for it forever). The others share a budget and stop reading
//! when it is spent. Postgres then stops sending, so memory stays constant however large the result
//! is.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A shard's position in the run's order.
pub type TaskIndex = usize;

/// Counts the attempts of one shard; rows of an earlier attempt are void.
pub type AttemptNumber = u32;

#[derive(Debug, Default)]
pub struct ReadAhead {
    state: Mutex<State>,
    moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The shard being printed.
    current: TaskIndex,
    waiting: usize,
    by_place: BTreeMap<TaskIndex, Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: usize,
    attempt: AttemptNumber,
    /// Whether rows of it were printed and cannot be rolled back.
    out: bool,
}

impl ReadAhead {
    /// For all shards together, in bytes.
    const BUDGET: usize = 4 << 20;
    /// For the shard being printed, in bytes, whatever the others hold.
    const CURRENT: usize = 1 << 20;

    /// Waits until this many bytes of a shard may be read ahead.
    pub async fn admit(&self, index: TaskIndex, bytes: usize) {
        loop {
            let moved = self.moved.notified();
            if self.state().admits(index, bytes) {
                return;
            }
            moved.await;
        }
    }

    /// Frees bytes; returns `false` if they belong to an attempt that was given up.
    pub fn release(&self, index: TaskIndex, attempt: AttemptNumber, bytes: usize) -> bool {
        let mut state = self.state();
        state.waiting = state.waiting.saturating_sub(bytes);
        let entry = state.by_place.entry(index).or_default();
        entry.bytes = entry.bytes.saturating_sub(bytes);
        let valid = entry.attempt == attempt;
        drop(state);
        self.moved.notify_waiters();
        valid
    }

    /// From now on, rows of this shard cannot be rolled back.
    pub fn mark_emitted(&self, index: TaskIndex) {
        self.state().by_place.entry(index).or_default().out = true;
    }

    /// Starts the shard's next attempt; `None` if rows of it were printed.
    pub fn restart(&self, index: TaskIndex) -> Option<AttemptNumber> {
        let mut state = self.state();
        let entry = state.by_place.entry(index).or_default();
        if entry.out {
            return None;
        }
        entry.attempt += 1;
        Some(entry.attempt)
    }

    /// The shard to print is now `current`.
    pub fn advance(&self, current: TaskIndex) {
        let mut state = self.state();
        state.current = current;
        state.by_place = state.by_place.split_off(&current);
        drop(state);
        self.moved.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The counters are valid between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admits(&mut self, index: TaskIndex, bytes: usize) -> bool {
        let entry = self.by_place.entry(index).or_default();
        let first_in_line = index <= self.current && entry.bytes < ReadAhead::CURRENT;
        let fits = self.waiting + bytes <= ReadAhead::BUDGET;
        if first_in_line || fits {
            entry.bytes += bytes;
            self.waiting += bytes;
            true
        } else {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn the_budget_bounds_what_waits_but_never_the_shard_in_print() {
        let window = ReadAhead::default();
        let admitted = |index, bytes| window.admit(index, bytes).now_or_never().is_some();
        assert!(admitted(5, ReadAhead::BUDGET));
        assert!(!admitted(6, 1), "the budget is spent");
        assert!(admitted(0, ReadAhead::CURRENT), "shard 0 is printed now");
        assert!(!admitted(0, 1), "but is not read ahead without end either");
        window.release(0, 0, ReadAhead::CURRENT);
        assert!(admitted(0, 1));
        window.release(0, 0, 1);
        window.advance(5);
        window.release(5, 0, ReadAhead::BUDGET);
        assert!(admitted(6, 1));
    }

    #[test]
    fn a_shard_is_read_again_only_while_nothing_of_it_is_out() {
        let window = ReadAhead::default();
        assert_eq!(window.restart(0), Some(1));
        assert!(!window.release(0, 0, 10), "rows of the first try are void");
        assert!(window.release(0, 1, 10));
        assert_eq!(
            window.restart(0),
            Some(2),
            "they are let go, and can be taken back"
        );
        window.mark_emitted(0);
        assert_eq!(window.restart(0), None);
        assert_eq!(window.restart(1), Some(1));
    }
}
