//! Errors of a whole run, and of one shard.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::client::{ConnectError, ServerError, Silence};
use crate::exec::plan::TableName;
use crate::sharding::schemas_from::SchemaListError;
use crate::sharding::statement::Statement;
use crate::text::escape::{indented, one_line};
use crate::text::io_reason::without_numbers;

/// No shard can be read.
#[derive(Debug, thiserror::Error)]
pub enum FanoutError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The statement is invalid in every shard.
    #[error("{}", .0.summary_line())]
    Statement(ServerError),
    #[error("expected one statement, got several; run them separately")]
    SeveralStatements,
    #[error("not a query: the statement returns no columns")]
    NotAQuery,
    /// The statement is a query that COPY does not support.
    #[error("{}", .0.summary_line())]
    NotCopied(ServerError),
    /// The server refused one of shardq's own statements.
    #[error("the server refused to start the transaction: {}", .0.summary_line())]
    Refused(ServerError),
    /// The statement of `--schemas-from` failed.
    #[error("--schemas-from: {}\n{}", .0.0.summary_line(), .0.0.particulars(&.0.1))]
    SchemasFrom(Box<(ServerError, Statement)>),
    #[error("--schemas-from: its tables were rewritten or renamed while they were read, {0} times")]
    ListRewritten(u32),
    /// It returned no usable list.
    #[error("--schemas-from: {0}")]
    SchemaList(#[from] SchemaListError),
    #[error("the connection was lost before any shard was queried: {0}")]
    Lost(String),
    #[error("{0}")]
    Silent(Silence),
    /// No connection that held it is left.
    #[error("the snapshot was lost with the connections")]
    NoSnapshot,
}

impl FanoutError {
    /// The error for a failure of one of shardq's own statements.
    pub(crate) fn setup_failed(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(report) => Self::Refused(ServerError::new(report, 0)),
            None => Self::Lost(cause(error)),
        }
    }

    /// Whether a retry may succeed: the server is restarting or full.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_transient(),
            Self::Refused(report) => is_transient(&report.code),
            Self::SchemasFrom(failed) => is_transient(&failed.0.code),
            Self::Lost(_) => true,
            Self::Statement(_)
            | Self::NotCopied(_)
            | Self::SeveralStatements
            | Self::NotAQuery
            | Self::SchemaList(_)
            | Self::ListRewritten(_)
            | Self::Silent(_)
            | Self::NoSnapshot => false,
        }
    }
}

/// Why a shard has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    #[error("{}", .0.summary_line())]
    Server(ServerError),
    #[error("not a query: the statement returned no result set")]
    NotAQuery,
    #[error("column \"{}\" contains bytes that are not UTF-8", one_line(.column))]
    NotUtf8 { column: String },
    /// `expected` and `found` describe the column.
    #[error("{}, but {} in {reference}", one_line(.found), one_line(.expected))]
    Disagrees {
        found: String,
        expected: String,
        reference: String,
    },
    /// The key that `find` looks for may be in one of these tables.
    #[error("not searched, because you may not read it: {}", .tables.join(", "))]
    NotReadable { tables: Vec<String> },
    #[error("{0}")]
    Silent(Silence),
    #[error("permission denied for schema: without USAGE, nothing in it can be found")]
    SchemaDenied,
    #[error("the connection was lost ({reason}) {}", how_far(*.rows))]
    Lost { reason: String, rows: u64 },
    #[error("the connection was lost ({reason}) and could not be replaced: {why}")]
    NotReplaced { reason: String, why: String },
    #[error("the snapshot was lost with the connections ({reason})")]
    SnapshotLost { reason: String },
    /// Its rows may be complete, or some may be missing.
    #[error(
        "rows may be missing: {} was rewritten, renamed or created after the snapshot was taken",
        .tables.iter().map(TableName::to_string).collect::<Vec<_>>().join(", ")
    )]
    Rewritten { tables: Vec<TableName> },
    /// Its database, one of several, could not be opened.
    #[error("{0}")]
    NotOpened(String),
    #[error("not queried: the run was stopped")]
    NotAsked,
}

