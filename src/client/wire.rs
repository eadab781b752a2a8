//! Assigns notices to the shard whose query caused them.
//!
//! Notices come between the messages of a response, and tokio-postgres hands them out separately.
//! The stream below tokio-postgres sees all messages in order ([`super::row_description`]) but not
//! the queries. So the sender notes the shard of each query here, in sending order, and the stream
//! counts responses (`ReadyForQuery`). Both count from an empty query, whose response has its own
//! message type: what the client sent on its own before (type lookups, closing of statements)
//! cannot be counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::notice::Notice;
use crate::client::notices::Notices;
use crate::sharding::shard::Shard;

/// One connection, shared by both sides of tokio-postgres.
#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Number of empty queries sent.
    marks: u64,
    counting: bool,
    /// Messages sent since the last empty query and not known to be answered; `None` if not of a
    /// shard.
    asked: VecDeque<Option<Expected>>,
    /// How many of them were answered and removed from the front.
    dropped: usize,
    notices: Notices,
    superuser: bool,
}

/// The shard that a message was sent for.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    pub shard: Shard,
    /// Characters in front of the user's statement.
    pub offset: usize,
}

/// Position of the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct StreamPosition {
    /// Number of empty queries answered.
    pub marks: u64,
    /// Number of responses completed since, including the empty query's.
    pub answers: usize,
    /// Whether any response has completed, which means that the connection is open.
    pub open: bool,
}

impl Wire {
    /// Handles a `ParameterStatus`; only `is_superuser` is kept.
    pub(super) fn note_parameter(&self, body: &[u8]) {
        if let Some(value) = body.strip_prefix(b"is_superuser\0") {
            self.state().superuser = value == b"on\0";
        }
    }

    pub(super) fn is_superuser(&self) -> bool {
        self.state().superuser
    }

    /// Notes that a shard's message is about to be sent. Returns whether an empty query has to be
    /// sent first.
    #[must_use]
    pub fn ask(&self, asked: Expected) -> bool {
        let mut state = self.state();
        let first = !std::mem::replace(&mut state.counting, true);
        if first {
            state.marks += 1;
            state.asked.clear();
            state.dropped = 0;
        }
        state.asked.push_back(Some(asked));
        first
    }

    /// Notes that a message that belongs to no shard is about to be sent.
    pub fn ask_between(&self) {
        let mut state = self.state();
        if state.counting {
            state.asked.push_back(None);
        }
    }

    /// Stops counting until the next [`Wire::ask`].
    pub fn stop_counting(&self) {
        self.state().counting = false;
    }

    /// Takes the notices so far.
    pub fn take_notices(&self) -> Notices {
        std::mem::take(&mut self.state().notices)
    }

    /// Stores a notice. One that comes neither from a shard's statement nor from opening the
    /// connection is about our own statements and is dropped.
    pub(super) fn hear(&self, body: &[u8], heard: StreamPosition) {
        let mut state = self.state();
        let asked = state.asked_at(heard);
        if heard.open && asked.is_none() {
            return;
        }
        let notice = Notice::read(body, asked.map_or(0, |asked| asked.offset));
        state.notices.add(asked.map(|asked| asked.shard), notice);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is valid between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The message that the current response belongs to.
    fn asked_at(&mut self, heard: StreamPosition) -> Option<Expected> {
        if !self.counting || heard.marks != self.marks {
            return None;
        }
        // The first response is the empty query's.
        let index = heard.answers.checked_sub(1)?.checked_sub(self.dropped)?;
        let answered = index.min(self.asked.len());
        self.asked.drain(..answered);
        self.dropped += answered;
        self.asked.front().copied().flatten()
    }
}
