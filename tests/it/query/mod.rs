//! `shardq query`, but for `--global`.

mod complete;
mod csv_round_trip;
mod delimiter;
mod file;
mod keys;
mod layouts;
mod missing_shards;
mod names;
mod notices;
mod one_instant;
mod origin;
mod pipeline;
mod psql_equal;
mod render;
mod sample;
mod schemas_from;
mod selected;
mod statement;
mod statements;
mod unknown_names;
mod variables;
mod watch;
