//! Which columns the shards of a table have in common: those are united in `all_shards`.

use std::sync::Arc;

use super::notes::Notes;
use super::objects::{Column, Union};
use crate::pg::query_text::SHARD;
use crate::pg::quote::Identifier;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;

/// The columns of a table, and the shards that have them.
pub type Variants = Vec<(Arc<[Column]>, Vec<Shard>)>;

/// All shards of a table as one; `None` if they have no column in common. What is left out is noted.
pub fn union(name: &str, variants: &Variants, all: &[Shard], notes: &mut Notes) -> Option<Union> {
    let table = one_line(name);
    let (first, _) = variants.first()?;
    let is_common = |column: &&Column| variants.iter().all(|(own, _)| own.contains(column));
    let common: Vec<_> = first.iter().filter(is_common).collect();
    for (columns, shards) in variants {
        for column in columns.iter().filter(|column| !common.contains(column)) {
            let column = one_line(&Identifier(&column.name).to_string());
            let message = format!(
                "{table}: column {column} is not in all_shards: other shards lack it, or have it of \
                 another type"
            );
            notes.add(message, shards);
        }
    }
    let mut shards: Vec<_> = variants
        .iter()
        .flat_map(|(_, shards)| shards)
        .copied()
        .collect();
    shards.sort_unstable();
    if common.is_empty() {
        let message = format!("{table}: not in all_shards: its shards have no column in common");
        notes.add(message, &[]);
        return None;
    }
    let lacking: Vec<_> = all
        .iter()
        .filter(|shard| shards.binary_search(shard).is_err())
        .copied()
        .collect();
    if !lacking.is_empty() {
        let lacking = Ranges::of(&lacking).brief();
        notes.add(
            format!("{table}: {lacking} have no such table, or it cannot be read"),
            &[],
        );
    }
    let has_shard_column = common.iter().all(|column| column.name != SHARD);
    if !has_shard_column {
        notes.add(
            format!("{table}: has a column \"shard\" of its own, which stays as it is"),
            &[],
        );
    }
    Some(Union {
        name: name.to_owned(),
        columns: common.into_iter().cloned().collect(),
        has_shard_column,
        schemas: shards.iter().map(|shard| shard.name().to_owned()).collect(),
        partitions: Vec::new(),
    })
}
