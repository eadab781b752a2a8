//! Why a connection could not be opened, in libpq's words where it has them, and what to do about
//! it.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use tokio_postgres::error::{DbError, SqlState};

use super::endpoint::{Address, HostAddr};
use super::tls::TlsError;
use crate::config::Host;
use crate::text::escape::indented;
use crate::text::io_reason::io_reason;

/// Every failed attempt, one per line; the last one determines the kind of error. Shared rather
/// than copied, because one failure can affect several shards.
#[derive(Debug, Clone)]
pub struct ConnectError(Arc<Attempts>);

#[derive(Debug)]
struct Attempts {
    earlier: Vec<Failure>,
    last: Failure,
}

/// One attempt, displayed as libpq would.
#[derive(Debug)]
pub(super) struct Failure {
    whereto: ErrorOrigin,
    cause: Cause,
    /// Shown after the cause's own hint.
    note: Option<String>,
}

#[derive(Debug)]
enum ErrorOrigin {
    Name(String),
    Target(HostAddr),
    /// Failed before contacting anything.
    Local,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("{}", without_code(.0))]
    Resolve(io::Error),
    #[error("{}", without_code(.0))]
    Unreachable(io::Error),
    #[error("timeout expired after {} s", .0.as_secs())]
    Timeout(Duration),
    #[error("server does not support SSL, but SSL was required")]
    TlsNotSupported,
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Not what `target_session_attrs` asks for.
    #[error("{0}")]
    WrongSession(&'static str),
    #[error("fe_sendauth: no password supplied")]
    PasswordMissing,
    #[error("{}", server_message(.0))]
    Server(Box<DbError>),
    #[error("{}", lost_message(.0))]
    Lost(io::Error),
    #[error("{0}")]
    Protocol(String),
    #[error("could not read a password from the terminal: {}", without_code(.0))]
    Prompt(io::Error),
}

impl ConnectError {
    /// `failures` are in the order in which they happened.
    pub(super) fn new(mut failures: Vec<Failure>) -> Self {
        let last = failures.pop().unwrap_or(Failure {
            whereto: ErrorOrigin::Local,
            cause: Cause::Protocol("no host to connect to".to_owned()),
            note: None,
        });
        Self(Arc::new(Attempts {
            earlier: failures,
            last,
        }))
    }

    /// An internal failure, not from the server.
    pub(super) fn internal(what: String) -> Self {
        Self::new(vec![Failure {
            whereto: ErrorOrigin::Local,
            cause: Cause::Protocol(what),
            note: None,
        }])
    }

    pub(super) fn prompt(error: io::Error) -> Self {
        Self::new(vec![Failure {
            whereto: ErrorOrigin::Local,
            cause: Cause::Prompt(error),
            note: None,
        }])
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

impl Failure {
    pub fn at(target: &HostAddr, cause: Cause) -> Self {
        Self {
            whereto: ErrorOrigin::Target(target.clone()),
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

    fn hint(&self) -> Option<String> {
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

impl Cause {
    pub fn sqlstate(&self) -> Option<&SqlState> {
        match self {
            Self::Server(error) => Some(error.code()),
            _ => None,
        }
    }

    /// Whether nobody answered, so that the next address is worth a try.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Timeout(_))
    }
}

/// For errors on an open connection; a failure to connect is `Unreachable`.
impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        match TlsError::within(&error) {
            Some(error) => Self::Tls(error),
            None => Self::Lost(error),
        }
    }
}

impl From<tokio_postgres::Error> for Cause {
    fn from(error: tokio_postgres::Error) -> Self {
        if error.is_closed() {
            return Self::Lost(io::ErrorKind::UnexpectedEof.into());
        }
        let what = error.to_string();
        let Some(source) = error.into_source() else {
            return Self::Protocol(what);
        };
        let source = match source.downcast::<DbError>() {
            Ok(error) => return Self::Server(error),
            Err(source) => source,
        };
        match source.downcast::<io::Error>() {
            // tokio-postgres reports malformed messages with this kind.
            Ok(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Self::Protocol(indented(&format!("{what}: {error}")))
            }
            Ok(error) => Self::from(*error),
            // The only sign that the server asked for a password and none was set.
            Err(source) if source.to_string() == "password missing" => Self::PasswordMissing,
            Err(source) => Self::Protocol(indented(&format!("{what}: {source}"))),
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

fn server_message(error: &DbError) -> String {
    let detail = error
        .detail()
        .map(|detail| format!("\nDETAIL:  {}", indented(detail)))
        .unwrap_or_default();
    let headline = format!("{}:  {}", error.severity(), error.message());
    format!("{}{detail}", indented(&headline))
}

fn lost_message(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "server closed the connection unexpectedly".to_owned(),
        _ => format!("could not talk to the server: {}", without_code(error)),
    }
}

/// Strips ` (os error 111)` from `Connection refused (os error 111)`.
fn without_code(error: &io::Error) -> String {
    let text = io_reason(error);
    text.strip_prefix("failed to lookup address information: ")
        .map_or(text.clone(), str::to_owned)
}
