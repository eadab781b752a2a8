//! Has the server compute where keys belong: by its own hashes, or by SQL of the profile.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::client::ServerError;
use crate::exec::fanout::ShardError;
use crate::find::lookup::{self, Lookup, LookupError};
use crate::find::tables::Tables;
use crate::sharding::routing::key::{Key, ServerAnswer};
use crate::sharding::routing::server_rule::{NoHashFunction, ServerRule};

#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The SQL failed, or cannot be computed for this key.
    #[error("where a {kind} belongs cannot be computed: {}", .report.summary_line())]
    Server { kind: String, report: ServerError },
    #[error("where a {kind} belongs cannot be computed: {error}")]
    Type { kind: String, error: NoHashFunction },
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

/// What the routes of these keys follow from, in their order. They are of one kind, `of`; `tables`
/// are those that may hold such keys.
///
/// # Errors
/// If the server cannot compute it for all of them.
pub async fn compute(
    lookup: Lookup<'_>,
    of: &Key,
    tables: &Tables,
    keys: &[String],
) -> Result<Vec<ServerAnswer>, RouteError> {
    let Some(rule) = of.server_rule() else {
        return Ok(Vec::new());
    };
    let kind = of.kind();
    let key_type = tables.key_type().unwrap_or_default();
    let statement = match rule.statement(key_type) {
        Ok(statement) => statement,
        Err(error) => return Err(RouteError::Type { kind, error }),
    };
    let rows = match lookup.ask(&statement, &[(&keys, Type::TEXT_ARRAY)]).await {
        Ok(rows) => rows,
        Err(error) => match lookup::shard_error(&error)? {
            ShardError::Server(report) => return Err(RouteError::Server { kind, report }),
            _ => return Err(LookupError::Lost(error.to_string()).into()),
        },
    };
    if !matches!(rule, ServerRule::Hash { .. }) {
        covered(lookup).await?;
    }
    let answer = |row: &Row| row.try_get(0).ok().flatten();
    Ok(rows.iter().map(answer).collect())
}

/// The tables that SQL of the profile reads are locked until the next statement.
async fn covered(lookup: Lookup<'_>) -> Result<(), LookupError> {
    let sql = lookup.rewritten_sql();
    let connection = lookup.session.connection();
    match connection.query_typed(&sql, &[]).await {
        Ok(rows) => match rows.iter().find_map(lookup::rewritten) {
            Some(table) => Err(LookupError::Rewritten(table)),
            None => Ok(()),
        },
        Err(error) => {
            lookup::shard_error(&error)?;
            Ok(())
        }
    }
}
