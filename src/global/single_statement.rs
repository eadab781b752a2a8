//! Has the server parse the rewritten statement in the run's transaction, before anything runs.
//! This proves that it is one statement, and errors are reported in terms of the user's own text.

use std::fmt::Write as _;

use tokio_postgres::error::SqlState;

use super::catalog::Catalog;
use super::rewrite::Composed;
use super::unsupported::{self, UnsupportedQuery};
use crate::client::{ServerError, row_description};
use crate::exec::fanout::{FanoutError, Session};
use crate::exec::plan::Plan;
use crate::pg::lexer::StringSyntax;
use crate::pg::query_text::Text;
use crate::pg::row_batch::Column;
use crate::pg::sql_template;
use crate::sharding::statement::Statement;

/// A statement that the server has parsed and accepted.
pub struct Checked {
    /// Runs the rewritten statement.
    pub plan: Plan,
    pub catalog: Catalog,
    pub columns: Vec<Column>,
    composed: Composed,
    strings: StringSyntax,
}

/// Why a global query cannot run: unsupported, or rejected by the server, or the connection failed.
pub enum PrepareError {
    Unsupported(UnsupportedQuery),
    Server(ServerError),
    Connection(FanoutError),
}

impl From<UnsupportedQuery> for PrepareError {
    fn from(query: UnsupportedQuery) -> Self {
        Self::Unsupported(query)
    }
}

impl Checked {
    pub async fn take(
        session: &Session,
        plan: &Plan,
        text: &Text<'_>,
        catalog: Catalog,
        strings: StringSyntax,
    ) -> Result<Self, PrepareError> {
        let composed = Composed::new(text, &catalog);
        let search_path = plan.search_path.without_shard();
        let scene = sql_template::fill(
            include_str!("../../sql/global/session_settings.sql"),
            &[("search_path", &search_path.schemas())],
        );
        let client = session.connection();
        let (set, parsed) = futures::join!(
            client.simple_query(&scene),
            client.prepare(composed.sql.clone())
        );
        set.map_err(|error| PrepareError::Connection(FanoutError::setup_failed(&error)))?;
        let columns = parsed.iter().flat_map(tokio_postgres::Statement::columns);
        let checked = Self {
            columns: columns
                // `row_description` writes the types into the names.
                .filter_map(|column| row_description::column(column.name()))
                .collect(),
            plan: Plan {
                statement: Statement::composed(composed.sql.clone()),
                search_path,
                ..plan.clone()
            },
            catalog,
            composed,
            strings,
        };
        match parsed {
            Ok(_) => Ok(checked),
            Err(error) => Err(match error.as_db_error() {
                Some(report)
                    if report.code() == &SqlState::SYNTAX_ERROR
                        && report.routine() == Some("exec_parse_message") =>
                {
                    PrepareError::Connection(FanoutError::SeveralStatements)
                }
                Some(report) if !ServerError::is_fatal(report) => {
                    checked.refused(plan, ServerError::new(report, 0))
                }
                _ => PrepareError::Connection(FanoutError::setup_failed(&error)),
            }),
        }
    }

    /// Translates the server's error on the rewritten statement to the user's text.
    pub fn refused(&self, users: &Plan, report: ServerError) -> PrepareError {
        let text = Text::new(users.statement.as_str(), self.strings);
        let mut report = self.composed.map_position(report);
        if let Some(refusal) = unsupported::translate(&report, &text, &self.catalog) {
            return PrepareError::Unsupported(refusal);
        }
        if let Some(advice) = unsupported::advice(&report, &text, &self.catalog) {
            report.advise(&advice);
        }
        PrepareError::Server(report)
    }

    /// The strategy, the reason for it, and the SQL.
    pub fn explain(&self, why: &str) -> String {
        let mut text = format!("-- one statement: {why}\n");
        let tables: Vec<_> = self
            .catalog
            .tables
            .iter()
            .map(|t| t.name.as_str())
            .collect();
        let _ = match tables[..] {
            [] => writeln!(text, "-- no sharded table"),
            _ => writeln!(
                text,
                "-- sharded tables: {}, over {} shard{}",
                tables.join(", "),
                self.catalog.shards.len(),
                if self.catalog.shards.len() == 1 {
                    ""
                } else {
                    "s"
                },
            ),
        };
        let _ = writeln!(
            text,
            "SET LOCAL search_path TO {};",
            self.plan.search_path.schemas()
        );
        let _ = writeln!(text, "{};", self.composed.sql.trim_end());
        text
    }
}
