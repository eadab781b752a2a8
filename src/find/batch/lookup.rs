//! Looks up many keys, which statements have as an array.

use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::exec::failures::Failures;
use crate::find::batch::key_array::KeyArray;
use crate::find::batch::statements::{self, Target};
use crate::find::lookup::{self, Lookup, LookupError};
use crate::find::tables::Tables;
use crate::pg::sql_template;
use crate::sharding::shard::Shard;

/// Number of pipelined requests. Each may have megabytes of keys.
const IN_FLIGHT: usize = 8;

/// What the statements of one round found.
#[derive(Debug, Default)]
pub struct RoundResult {
    /// Keys, as their indexes in the chunk, and the shards that have them; in shard order.
    pub hits: Vec<(usize, Shard)>,
    pub answered: usize,
    pub failures: Failures,
}

impl RoundResult {
    /// Adds what another database has.
    pub fn extend(&mut self, other: Self) {
        self.hits.extend(other.hits);
        self.answered += other.answered;
        self.failures.extend(&other.failures);
        self.hits.sort_by_key(|(_, shard)| *shard);
    }
}

/// Looks in these shards for the keys that each comes with. Shards that are asked for the same keys
/// share statements: 100,000 keys in 128 shards took 15 s with one per shard, and 3 to 5 s so (debug
/// build, busy machine). A shard that fails does not affect the others. Shards without a table for
/// the keys are skipped.
///
/// # Errors
/// If no shard can be queried any more, or the snapshot does not cover a table.
pub async fn search(
    lookup: Lookup<'_>,
    tables: &Tables,
    requests: Vec<(Shard, Arc<KeyArray>)>,
    mut progress: impl FnMut(usize),
) -> Result<RoundResult, LookupError> {
    let mut result = RoundResult::default();
    let all = statements::targets(tables, requests, true);
    let failed = ask_all(lookup, all, &mut result, &mut progress).await?;
    // One shard of several failed: which?
    let alone = statements::targets(tables, failed, false);
    ask_all(lookup, alone, &mut result, &mut progress).await?;
    result.hits.sort_by_key(|(_, shard)| *shard);
    Ok(result)
}

/// The requests of statements for several shards that failed.
async fn ask_all(
    lookup: Lookup<'_>,
    targets: Vec<Target<'_>>,
    result: &mut RoundResult,
    progress: &mut impl FnMut(usize),
) -> Result<Vec<(Shard, Arc<KeyArray>)>, LookupError> {
    let mut failed = Vec::new();
    let rewritten = &lookup.rewritten_sql();
    let mut answers = std::pin::pin!(
        stream::iter(targets)
            .map(|target| async move {
                let sql = target.statement(lookup.key, rewritten);
                let keys = [target.keys.parameter()];
                let answer = match target.shards.len() {
                    1 => lookup.ask(&sql, &keys).await,
                    _ => ask_without_jit(lookup, &sql, &keys).await,
                };
                (target, answer)
            })
            .buffered(IN_FLIGHT)
    );
    while let Some((target, answer)) = answers.next().await {
        match (answer, &target.shards[..]) {
            (Ok(rows), _) => {
                if let Some(table) = rows.iter().find_map(lookup::rewritten) {
                    return Err(LookupError::Rewritten(table));
                }
                result.answered += target.shards.len();
                let hits = rows.iter().filter_map(|row| hit(&target, row));
                result.hits.extend(hits);
            }
            (Err(error), [(shard, _)]) => {
                result.failures.add(*shard, lookup::shard_error(&error)?);
            }
            (Err(error), shards) => {
                lookup::shard_error(&error)?;
                let again = shards.iter().map(|(shard, _)| *shard);
                failed.extend(again.map(|shard| (shard, Arc::clone(&target.keys))));
            }
        }
        progress(result.answered + result.failures.shards());
    }
    Ok(failed)
}

/// For statements that are planned as if they had many more rows.
async fn ask_without_jit(
    lookup: Lookup<'_>,
    sql: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    lookup.session.recover().await?;
    let connection = lookup.session.connection();
    let no_jit = sql_template::fill(include_str!("../../../sql/find/no_jit.sql"), &[]);
    // Sent in this order, in one round trip.
    let (_, rows) = futures::try_join!(
        connection.simple_query(&no_jit),
        connection.query_typed(sql, parameters)
    )?;
    Ok(rows)
}

/// A key, and a shard that has it.
fn hit(target: &Target<'_>, row: &Row) -> Option<(usize, Shard)> {
    let index = target.keys.index(row.try_get(0).ok()?)?;
    // NULL where the statement has only one shard.
    let position: Option<&str> = row.try_get(1).ok()?;
    let position = position.map_or(Some(0), |position| position.parse().ok())?;
    let (shard, _) = target.shards.get::<usize>(position)?;
    Some((index, *shard))
}
