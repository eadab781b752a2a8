//! Asks the server for the names of the column types of an export, once the types of all shards are
//! known.

use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

use super::ExportRequest;
use crate::client::Connection;
use crate::exec::cancel::Interrupt;
use crate::exec::column_types::{ColumnTypes, DeclaredType};
use crate::exec::databases::OpenDatabase;
use crate::exec::driver::OpenDatabases;
use crate::exec::fanout::{FanoutError, Session};
use crate::exec::run_report::{RunReport, RunStatus};
use crate::export::columns::{self, TypeName, TypeNames};
use crate::export::manifest::ColumnRecord;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;

/// The columns of a single-file export, if there is a manifest to record them. Closes the databases.
pub async fn of_result(
    request: &ExportRequest<'_>,
    open: Option<OpenDatabases>,
    outcome: &mut RunReport,
) -> Result<Vec<ColumnRecord>, String> {
    let types = if request.has_manifest() {
        outcome.answered_columns()
    } else {
        ColumnTypes::default()
    };
    declared(open, &types, outcome, request.interrupt).await
}

/// The columns for the manifest, or why they are unknown. Closes the databases.
pub async fn declared(
    open: Option<OpenDatabases>,
    types: &ColumnTypes,
    outcome: &mut RunReport,
    interrupt: &Interrupt,
) -> Result<Vec<ColumnRecord>, String> {
    let Some(open) = open else {
        return Ok(Vec::new());
    };
    let databases = open.databases.clone();
    if types.is_empty() {
        drop(open);
        outcome.explain(&databases, interrupt).await;
        databases.close().await;
        return Ok(Vec::new());
    }
    let answered = tokio::select! {
        biased;
        () = interrupt.requested() => None,
        names = names(open, types) => Some(names),
    };
    if answered.is_some() {
        outcome.explain(&databases, interrupt).await;
    }
    databases.close().await;
    match answered {
        Some(Ok(names)) => Ok(columns::records(types, &names)),
        Some(Err(error)) => Err(error.to_string()),
        None => {
            outcome.status = RunStatus::Interrupted;
            Ok(Vec::new())
        }
    }
}

/// How long a session of the run may take to answer; a lost one never does.
const PATIENCE: Duration = Duration::from_secs(5);

async fn names(open: OpenDatabases, types: &ColumnTypes) -> Result<TypeNames, FanoutError> {
    let databases = open.databases.clone();
    let sessions = tokio::time::timeout(PATIENCE, open.into_sessions()).await;
    let mut sessions = sessions.unwrap_or_default().into_iter();
    let mut names = TypeNames::new();
    for database in databases.iter() {
        let session = sessions.next().flatten();
        let own = types.in_database(database.layout.of_database());
        let distinct: Vec<_> = own.distinct().into_iter().collect();
        if !distinct.is_empty() {
            names.extend(in_database(database, session, &distinct).await?);
        }
    }
    Ok(names)
}

/// On a connection of the run, or on a new one if that was lost.
async fn in_database(
    database: &OpenDatabase,
    session: Option<Session>,
    types: &[DeclaredType],
) -> Result<TypeNames, FanoutError> {
    let OpenDatabase { server, layout, .. } = database;
    let of_run = async {
        let mut session = session?;
        session.opened().await.ok()?;
        of(session.connection(), layout, types).await.ok()
    };
    if let Ok(Some(names)) = tokio::time::timeout(PATIENCE, of_run).await {
        return Ok(names);
    }
    of(&server.connection().await?, layout, types).await
}

async fn of(
    connection: &Connection,
    layout: &Layout,
    types: &[DeclaredType],
) -> Result<TypeNames, FanoutError> {
    let pairs: Vec<_> = types
        .iter()
        .map(|declared| format!("({}::pg_catalog.oid, {})", declared.oid, declared.modifier))
        .collect();
    let sql = sql_template::fill(
        include_str!("../../../sql/export/column_types.sql"),
        &[("types", &pairs.join(", "))],
    );
    let messages = connection
        .simple_query(&sql)
        .await
        .map_err(|error| FanoutError::setup_failed(&error))?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows
        .filter_map(|row| {
            let declared = DeclaredType {
                oid: row.get(0)?.parse().ok()?,
                modifier: row.get(1)?.parse().ok()?,
            };
            let can_be_loaded = row.get(5) == Some("t");
            let name = TypeName::new(layout, row.get(2), row.get(3)?, row.get(4)?, can_be_loaded);
            Some(((layout.of_database(), declared), name))
        })
        .collect())
}
