//! Why a connection could not be opened, in libpq's words where it has them, and what to do about
//! it. `failure` is one attempt, `cause` what it failed of.

mod cause;
mod failure;

use std::sync::Arc;
use std::{fmt, io};

use tokio_postgres::error::SqlState;

pub(super) use cause::Cause;
pub(super) use failure::Failure;

/// Every failed attempt, one per line; the last one determines the kind of error. Shared rather
/// than copied, because one failure can affect several shards.
#[derive(Debug, Clone)]
pub struct ConnectError(Arc<Attempts>);

#[derive(Debug)]
struct Attempts {
    earlier: Vec<Failure>,
    last: Failure,
}

impl ConnectError {
    /// `failures` are in the order in which they happened.
    pub(super) fn new(mut failures: Vec<Failure>) -> Self {
        let last = failures
            .pop()
            .unwrap_or_else(|| Failure::local(Cause::Protocol("no host to connect to".to_owned())));
        Self(Arc::new(Attempts {
            earlier: failures,
            last,
        }))
    }

    /// An internal failure, not from the server.
    pub(super) fn internal(what: String) -> Self {
        Self::new(vec![Failure::local(Cause::Protocol(what))])
    }

    pub(super) fn prompt(error: io::Error) -> Self {
        Self::new(vec![Failure::local(Cause::Prompt(error))])
    }

    pub fn sqlstate(&self) -> Option<&SqlState> {
        self.0.last.cause.sqlstate()
    }

    pub fn needs_password(&self) -> bool {
        matches!(self.0.last.cause, Cause::PasswordMissing)
    }

    pub fn is_wrong_password(&self) -> bool {
        self.sqlstate() == Some(&SqlState::INVALID_PASSWORD)
    }

    /// Ctrl-C at the password prompt.
    pub fn is_interrupt(&self) -> bool {
        matches!(&self.0.last.cause, Cause::Prompt(error) if error.kind() == io::ErrorKind::Interrupted)
    }

    /// Whether a retry may soon succeed: the server is starting, stopping, full or unreachable.
    ///
    /// A missing socket counts, because a restarting server removes and recreates it. A wrong path
    /// looks the same, so retry for seconds, not minutes.
    pub fn is_transient(&self) -> bool {
        match &self.0.last.cause {
            Cause::Unreachable(error) | Cause::Lost(error) => matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::TimedOut
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::WouldBlock
                    | io::ErrorKind::NotFound
            ),
            Cause::Timeout(_) => true,
            Cause::Server(error) => [
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::TOO_MANY_CONNECTIONS,
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::CONNECTION_EXCEPTION,
                SqlState::CONNECTION_FAILURE,
            ]
            .contains(error.code()),
            _ => false,
        }
    }

    pub fn hint(&self) -> Option<String> {
        let last = &self.0.last;
        let hints: Vec<_> = last.hint().into_iter().chain(last.note.clone()).collect();
        (!hints.is_empty()).then(|| hints.join("\n"))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<_> = self.0.earlier.iter().map(Failure::to_string).collect();
        lines.push(self.0.last.to_string());
        // Attempts with and without TLS often fail with the same message.
        lines.dedup();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.last.cause {
            Cause::Server(error) => Some(&**error),
            _ => None,
        }
    }
}
