//! Resolves names that could mean two things by asking the server, in the run's transaction: a view
//! or sequence of the shards or a relation of public; the column `shard` of the sharded tables or
//! another. A statement without such names costs nothing.

use tokio_postgres::error::SqlState;

use super::catalog::{Catalog, ShardColumn};
use super::introspect::array;
use super::rewrite::Composed;
use super::single_statement::PrepareError;
use super::unsupported::{self, UnsupportedQuery};
use crate::exec::fanout::{FanoutError, Session, result_rows};
use crate::exec::plan::Plan;
use crate::pg::query_text::{SHARD, Text};
use crate::pg::sql_template;

/// The catalog, with the ambiguous names resolved.
///
/// # Errors
/// If a name would resolve to something that the author probably did not mean.
pub async fn resolve_ambiguities(
    session: &Session,
    plan: &Plan,
    text: &Text<'_>,
    mut catalog: Catalog,
) -> Result<Catalog, PrepareError> {
    let own = text.cte_names();
    let unsharded: Vec<_> = catalog
        .views
        .union(&catalog.elsewhere)
        .filter(|name| text.references_table(name) && !own.contains(&name.as_str()))
        .collect();
    if !unsharded.is_empty() {
        let names = array(unsharded.into_iter());
        reject_unsharded_matches(session, plan, &catalog, &names).await?;
    }
    let table = catalog.tables.iter().find(|t| !t.has_own_shard_column());
    if let Some(table) = table.filter(|_| text.mentions(SHARD)) {
        catalog.shard_column = match probe_without_shard_column(session, plan, text, &catalog)
            .await?
        {
            ShardColumnProbe::Valid if text.names_shard_alone() => {
                return Err(PrepareError::Unsupported(UnsupportedQuery::ShardColumn(
                    table.name.clone(),
                )));
            }
            ShardColumnProbe::MissingShardColumn if text.mentions("natural") => {
                return Err(PrepareError::Unsupported(UnsupportedQuery::Natural));
            }
            ShardColumnProbe::MissingShardColumn => ShardColumn::Named,
            ShardColumnProbe::Valid | ShardColumnProbe::InvalidStatement => ShardColumn::NotNamed,
        };
    }
    Ok(catalog)
}

/// Rejects names that resolve to a relation outside the shards.
async fn reject_unsharded_matches(
    session: &Session,
    plan: &Plan,
    catalog: &Catalog,
    names: &str,
) -> Result<(), PrepareError> {
    let lookup_sql = sql_template::fill(
        include_str!("../../sql/global/unsharded_relations.sql"),
        &[("names", names)],
    );
    let message = format!("{};\n{lookup_sql}", scene(plan));
    let answers = session.connection().simple_query(&message).await;
    let answers = answers.map_err(|error| failed(&error))?;
    let found = result_rows(&answers).into_iter().flatten();
    let mut refusals =
        found.filter_map(|row| unsupported::unsharded(row.get(0)?, row.get(1), catalog));
    refusals
        .next()
        .map_or(Ok(()), |refusal| Err(PrepareError::Unsupported(refusal)))
}

/// What the statement is if no sharded table has the column `shard`.
enum ShardColumnProbe {
    /// Valid: every `shard` in it resolves to something else, perhaps not what was meant.
    Valid,
    /// The server finds no such column: it refers to the shard column of a sharded table.
    MissingShardColumn,
    /// Invalid with or without the column.
    InvalidStatement,
}

/// Only the server's parser can tell whose column `shard` is. One shard's tables are enough. The
/// rollback to the savepoint is pipelined, so it costs no extra round trip.
async fn probe_without_shard_column(
    session: &Session,
    plan: &Plan,
    text: &Text<'_>,
    catalog: &Catalog,
) -> Result<ShardColumnProbe, PrepareError> {
    let composed = Composed::new(text, &catalog.in_shard(catalog.shards[0]));
    let (scene, back) = (scene(plan), Plan::recover());
    let client = session.connection();
    let (set, parsed, returned) = futures::join!(
        client.simple_query(&scene),
        client.prepare(composed.sql.clone()),
        client.simple_query(&back),
    );
    set.and(returned).map_err(|error| failed(&error))?;
    let Err(error) = parsed else {
        return Ok(ShardColumnProbe::Valid);
    };
    match error.as_db_error() {
        // If another column is missing, it is still missing once `shard` is added, and is reported
        // then.
        Some(report) if *report.code() == SqlState::UNDEFINED_COLUMN => {
            Ok(ShardColumnProbe::MissingShardColumn)
        }
        // Errors in the statement, as opposed to the server's state.
        Some(report)
            if ["42", "22", "0A"]
                .iter()
                .any(|class| report.code().code().starts_with(class)) =>
        {
            Ok(ShardColumnProbe::InvalidStatement)
        }
        _ => Err(failed(&error)),
    }
}

fn scene(plan: &Plan) -> String {
    sql_template::fill(
        include_str!("../../sql/global/session_settings.sql"),
        &[("search_path", &plan.search_path.schemas())],
    )
}

fn failed(error: &tokio_postgres::Error) -> PrepareError {
    PrepareError::Connection(FanoutError::setup_failed(error))
}
