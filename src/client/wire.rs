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

use super::authentication::{AuthRefused, AuthRules, Authentication};
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
    expected: VecDeque<Option<Expected>>,
    /// How many of them were answered and removed from the front.
    dropped: usize,
    notices: Notices,
    superuser: bool,
    auth_rules: AuthRules,
    authentication: Option<Authentication>,
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

    /// How the server may authenticate us.
    pub(super) fn with_auth_rules(self, rules: AuthRules) -> Self {
        self.state().auth_rules = rules;
        self
    }

    /// Handles a request for authentication; only the first is kept, and checked.
    pub(super) fn note_authentication(&self, request: u32) -> Result<(), AuthRefused> {
        let mut state = self.state();
        if state.authentication.is_some() {
            return Ok(());
        }
        let asked = Authentication::of_request(request);
        state.authentication = Some(asked);
        state.auth_rules.check(asked)
    }

    pub(super) fn authentication(&self) -> Option<Authentication> {
        self.state().authentication
    }

    /// Notes that a shard's message is about to be sent. Returns whether an empty query has to be
    /// sent first.
    #[must_use]
    pub fn expect(&self, expected: Expected) -> bool {
        let mut state = self.state();
        let first = !std::mem::replace(&mut state.counting, true);
        if first {
            state.marks += 1;
            state.expected.clear();
            state.dropped = 0;
        }
        state.expected.push_back(Some(expected));
        first
    }

    /// Notes that a message that belongs to no shard is about to be sent.
    pub fn ask_between(&self) {
        let mut state = self.state();
        if state.counting {
            state.expected.push_back(None);
        }
    }

    /// Stops counting until the next [`Wire::expect`].
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
        let expected = state.expected_at(heard);
        if heard.open && expected.is_none() {
            return;
        }
        let notice = Notice::read(body, expected.map_or(0, |expected| expected.offset));
        state
            .notices
            .add(expected.map(|expected| expected.shard), notice);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is valid between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The message that the current response belongs to.
    fn expected_at(&mut self, heard: StreamPosition) -> Option<Expected> {
        if !self.counting || heard.marks != self.marks {
            return None;
        }
        // The first response is the empty query's.
        let index = heard.answers.checked_sub(1)?.checked_sub(self.dropped)?;
        let answered = index.min(self.expected.len());
        self.expected.drain(..answered);
        self.dropped += answered;
        self.expected.front().copied().flatten()
    }
}
