//! Which shard's turn a server's message belongs to.
//!
//! Notices come between the messages of an answer, and tokio-postgres hands them out
//! apart from it. The stream below tokio-postgres sees all messages in order
//! ([`super::row_description`]), but not what was asked. So whoever sends a turn notes
//! here whose it is, in the order of sending, and the stream counts the answers
//! (`ReadyForQuery`). Both count from an empty query, whose answer is a message of
//! its own kind: what the client sends for itself before that (type lookups, the
//! closing of statements) cannot be counted from outside.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::notice::Notice;
use crate::client::notices::Notices;
use crate::sharding::shard::Shard;

/// One connection, seen from both sides of tokio-postgres.
#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// How many empty queries were sent.
    marks: u64,
    counting: bool,
    /// What was sent since the last of them, and is not known to be answered.
    asked: VecDeque<Option<Expected>>,
    /// How many of these are answered and were dropped from the front.
    dropped: usize,
    notices: Notices,
    superuser: bool,
}

/// Whose a message is that was sent.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    pub shard: Shard,
    /// Characters in front of the user's statement.
    pub offset: usize,
}

/// Where the stream is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct HeardNotices {
    /// How many empty queries were answered.
    pub marks: u64,
    /// How many answers have ended since, the empty query's included.
    pub answers: usize,
    /// Whether any answer has ended: the connection is open then.
    pub open: bool,
}

impl Wire {
    /// Takes note of a `ParameterStatus`, if it is one that is asked for.
    pub(super) fn note_parameter(&self, body: &[u8]) {
        if let Some(value) = body.strip_prefix(b"is_superuser\0") {
            self.state().superuser = value == b"on\0";
        }
    }

    /// Whether the server takes us for a superuser, as it reports.
    pub(super) fn is_superuser(&self) -> bool {
        self.state().superuser
    }

    /// Notes a message of a turn that is about to be sent. Whether an empty query has
    /// to be sent first.
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

    /// Notes a message that is about to be sent between turns and is of none.
    pub fn ask_between(&self) {
        let mut state = self.state();
        if state.counting {
            state.asked.push_back(None);
        }
    }

    /// What is sent from now on is not noted, until [`Wire::ask`].
    pub fn stop_counting(&self) {
        self.state().counting = false;
    }

    /// Takes what was said so far.
    pub fn take_notices(&self) -> Notices {
        std::mem::take(&mut self.state().notices)
    }

    /// Keeps the body of a notice. One that is neither of a turn nor of the opening of
    /// the connection is about our own statements, and is let go.
    pub(super) fn hear(&self, body: &[u8], heard: HeardNotices) {
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
    /// What is being answered.
    fn asked_at(&mut self, heard: HeardNotices) -> Option<Expected> {
        if !self.counting || heard.marks != self.marks {
            return None;
        }
        // The first answer is the empty query's.
        let index = heard.answers.checked_sub(1)?.checked_sub(self.dropped)?;
        let answered = index.min(self.asked.len());
        self.asked.drain(..answered);
        self.dropped += answered;
        self.asked.front().copied().flatten()
    }
}
