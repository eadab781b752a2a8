//! Looks up many keys: one statement per shard, with its keys as an array.

use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::exec::failures::Failures;
use crate::find::batch::keys::{ChunkKeys, KeyGroup};
use crate::find::lookup::{self, Lookup, LookupError};
use crate::find::tables::{self, KeyTable, Tables};
use crate::pg::quote::Identifier;
use crate::pg::sql_template;
use crate::sharding::routing::key::Key;
use crate::sharding::shard::Shard;

/// Number of pipelined requests. Each may have megabytes of keys.
const IN_FLIGHT: usize = 8;

/// Keys of one group, as a parameter.
#[derive(Debug)]
pub struct KeyArray {
    values: Values,
    /// Their indexes in the chunk.
    indexes: Vec<usize>,
}

#[derive(Debug)]
enum Values {
    Texts(Vec<String>),
    Numbers(Vec<i64>),
}

/// What the statements of one round found.
#[derive(Debug, Default)]
pub struct RoundResult {
    /// Keys, as their indexes in the chunk, and the shards that have them; in shard order.
    pub hits: Vec<(usize, Shard)>,
    pub answered: usize,
    pub failures: Failures,
}

impl KeyArray {
    pub fn new(keys: &ChunkKeys, group: KeyGroup, indexes: Vec<usize>) -> Self {
        let chosen = || indexes.iter().filter_map(|index| keys.states.get(*index));
        let values = match group {
            KeyGroup::Ids => Values::Numbers(
                chosen()
                    .filter_map(|state| match &state.key {
                        Key::Id(id) => Some(id.number()),
                        _ => None,
                    })
                    .collect(),
            ),
            KeyGroup::Origins | KeyGroup::Accounts | KeyGroup::Column | KeyGroup::Listed => {
                Values::Texts(chosen().map(|state| state.key.to_string()).collect())
            }
        };
        Self { values, indexes }
    }

    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }

    fn parameter(&self) -> (&(dyn ToSql + Sync), Type) {
        match &self.values {
            Values::Texts(texts) => (texts, Type::TEXT_ARRAY),
            Values::Numbers(numbers) => (numbers, Type::INT8_ARRAY),
        }
    }

    /// The index in the chunk of the key at this position of the array, from 1.
    fn index(&self, position: &str) -> Option<usize> {
        let position: usize = position.parse().ok()?;
        self.indexes.get(position.checked_sub(1)?).copied()
    }
}

/// Looks in these shards for the keys that each comes with. A shard that fails does not affect the
/// others. Shards without a table for the keys are skipped.
///
/// # Errors
/// If no shard can be queried any more, or the snapshot does not cover a table.
pub async fn search(
    lookup: Lookup<'_>,
    tables: &Tables,
    requests: Vec<(Shard, Arc<KeyArray>)>,
    mut progress: impl FnMut(usize),
) -> Result<RoundResult, LookupError> {
    let searchable = requests.into_iter().filter_map(|(shard, keys)| {
        let tables = tables.in_shard.get(&shard)?;
        Some((shard, tables, keys))
    });
    let mut answers = std::pin::pin!(
        stream::iter(searchable)
            .map(|(shard, tables, keys)| async move {
                let sql = statement(lookup.key, shard, tables);
                let answer = lookup.ask(&sql, &[keys.parameter()]).await;
                (shard, keys, answer)
            })
            .buffered(IN_FLIGHT)
    );
    let mut result = RoundResult::default();
    while let Some((shard, keys, answer)) = answers.next().await {
        match answer {
            Ok(rows) => {
                if let Some(table) = rows.iter().find_map(lookup::rewritten) {
                    return Err(LookupError::Rewritten(table));
                }
                result.answered += 1;
                let indexes = rows.iter().filter_map(|row| index(&keys, row));
                result.hits.extend(indexes.map(|index| (index, shard)));
            }
            Err(error) => result.failures.add(shard, lookup::shard_error(&error)?),
        }
        progress(result.answered + result.failures.shards());
    }
    Ok(result)
}

fn index(keys: &KeyArray, row: &Row) -> Option<usize> {
    keys.index(row.try_get(0).ok()?)
}

fn statement(key: &Key, shard: Shard, tables: &[KeyTable]) -> String {
    let arms = tables.iter().map(|table| arm(key, shard, table));
    let rewritten = sql_template::fill(include_str!("../../../sql/find/rewritten.sql"), &[]);
    let arms: Vec<_> = arms.chain([rewritten]).collect();
    arms.join("\nUNION ALL\n")
}

fn arm(key: &Key, shard: Shard, table: &KeyTable) -> String {
    let key_type = match key {
        Key::Origin(_) | Key::Account(_) => "pg_catalog.text",
        Key::Id(_) => "pg_catalog.int8",
        Key::Value { .. } | Key::Listed { .. } => &table.key_type,
    };
    sql_template::fill(
        include_str!("../../../sql/find/find_keys.sql"),
        &[
            ("type", key_type),
            ("column", &Identifier(tables::column(key)).to_string()),
            ("operator_schema", &table.operator_schema),
            ("table", &lookup::qualified(shard, table)),
        ],
    )
}
