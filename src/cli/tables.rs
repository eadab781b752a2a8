//! `shardq tables`.

use clap::{Args, ValueEnum};

use super::inspect::InspectArgs;

/// List the tables of all shards: in how many they are, how large, how evenly filled
///
/// One row per table: how many shards have it, its rows and its size with indexes over all shards,
/// the largest shard and how much larger it is than the median, and in what the shards' definitions
/// differ (see shardq drift). Rows and sizes are estimates, as of the last VACUUM or ANALYZE.
///
/// Exit status: 0 complete, 1 failed, 2 usage error, 3 shards may be missing, 130 interrupted.
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
