//! Global queries are Postgres's own answers: the same rows are asked once in
//! unsharded tables, by psql, and once spread over shards, by shardq.

mod differential;
mod generator;
mod parts;
mod refusals;
mod world;
