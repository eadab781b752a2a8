//! Statements on a connection, and their rows.

use tokio_postgres::SimpleQueryMessage;

use super::error::InspectError;
use crate::client::Connection;

/// A row as the server sent it; `None` is NULL.
pub type TextRow = Vec<Option<String>>;

/// The rows of all results.
pub async fn rows(connection: &Connection, sql: &str) -> Result<Vec<TextRow>, InspectError> {
    let messages = connection.simple_query(sql).await;
    let messages = messages.map_err(|error| InspectError::of(&error))?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            let value = |index| row.get(index).map(str::to_owned);
            Some((0..row.len()).map(value).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}