impl ShardError {
    /// Whether the run may succeed at a new snapshot: this one is lost, or does not cover what was
    /// read.
    pub fn needs_new_snapshot(&self) -> bool {
        matches!(self, Self::SnapshotLost { .. } | Self::Rewritten { .. })
    }

    /// The tables to lock before the new snapshot is taken.
    pub fn rewritten(self) -> Vec<TableName> {
        match self {
            Self::Rewritten { tables } => tables,
            _ => Vec::new(),
        }
    }

    /// For a statement that took this long. `limit` is its timeout; zero is none.
    #[must_use]
    pub(super) fn after(mut self, took: Duration, limit: Duration) -> Self {
        if let Self::Server(report) = &mut self
            && report.code == SqlState::QUERY_CANCELED
        {
            report.before_time_limit = limit.is_zero() || took < limit;
        }
        self
    }
}

fn how_far(rows: u64) -> String {
    match rows {
        0 => "and retrying did not help".to_owned(),
        _ => "partway through this shard".to_owned(),
    }
}

/// Whether a retry may succeed.
pub(crate) fn is_transient(code: &SqlState) -> bool {
    // Terminated, crashed, starting up; full; cancelled by WAL replay or by a concurrent update.
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ]
    .contains(code)
}

/// The source of the error, which tokio-postgres's Display leaves out.
pub(crate) fn cause(error: &tokio_postgres::Error) -> String {
    let cause = match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    indented(&without_numbers(&cause))
}

/// How often to retry a connection: with [`backoff`], for 6.3 s in total, long enough for a clean
/// restart of a server.
pub const RECONNECTS: u32 = 6;

/// The wait before the next attempt: 0.1 s, doubling each time.
pub fn backoff(tried: u32) -> Duration {
    Duration::from_millis(100 << tried.min(RECONNECTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancelled() -> ShardError {
        ShardError::Server(ServerError {
            severity: "ERROR".to_owned(),
            code: SqlState::QUERY_CANCELED,
            message: "canceling statement due to statement timeout".to_owned(),
            detail: None,
            hint: None,
            advice: None,
            position: None,
            internal: None,
            context: None,
            before_time_limit: false,
        })
    }

    #[test]
    fn a_statement_that_had_time_left_was_cancelled_by_somebody() {
        let seconds = Duration::from_secs;
        for (took, limit, expected) in [(3, 60, true), (60, 60, false), (999, 0, true)] {
            match cancelled().after(seconds(took), seconds(limit)) {
                ShardError::Server(report) => {
                    assert_eq!(report.before_time_limit, expected, "{took} s of {limit} s");
                }
                other => panic!("{other}"),
            }
        }
        let other = ShardError::NotAQuery.after(seconds(1), seconds(60));
        assert_eq!(other, ShardError::NotAQuery);
    }

    #[test]
    fn only_a_lost_or_outdated_snapshot_needs_a_new_one() {
        let reason = "x".to_owned();
        let tables = vec![TableName {
            schema: "shard_0".to_owned(),
            name: "t".to_owned(),
        }];
        let rewritten = ShardError::Rewritten {
            tables: tables.clone(),
        };
        assert!(rewritten.needs_new_snapshot());
        assert_eq!(rewritten.rewritten(), tables);
        let lost = ShardError::SnapshotLost { reason };
        assert!(lost.needs_new_snapshot());
        assert!(lost.rewritten().is_empty());
        assert!(!cancelled().needs_new_snapshot());
    }

    #[test]
    fn a_clean_restart_is_waited_for() {
        let total: Duration = (0..RECONNECTS).map(backoff).sum();
        assert_eq!(total, Duration::from_millis(6300));
        assert_eq!(backoff(RECONNECTS + 40), backoff(RECONNECTS), "no overflow");
    }
}
