//! Errors of the layers below that need more than `From`: with the user's statement, a position in
//! it can be shown.

use tokio_postgres::error::SqlState;

use super::Error;
use crate::client::ServerError;
use crate::exec::fanout::FanoutError;
use crate::find::route::RouteError;
use crate::global::PrepareError;
use crate::sharding::statement::Statement;

impl Error {
    /// An error of the server's parser.
    pub fn refused(report: ServerError, statement: &Statement) -> Self {
        let of_psql = report
            .position
            .filter(|_| report.code == SqlState::SYNTAX_ERROR)
            .and_then(|position| statement.psql_command_at(position));
        match of_psql {
            Some(error) => error.into(),
            None => Self::Refused {
                report,
                statement: statement.clone(),
            },
        }
    }

    pub fn fanout(error: FanoutError, statement: &Statement) -> Self {
        match error {
            FanoutError::Connect(error) => Self::Connect(error),
            FanoutError::Statement(report) => Self::refused(report, statement),
            FanoutError::NotCopied(report) => Self::NotCopied {
                report,
                statement: statement.clone(),
            },
            other => Self::Fanout(other),
        }
    }

    /// A refused global query. `statement` is the user's.
    pub fn global(refused: PrepareError, statement: &Statement) -> Self {
        match refused {
            PrepareError::Unsupported(refusal) => refusal.into(),
            PrepareError::Server(report) => Self::refused(report, statement),
            PrepareError::Connection(error) => Self::fanout(error, statement),
        }
    }
}

impl From<RouteError> for Error {
    /// A lost connection is one wherever it is noticed.
    fn from(error: RouteError) -> Self {
        match error {
            RouteError::Lookup(error) => Self::Lookup(error),
            other => Self::Route(other),
        }
    }
}
