//! Global queries return Postgres's own results: the same rows are queried in unsharded tables with
//! psql, and spread over shards with shardq.

mod by_name;
pub mod differential;
mod drift;
mod encoding;
mod estimate;
mod explain;
mod generator;
mod hostile;
mod locks;
mod lost;
mod own_types;
mod parts;
mod refusals;
mod rows;
mod shard_column;
pub mod world;

use crate::support::{ANY, Db, has_all, shardq};

/// The result as CSV, without a header.
#[track_caller]
fn answered(db: &Db, sql: &str, answer: &str) {
    shardq(["query", "-g", "-t", "--csv", sql])
        .db(db)
        .run()
        .assert(0, format!("{answer}\n").as_str(), ANY);
}

/// The message contains each of these parts.
#[track_caller]
fn refused(db: &Db, sql: &str, parts: &[&str]) {
    shardq(["query", "-g", sql])
        .db(db)
        .run()
        .assert(1, "", has_all(parts));
}
