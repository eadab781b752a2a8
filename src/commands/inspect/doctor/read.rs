//! Reads the facts of one database: with six statements, whatever the number of shards.

use std::time::{Duration, Instant};

use super::facts::{
    Anomaly, ConnectionFacts, DatabaseFacts, FullSequence, Pooler, ServerFacts, ShardFacts,
};
use crate::cli::drift::ComparedArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::inspect::drift::catalog::{self, Scope};
use crate::commands::inspect::error::InspectError;
use crate::commands::inspect::session::InspectSession;
use crate::commands::inspect::statement::rows;
use crate::exec::plan::shards_sql;
use crate::pg::sql_template;
use crate::sharding::discovered::Discovered;
use crate::sharding::guess;
use crate::sharding::layout::Layout;
use crate::sharding::topology::Topology;

/// Nothing that is waited for is worth more of somebody's time.
const LIMITS: &str = "BEGIN READ ONLY;
SET LOCAL statement_timeout = '60s';
SET LOCAL lock_timeout = '1s'";

/// For a second connection.
const POOLER: Duration = Duration::from_secs(2);

pub async fn facts(
    connection: &Connection,
    server: &ConnectionPool,
    layout: &Layout,
) -> Result<DatabaseFacts, InspectError> {
    connection.mark_busy();
    connection.begin_transaction();
    let began = Instant::now();
    rows(connection, LIMITS).await?;
    let round_trip = began.elapsed();
    let shards = shards(connection, layout).await?;
    let session = InspectSession::on(connection, layout, shards.shards.clone()).await?;
    let names = session.shards_sql();
    let filled = |template| sql_template::fill(template, &[("shards", &names)]);
    let read = async |template| session.query(&filled(template)).await;
    let of_server = read(include_str!("../../../../sql/inspect/doctor_server.sql")).await?;
    let of_server = of_server
        .first()
        .map(ServerFacts::of_row)
        .unwrap_or_default();
    let anomalies = read(include_str!("../../../../sql/inspect/doctor_findings.sql")).await?;
    let anomalies = anomalies
        .iter()
        .map(|row| Anomaly::of_row(row, &shards.shards));
    // What follows may wait for locks.
    let sequences = read(include_str!("../../../../sql/inspect/doctor_sequences.sql")).await;
    let sequences = sequences.map(|rows| {
        let sequences = rows.iter();
        sequences
            .filter_map(|row| FullSequence::of_row(row, &shards.shards))
            .collect()
    });
    let compared = ComparedArgs::default();
    let shape = catalog::shape(&session, &compared, Scope::Differing).await;
    // Its response does not matter: the connection closes after it.
    let _ = rows(connection, "ROLLBACK").await;
    connection.mark_done();
    connection.end_transaction();
    let pooler = if of_server.process == connection.process_id() {
        Pooler::None
    } else {
        pooler(connection, server).await
    };
    Ok(DatabaseFacts {
        connection: ConnectionFacts {
            ssl_mode: server.settings().tls().mode,
            authentication: server.authentication(),
            pooler,
            round_trip,
        },
        server: of_server,
        anomalies: anomalies.collect(),
        sequences: sequences.map_err(|error| reason(&error)),
        shape: shape.map_err(|error| reason(&error)),
        shards,
    })
}

/// The process that serves is not the one that answered at first, so a pooler is in between. In
/// session mode, two connections never share a process. In transaction mode, `PgBouncer` prefers the
/// server connection that was used last.
async fn pooler(connection: &Connection, server: &ConnectionPool) -> Pooler {
    const PROCESS: &str = "SELECT pg_catalog.pg_backend_pid()";
    let other = async {
        let pool = ConnectionPool::new(server.settings().clone(), 1).ok()?;
        let other = pool.connection().await.ok()?;
        let first = rows(connection, PROCESS).await.ok()?;
        let second = rows(&other, PROCESS).await.ok()?;
        drop(other);
        pool.close().await;
        Some(first == second)
    };
    // Without a free connection, it would wait for the pooler's own limit.
    match tokio::time::timeout(POOLER, other).await {
        Ok(Some(true)) => Pooler::TransactionMode,
        _ => Pooler::SessionOrTransactionMode,
    }
}

fn reason(error: &InspectError) -> String {
    let error = error.to_string();
    error.lines().next().unwrap_or_default().to_owned()
}

async fn shards(connection: &Connection, layout: &Layout) -> Result<ShardFacts, InspectError> {
    let first = |row: Vec<Option<String>>| row.into_iter().next().flatten();
    let schemas = rows(connection, &shards_sql(layout, None)).await?;
    let schemas: Vec<_> = schemas.into_iter().filter_map(first).collect();
    let discovered = Discovered::new(layout, schemas.iter().map(String::as_str));
    let mut facts = ShardFacts {
        naming: layout.naming(),
        look_alikes: discovered.look_alikes.to_string(),
        topology: Topology::new(discovered, layout),
        ..ShardFacts::default()
    };
    if let Some(topology) = &facts.topology {
        facts.shards = topology.shards().to_vec();
        facts.gaps = topology.lacking().to_string();
    } else {
        let all = include_str!("../../../../sql/session/schemas.sql");
        let all = rows(connection, &sql_template::fill(all, &[])).await?;
        let all: Vec<_> = all.into_iter().filter_map(first).collect();
        facts.guesses = guess::layouts(&all);
    }
    Ok(facts)
}
