//! One failed attempt to connect: where to, why, and what to do about it.

use std::fmt;

use tokio_postgres::error::{DbError, SqlState};

use super::cause::Cause;
use crate::client::endpoint::{Address, HostAddr};
use crate::config::Host;
use crate::text::escape::indented;

/// One attempt, displayed as libpq would.
#[derive(Debug)]
pub(in crate::client) struct Failure {
    whereto: ErrorOrigin,
    pub(super) cause: Cause,
    /// Shown after the cause's own hint.
    pub(super) note: Option<String>,
}

#[derive(Debug)]
enum ErrorOrigin {
    Name(String),
    Target(HostAddr),
    /// Failed before contacting anything.
    Local,
}

impl Failure {
    pub fn at(target: &HostAddr, cause: Cause) -> Self {
        Self {
            whereto: ErrorOrigin::Target(target.clone()),
            cause,
            note: None,
        }
    }

    /// Failed before contacting anything.
    pub(super) fn local(cause: Cause) -> Self {
        Self {
            whereto: ErrorOrigin::Local,
            cause,
            note: None,
        }
    }

    pub fn resolving(host: &Host, cause: Cause) -> Self {
        Self {
            whereto: ErrorOrigin::Name(host.name().unwrap_or_default().to_owned()),
            cause,
            note: None,
        }
    }

    #[must_use]
    pub fn with_note(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }

    pub(super) fn hint(&self) -> Option<String> {
        let hint = match &self.cause {
            Cause::Server(error) => match error.hint() {
                Some(hint) => return Some(indented(hint)),
                // The note tells where the password is from.
                None if self.note.is_some() => return None,
                None => server_hint(error)?,
            },
            Cause::Tls(error) => return error.hint(),
            Cause::Resolve(_) => "Check the host name and the name server.",
            Cause::Unreachable(_) | Cause::Lost(_) if self.is_local() => {
                "Is the server running locally and accepting connections on that socket?"
            }
            Cause::Unreachable(_) | Cause::Lost(_) => {
                "Is the server running on that host and accepting TCP/IP connections?"
            }
            Cause::Timeout(_) => {
                "To wait longer, set connect_timeout (or PGCONNECT_TIMEOUT) in seconds; 0 waits \
                 forever."
            }
            Cause::TlsNotSupported => {
                "Enable ssl on the server, or connect without encryption: sslmode=prefer (or \
                 PGSSLMODE)."
            }
            Cause::WrongSession(_) => return None,
            Cause::AuthRefused(_) => {
                "pg_hba.conf on the server decides how users authenticate; require_auth (or \
                 PGREQUIREAUTH) and channel_binding (or PGCHANNELBINDING), what is accepted."
            }
            Cause::PasswordMissing => {
                "Give the password in ~/.pgpass or PGPASSWORD, or at a terminal without -w."
            }
            Cause::Protocol(_) if matches!(self.whereto, ErrorOrigin::Local) => return None,
            Cause::Protocol(_) => "Is that a Postgres server?",
            Cause::Prompt(_) => "Give the password in ~/.pgpass or PGPASSWORD.",
        };
        Some(hint.to_owned())
    }

    fn is_local(&self) -> bool {
        matches!(
            &self.whereto,
            ErrorOrigin::Target(HostAddr {
                address: Address::Socket(_),
                ..
            })
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = &self.cause;
        match &self.whereto {
            ErrorOrigin::Local => write!(f, "{cause}"),
            ErrorOrigin::Name(name) => {
                write!(
                    f,
                    "could not translate host name \"{name}\" to address: {cause}"
                )
            }
            ErrorOrigin::Target(target) => write!(f, "connection to {target} failed: {cause}"),
        }
    }
}

/// For what the server says no more about. Defaults cause most of them: the database and the user
/// are named after the system's user.
fn server_hint(error: &DbError) -> Option<&'static str> {
    let code = error.code();
    // Of pg_hba.conf, which another user need not help with.
    let no_entry = error.routine() == Some("ClientAuthentication");
    if *code == SqlState::INVALID_CATALOG_NAME {
        Some("Name the database with -d or PGDATABASE; psql -l lists them.")
    } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION && !no_entry {
        Some("Name the user with -U or PGUSER.")
    } else if *code == SqlState::INVALID_PASSWORD {
        Some("Check the password in ~/.pgpass or PGPASSWORD.")
    } else {
        None
    }
}
