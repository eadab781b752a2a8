//! `shardq describe`.

use clap::Args;

use super::inspect::InspectArgs;
use super::values;

/// Describe a table as all shards have it, and where some differ
///
/// Like psql's \d: columns, constraints, indexes, triggers, policies, owner, privileges, comments,
/// and the foreign keys that refer to it. One row per definition, with the shards that have it so.
///
/// Exit status: 0 complete, whether shards differ or not, 1 failed, 2 usage error, 3 a shard could
/// not be read, or shards may be missing, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq describe origins
  shardq describe '\"Jobs\"' --shards 0-15
  shardq describe origins --json")]
pub struct DescribeArgs {
    /// Describe this table, view or sequence
    ///
    /// As in SQL, NAME is folded to lower case unless it is in double quotes.
    #[arg(value_name = "NAME", value_parser = values::table_name)]
    pub table: String,

    #[command(flatten)]
    pub inspect: InspectArgs,
}
