//! Asks the server for the names of the column types of an export, once the types of all shards are
//! known.

use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

use super::ExportRequest;
use crate::client::Connection;
use crate::exec::cancel::Interrupt;
use crate::exec::column_types::{ColumnTypes, DeclaredType};
use crate::exec::driver::OpenServer;
use crate::exec::fanout::FanoutError;
use crate::exec::run_report::{RunReport, RunStatus};
use crate::export::columns::{self, TypeName, TypeNames};
use crate::export::manifest::ColumnRecord;
use crate::pg::sql_template;
use crate::sharding::layout::Layout;

/// The columns of a single-file export, if there is a manifest to record them. Closes the server.
pub async fn of_result(
    request: &ExportRequest<'_>,
    open_server: Option<OpenServer>,
    outcome: &mut RunReport,
) -> Result<Vec<ColumnRecord>, String> {
    let types = if request.has_manifest() {
        outcome.answered_columns()
    } else {
        ColumnTypes::default()
    };
    declared(
        open_server,
        &request.plan.layout,
        &types,
        outcome,
        request.interrupt,
    )
    .await
}

/// The columns for the manifest, or why they are unknown. Closes the server.
pub async fn declared(
    open_server: Option<OpenServer>,
    layout: &Layout,
    types: &ColumnTypes,
    outcome: &mut RunReport,
    interrupt: &Interrupt,
) -> Result<Vec<ColumnRecord>, String> {
    let Some(open_server) = open_server else {
        return Ok(Vec::new());
    };
    let (server, failure_lookup) = (open_server.server.clone(), open_server.failure_lookup());
    if types.is_empty() {
        drop(open_server);
        outcome.explain(&failure_lookup, &server, interrupt).await;
        server.close().await;
        return Ok(Vec::new());
    }
    let answered = tokio::select! {
        biased;
        () = interrupt.requested() => None,
        names = names(open_server, layout, types) => Some(names),
    };
    if answered.is_some() {
        outcome.explain(&failure_lookup, &server, interrupt).await;
    }
    server.close().await;
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

/// On a connection of the run, or on a new one if that was lost.
async fn names(
    open_server: OpenServer,
    layout: &Layout,
    types: &ColumnTypes,
) -> Result<TypeNames, FanoutError> {
    let server = open_server.server.clone();
    let distinct: Vec<_> = types.distinct().into_iter().collect();
    let of_run = async {
        let mut session = open_server.into_session().await?;
        session.opened().await.ok()?;
        of(session.connection(), layout, &distinct).await.ok()
    };
    if let Ok(Some(names)) = tokio::time::timeout(PATIENCE, of_run).await {
        return Ok(names);
    }
    of(&server.connection().await?, layout, &distinct).await
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
            Some((declared, name))
        })
        .collect())
}
