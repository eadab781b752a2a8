//! `shardq tables`.

use clap::{Args, ValueEnum};

use super::inspect::InspectArgs;
use super::values;

/// List the tables of all shards: in how many they are, how large, how evenly filled
///
/// One row per table: how many shards have it, its rows and its size with indexes over all shards,
/// the largest shard and how much larger it is than the median, and in what the shards' definitions
/// differ (see shardq drift). Rows and sizes are estimates, as of the last VACUUM or ANALYZE; --exact
/// counts the rows and measures the files.
///
/// Exit status: 0 complete, 1 failed, 2 usage error, 3 some shards could not be counted or may be
/// missing, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq tables
  shardq tables --sort size
  shardq tables --json | jq '.[] | select(.drift != \"none\")'")]
pub struct TablesArgs {
    /// Sort by this column; all but the name in descending order
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub sort: TableOrder,

    /// Do not compare definitions, which takes longest
    #[arg(long, help_heading = "Output")]
    pub no_drift: bool,

    /// Count the rows and measure the files of all tables, at one snapshot per database
    ///
    /// Reads every table, so it takes as long as a count of all rows, and waits for locks.
    #[arg(long, help_heading = "Run")]
    pub exact: bool,

    /// Use at most N connections per server for --exact
    #[arg(short = 'j', long, value_name = "N", default_value_t = 4, value_parser = values::connections, help_heading = "Run")]
    pub connections: usize,

    #[command(flatten)]
    pub inspect: InspectArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TableOrder {
    #[default]
    Name,
    Size,
    Rows,
    Skew,
}
