//! Why an inspection failed.

use std::io;
use std::path::PathBuf;

use tokio_postgres::error::SqlState;

use crate::client::ServerError;
use crate::exec::{fanout, hints};
use crate::pg::quote::Identifier;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::text::escape::one_line;
use crate::text::io_reason::io_reason;

#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error(
        "{}\n{}",
        .0.summary_line(),
        // A position in a statement that the user has never seen.
        .0.particulars(&Statement::composed(String::new()))
    )]
    Server(ServerError),
    #[error(
        "no selected shard has a table {}{}", one_line(&Identifier(.table).to_string()),
        .hint.as_ref().map(|hint| format!("\nshardq: hint: {hint}")).unwrap_or_default()
    )]
    NoTable {
        table: String,
        /// The nearest name.
        hint: Option<String>,
    },
    #[error("the connection was lost: {0}")]
    Lost(String),
    #[error("{shard}: --by returned {}, not one number that is 0 or more", one_line(.reason))]
    NotANumber { shard: Shard, reason: String },
}

/// Why a file is not what `drift --save` writes.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    #[error("{}: {}", .file.display(), io_reason(.error))]
    Unreadable { file: PathBuf, error: io::Error },
    #[error("{}: not a file that shardq drift --save wrote: {}", .file.display(), one_line(.reason))]
    Invalid { file: PathBuf, reason: String },
    #[error(
        "{}: its format is version {version}, and this shardq reads version {known}; save it anew",
        .file.display()
    )]
    OtherVersion {
        file: PathBuf,
        version: u64,
        known: u32,
    },
}

impl InspectError {
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        let Some(report) = error.as_db_error() else {
            return Self::Lost(fanout::cause(error));
        };
        let mut report = ServerError {
            position: None,
            ..ServerError::new(report, 0)
        };
        let advice = if report.code == SqlState::LOCK_NOT_AVAILABLE {
            Some(hints::LOCKED)
        } else if report.code == SqlState::QUERY_CANCELED {
            Some(hints::RAISE_TIMEOUT)
        } else if report.code == SqlState::SYNTAX_ERROR && report.message.contains("MATERIALIZED") {
            Some("this command needs PostgreSQL 12 or later")
        } else {
            None
        };
        if let Some(advice) = advice {
            report.advise(advice);
        }
        Self::Server(report)
    }

    /// Whether a retry may succeed, at a new snapshot.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Server(report) => fanout::is_transient(&report.code) || is_dropped(report),
            Self::Lost(_) => true,
            Self::NoTable { .. } | Self::NotANumber { .. } => false,
        }
    }

    /// The server has no room for as many locks as a statement takes.
    pub fn is_out_of_locks(&self) -> bool {
        matches!(self, Self::Server(report) if report.code == SqlState::OUT_OF_MEMORY)
    }

    pub fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Server(report) if report.code == SqlState::LOCK_NOT_AVAILABLE)
    }
}

/// An object was dropped after the snapshot was taken. `pg_get_indexdef` and the like read the
/// present: `cache lookup failed for …`, `could not open relation with OID …`.
fn is_dropped(report: &ServerError) -> bool {
    [
        SqlState::INTERNAL_ERROR,
        SqlState::UNDEFINED_OBJECT,
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_FUNCTION,
        SqlState::UNDEFINED_COLUMN,
    ]
    .contains(&report.code)
}
