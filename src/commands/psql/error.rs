//! Why psql was not started.

use std::io;

use crate::text::io_reason::io_reason;

#[derive(Debug, thiserror::Error)]
pub enum PsqlError {
    #[error(
        "psql is not in PATH\nshardq: hint: install the PostgreSQL client, or add its directory to \
         PATH, as in PATH=$PATH:/usr/lib/postgresql/15/bin"
    )]
    NotInstalled,
    #[error("psql could not be run: {}", io_reason(.0))]
    NotRun(io::Error),
    #[error("psql runs in one shard, but --shards selects {count}: {shards}")]
    SeveralShards { count: usize, shards: String },
    #[error("the key is in several shards: {0}\nshardq: hint: choose one with --shards")]
    KeyInSeveral(String),
}
