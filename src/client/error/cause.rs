//! What an attempt to connect failed of, in libpq's words, and how the errors of sockets, TLS and
//! tokio-postgres become that.

use std::io;
use std::time::Duration;

use tokio_postgres::error::{DbError, SqlState};

use crate::client::authentication::AuthRefused;
use crate::client::tls::TlsError;
use crate::text::escape::indented;
use crate::text::io_reason::io_reason;

#[derive(Debug, thiserror::Error)]
pub(in crate::client) enum Cause {
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
    /// Not as `require_auth` and `channel_binding` ask for.
    #[error("{0}")]
    AuthRefused(String),
    #[error("{}", server_message(.0))]
    Server(Box<DbError>),
    #[error("{}", lost_message(.0))]
    Lost(io::Error),
    #[error("{0}")]
    Protocol(String),
    #[error("could not read a password from the terminal: {}", without_code(.0))]
    Prompt(io::Error),
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
        let inner = error.get_ref().and_then(|it| it.downcast_ref());
        if let Some(AuthRefused(reason)) = inner {
            return Self::AuthRefused(reason.clone());
        }
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
            Err(source) if source.to_string() == NOT_BOUND => Self::AuthRefused(
                "channel binding is required, but server did not offer an authentication method \
                 that supports channel binding"
                    .to_owned(),
            ),
            Err(source) => Self::Protocol(indented(&format!("{what}: {source}"))),
        }
    }
}

/// tokio-postgres's only sign that `channel_binding=require` cannot be met.
const NOT_BOUND: &str = "server did not use channel binding";

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
