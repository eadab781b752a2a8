//! Global queries are Postgres's own answers: the same rows are asked once in
//! unsharded tables, by psql, and once spread over shards, by shardq.

mod by_name;
mod differential;
mod generator;
mod locks;
mod parts;
mod refusals;
mod rows;
mod shard_column;
mod world;
