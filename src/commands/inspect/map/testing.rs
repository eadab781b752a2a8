//! Maps for tests.

use super::{MapShard, ShardMap};
use crate::sharding::shard::Shard;
use crate::text::humanize::Bytes;

pub fn map<'a>(shards: impl IntoIterator<Item = (&'a str, Option<f64>)>) -> ShardMap {
    let shards = shards.into_iter().map(|(name, value)| MapShard {
        shard: Shard::named(name),
        value,
        details: "more <here>".to_owned(),
    });
    ShardMap::new(shards.collect(), "size", |value| {
        Bytes::of(value).to_string()
    })
}
