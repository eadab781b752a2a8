//! What a shell looks for before and between statements: which shards there are, and a snapshot that
//! is kept.

use super::ended::Coverage;
use super::per_shard;
use super::request::{QueryRequest, connect_retry};
use crate::commands::databases::Prepared;
use crate::commands::error::Error;
use crate::terminal::console::Console;

/// The shards that a statement would run in, found without running any. `None` if interrupted.
pub(super) async fn discover(
    request: &QueryRequest<'_>,
    console: &mut Console,
) -> Result<Option<Coverage>, Error> {
    let retry = connect_retry(request);
    let Some(found) =
        per_shard::prepare(request, request.args.run.connections, retry, console).await?
    else {
        return Ok(None);
    };
    let per_shard::Setup {
        prepared,
        selection,
        origin_lookups,
    } = found;
    drop(origin_lookups);
    let coverage = Coverage {
        answered: selection.shards.len(),
        expected: selection.expected(),
        location: prepared.scope().location,
    };
    prepared.close().await;
    Ok(Some(coverage))
}

/// Connects, and keeps the databases open at their snapshots. `None` if interrupted.
pub(super) async fn hold(
    request: &QueryRequest<'_>,
    console: &mut Console,
) -> Result<Option<Prepared>, Error> {
    let retry = connect_retry(request);
    let connections = request.targets.databases.len();
    let found = per_shard::prepare(request, connections, retry, console).await?;
    Ok(found.map(|found| found.prepared))
}
