//! Shards with origins, for lookups.

use std::num::NonZeroU32;

use shardq::pg::quote::Literal;
use shardq::sharding::routing::name_hash;

use super::Db;

/// Shards with empty origins tables, filled by the test.
pub fn with_origins(shards: u32) -> Db {
    let db = Db::with_shards(shards);
    db.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text UNIQUE)");
    db
}

/// The number of the shard where a name belongs.
pub fn home_of(name: &str, shards: u32) -> u32 {
    name_hash::by_name(name, NonZeroU32::new(shards).unwrap())
}

pub fn insert(db: &Db, shard: u32, id: i64, name: &str) {
    let name = Literal(name);
    db.in_shard(shard, &format!("INSERT INTO origins VALUES ({id}, {name})"));
}

/// The last line of a run that had to search all shards.
pub fn searched(all: &'static str) -> [&'static str; 2] {
    [all, "shards searched · one snapshot · "]
}
