//! Shards with origins, for lookups.

use shardq::pg::quote::Literal;

use super::Db;

/// Shards with empty origins tables, filled by the test.
pub fn with_origins(shards: u32) -> Db {
    let db = Db::with_shards(shards);
    db.in_each_shard("CREATE TABLE origins (id bigint PRIMARY KEY, name text UNIQUE)");
    db
}

pub fn insert(db: &Db, shard: u32, id: i64, name: &str) {
    let name = Literal(name);
    db.in_shard(shard, &format!("INSERT INTO origins VALUES ({id}, {name})"));
}

/// The last line of a run that had to search all shards.
pub fn searched(all: &'static str) -> [&'static str; 2] {
    [all, "shards searched · one snapshot · "]
}
