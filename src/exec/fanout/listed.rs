//! `--schemas-from`: opens the run's transaction, and has the user's statement list the shards at
//! the run's snapshot, before anything that depends on which there are.

use tokio_postgres::error::SqlState;

use super::relation_check::RelationCheck;
use super::results::{exported, results};
use super::session::Exported;
use super::{FanoutError, error};
use crate::client::{Connection, ServerError};
use crate::exec::plan::{ChildTables, Consistency, Plan, TableName};
use crate::sharding::schemas_from::{SchemaListError, SchemaRow, SchemasFrom};
use crate::sharding::statement::Statement;

/// How often the list is read if its tables are rewritten meanwhile.
const ATTEMPTS: u32 = 3;

/// The run's transaction, opened before the rest of the preflight: to list the shards in it, or
/// together with those of other databases.
pub struct OpenTransaction {
    /// `None` if each shard is read at its own moment.
    pub(crate) snapshot: Option<Exported>,
}

/// Lists the shards, if a statement of the user's does. Costs four round trips.
pub(crate) async fn list_shards(
    connection: &Connection,
    plan: &Plan,
    locked: &[TableName],
) -> Result<Option<OpenTransaction>, FanoutError> {
    let Some(schemas) = plan.layout.schemas_from() else {
        return Ok(None);
    };
    let mut locked = locked.to_vec();
    for _ in 0..ATTEMPTS {
        let snapshot = open(connection, plan, &locked).await?;
        let rows = list(connection, schemas).await?;
        let rewritten = check(connection).await?;
        if rewritten.is_empty() {
            schemas.set(rows)?;
            return Ok(Some(OpenTransaction { snapshot }));
        }
        locked.extend(rewritten);
    }
    Err(FanoutError::ListRewritten(ATTEMPTS))
}

/// Opens the run's transaction. A list without the rows that a policy hides would be incomplete
/// without anybody noticing, so that is an error unless the user asks for it.
async fn open(
    connection: &Connection,
    plan: &Plan,
    locked: &[TableName],
) -> Result<Option<Exported>, FanoutError> {
    let opened = match connection.simple_query(&plan.opening(locked)).await {
        // Without the locks, a rewrite is not prevented but still detected.
        Err(error) if !locked.is_empty() && error.as_db_error().is_some() => {
            connection.simple_query(&plan.opening(&[])).await
        }
        opened => opened,
    };
    let opened = opened.map_err(|error| FanoutError::setup_failed(&error))?;
    Ok(match plan.instant {
        Consistency::SharedSnapshot => {
            let results = results(&opened);
            results.first().and_then(|rows| exported(rows))
        }
        Consistency::PerShard => None,
    })
}

/// Tables that were read for the list and that the snapshot does not cover. Releases their locks.
async fn check(connection: &Connection) -> Result<Vec<TableName>, FanoutError> {
    // Not every server has what tells whether partitions changed.
    let sql = Plan::check_relations(ChildTables::Absent);
    let checked = connection.simple_query(&sql).await;
    let checked = checked.map_err(|error| FanoutError::setup_failed(&error))?;
    Ok(RelationCheck::of(results(&checked).into_iter().flatten()).rewritten)
}

/// The server parses the statement on its own first, so it is exactly one.
async fn list(
    connection: &Connection,
    schemas: &SchemasFrom,
) -> Result<Vec<SchemaRow>, FanoutError> {
    let sql = schemas.statement().as_str();
    let parsed = connection.prepare(sql.to_owned()).await;
    let columns = match parsed {
        Ok(parsed) => parsed.columns().len(),
        Err(error) => return Err(failure(&error, schemas.statement())),
    };
    match columns {
        0 => return Err(SchemaListError::NotAQuery.into()),
        1 | 2 => {}
        columns => return Err(SchemaListError::Columns(columns).into()),
    }
    let answers = connection.simple_query(sql).await;
    let answers = answers.map_err(|error| failure(&error, schemas.statement()))?;
    let text = |text: Option<&str>| text.map(str::to_owned);
    let rows = results(&answers).into_iter().flatten().map(|row| {
        let label = (columns == 2).then(|| text(row.get(1)));
        (text(row.get(0)), label)
    });
    Ok(rows.collect())
}

fn failure(error: &tokio_postgres::Error, statement: &Statement) -> FanoutError {
    match error.as_db_error() {
        None => FanoutError::Lost(error::cause(error)),
        Some(report) if ServerError::is_fatal(report) => FanoutError::setup_failed(error),
        // Only this syntax error does not come from the grammar: several statements.
        Some(report)
            if report.code() == &SqlState::SYNTAX_ERROR
                && report.routine() == Some("exec_parse_message") =>
        {
            SchemaListError::NotAQuery.into()
        }
        Some(report) => {
            let failed = (ServerError::new(report, 0), statement.clone());
            FanoutError::SchemasFrom(Box::new(failed))
        }
    }
}
