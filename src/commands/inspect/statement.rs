//! Statements on a connection that has no session of [`super::session`].

use tokio_postgres::SimpleQueryMessage;

use super::error::InspectError;
use super::session::TextRow;
use crate::client::Connection;

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
