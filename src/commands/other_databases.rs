//! The other databases of a server, for hints: which there are, and which have shards.

use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::client::{ConnectError, Connection, ConnectionPool};
use crate::config::Settings;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;

/// How many other databases are searched at once: a server may have more databases than
/// connections.
const LOOKING_AROUND: usize = 3;

/// Time limit of that search.
const AROUND_WITHIN: Duration = Duration::from_secs(5);

/// The server's databases in which a statement finds shards, and how many. For a hint only:
/// databases that refuse the user or do not answer within seconds are left out.
pub async fn databases_with(
    layout: &Layout,
    shards_sql: &str,
    connection: &Connection,
    settings: &Settings,
) -> Vec<(String, usize)> {
    let deadline = Instant::now() + AROUND_WITHIN;
    let databases = sql_template::fill(include_str!("../../sql/session/databases.sql"), &[]);
    let names = timeout_at(deadline, column(connection, &databases)).await;
    let names = names.unwrap_or_default();
    let counted: Vec<_> = stream::iter(names)
        .map(|name| async move {
            let settings = settings.with_database(&name);
            let searched = timeout_at(deadline, shards_of(&settings, layout, shards_sql)).await;
            (name, searched.map_or(0, Result::unwrap_or_default))
        })
        .buffered(LOOKING_AROUND)
        .collect()
        .await;
    counted
        .into_iter()
        .filter(|(_, shards)| *shards > 0)
        .collect()
}

/// The server's databases, for a hint only: empty if nobody answers within seconds.
pub async fn databases(settings: &Settings) -> Vec<String> {
    let search = async {
        // Every server has it, unless it was dropped.
        let server = ConnectionPool::new(settings.with_database("postgres"), 1)?;
        let connection = server.connection().await?;
        let sql = sql_template::fill(include_str!("../../sql/session/databases.sql"), &[]);
        let names = column(&connection, &sql).await;
        drop(connection);
        server.close().await;
        Ok::<_, ConnectError>(names)
    };
    let searched = timeout_at(Instant::now() + AROUND_WITHIN, search).await;
    searched.map_or_else(|_| Vec::new(), Result::unwrap_or_default)
}

async fn shards_of(
    settings: &Settings,
    layout: &Layout,
    shards_sql: &str,
) -> Result<usize, ConnectError> {
    let server = ConnectionPool::new(settings.clone(), 1)?;
    let connection = server.connection().await?;
    let schemas = column(&connection, shards_sql).await;
    drop(connection);
    server.close().await;
    Ok(schemas.iter().filter_map(|name| layout.shard(name)).count())
}

/// The first column of a result, for a hint only: empty if the statement fails.
pub async fn column(connection: &Connection, sql: &str) -> Vec<String> {
    try_column(connection, sql).await.unwrap_or_default()
}

/// The first column of a result.
///
/// # Errors
/// If the statement fails.
pub async fn try_column(
    connection: &Connection,
    sql: &str,
) -> Result<Vec<String>, tokio_postgres::Error> {
    use tokio_postgres::SimpleQueryMessage::Row;
    let messages = connection.simple_query(sql).await?;
    let first = messages.iter().filter_map(|message| match message {
        Row(row) => row.try_get(0).ok().flatten().map(str::to_owned),
        _ => None,
    });
    Ok(first.collect())
}
