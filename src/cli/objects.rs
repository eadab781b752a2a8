//! `shardq indexes` and `shardq functions`.

use clap::Args;

use super::inspect::InspectArgs;

/// List the indexes of all shards: in how many they are, and where they differ
///
/// One row per index: its table, how most shards define it, how many shards have it, and in what the
/// shards differ: definition, missing, or extra where few have it (see shardq drift). The definition
/// of an invalid index is followed by (invalid).
///
/// Exit status: 0 complete, 1 failed, 2 usage error, 3 a table was locked, or shards may be missing,
/// 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq indexes
  shardq indexes --json | jq '.[] | select(.drift != \"none\")'")]
pub struct IndexesArgs {
    #[command(flatten)]
    pub inspect: InspectArgs,
}

/// List the functions of all shards: in how many they are, and where they differ
///
/// One row per function, procedure or aggregate with the types of its arguments: how many shards have
/// it, and in what the shards differ: definition, missing, or extra where few have it (see shardq
/// drift). Functions of extensions are left out.
///
/// Exit status: 0 complete, 1 failed, 2 usage error, 3 shards may be missing, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq functions
  shardq functions --json | jq '.[] | select(.drift != \"none\")'")]
pub struct FunctionsArgs {
    #[command(flatten)]
    pub inspect: InspectArgs,
}
