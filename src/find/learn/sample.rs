//! Keys of a column, and the shards that they are in: some of each shard, at one snapshot.

use futures::{StreamExt, stream};

use crate::exec::failures::Failures;
use crate::find::lookup::{self, Lookup, LookupError};
use crate::find::tables::{self, Tables};
use crate::pg::quote::Identifier;
use crate::pg::sql_template;
use crate::sharding::numbering::Numbering;
use crate::sharding::shard::Shard;

/// Keys in all. With 4,096, a wrong rule cannot fit by chance, and all rules take 0.7 s for 128 shards
/// (debug build).
const KEYS: usize = 4096;

/// Rows of a table that are read for them.
const ROWS: usize = 10_000;

/// Pipelined requests, as of a lookup.
const IN_FLIGHT: usize = 64;

#[derive(Debug, Default)]
pub struct Sample {
    pub keys: Vec<SampleKey>,
    pub failures: Failures,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleKey {
    pub text: String,
    pub shard: Shard,
    /// That of the shard; 0 where shards have names.
    pub number: u32,
}

impl Sample {
    /// Adds what another database has.
    pub fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.keys.sort_by_key(|key| key.shard);
        self.failures.extend(&other.failures);
    }

    /// How many shards have some of the keys.
    pub fn shards(&self) -> usize {
        let mut shards: Vec<_> = self.keys.iter().map(|key| key.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        shards.len()
    }

    pub fn texts(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.text.clone()).collect()
    }
}

/// Keys of each of so many shards.
pub fn per_shard(shards: usize) -> usize {
    (KEYS / shards.max(1)).clamp(8, 512)
}

/// `numbering` is that of shards that are numbered.
///
/// # Errors
/// If no shard can be queried any more, or the snapshot does not cover a table.
pub async fn take(
    lookup: Lookup<'_>,
    numbering: Option<&Numbering>,
    tables: &Tables,
    per_shard: usize,
) -> Result<Sample, LookupError> {
    let mut answers = std::pin::pin!(
        stream::iter(&tables.in_shard)
            .map(|(shard, tables)| async move {
                let arms = tables.iter().map(|table| {
                    let arm = sql_template::fill(
                        include_str!("../../../sql/find/sample_keys.sql"),
                        &[
                            (
                                "column",
                                &Identifier(tables::column(lookup.key)).to_string(),
                            ),
                            ("table", &lookup::qualified(*shard, table)),
                            ("rows", &ROWS.to_string()),
                            ("keys", &per_shard.to_string()),
                        ],
                    );
                    format!("({arm})")
                });
                let arms: Vec<_> = arms.chain([lookup.rewritten_sql()]).collect();
                let sql = arms.join("\nUNION ALL\n");
                (*shard, lookup.ask(&sql, &[]).await)
            })
            .buffered(IN_FLIGHT)
    );
    let mut sample = Sample::default();
    while let Some((shard, answer)) = answers.next().await {
        let rows = match answer {
            Ok(rows) => rows,
            Err(error) => {
                let error = lookup::shard_error(&error)?;
                sample.failures.add(shard, error);
                continue;
            }
        };
        if let Some(table) = rows.iter().find_map(lookup::rewritten) {
            return Err(LookupError::Rewritten(table));
        }
        let number = match numbering.map(|numbering| numbering.number(shard)) {
            None => 0,
            Some(Some(number)) => number,
            Some(None) => continue,
        };
        let texts = rows.iter().filter_map(|row| row.try_get(0).ok());
        sample.keys.extend(texts.map(|text| SampleKey {
            text,
            shard,
            number,
        }));
    }
    Ok(sample)
}
