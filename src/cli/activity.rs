//! `shardq activity`.

use std::time::Duration;

use clap::Args;

use super::inspect::InspectArgs;
use super::values;

/// Show which processes hold or wait for locks in the shards, and who blocks whom
///
/// One row per server process that has locked a table of a shard, waits for a lock, or blocks one
/// that waits: the shards it has locked, with the strongest mode; what it waits for; since when;
/// the processes that block it and that it blocks; and its statement, or the last one if it is
/// idle. Prepared transactions have no process.
///
/// Only members of `pg_monitor` see the statements of other users.
///
/// Exit status: 0 complete, 1 failed, 2 usage error, 3 shards may be missing, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq activity
  shardq activity --blocking
  shardq activity --watch 2s

Times are for people in tables (4 min 05 s), and seconds in the other formats. In a table, long
statements are cut unless --blocking is given.")]
pub struct ActivityArgs {
    /// Show only processes that block others, with their whole statements
    #[arg(long)]
    pub blocking: bool,

    /// Show it again every TIME, e.g. 2s, until interrupted
    #[arg(long, value_name = "TIME", value_parser = values::interval, conflicts_with = "output")]
    pub watch: Option<Duration>,

    #[command(flatten)]
    pub inspect: InspectArgs,
}
