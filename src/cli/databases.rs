//! `shardq databases`.

use clap::Args;

use super::connection::ConnectionArgs;
use super::layout::LayoutArgs;
use super::query::OutputArgs;

/// List the databases of all servers, with their shards
///
/// One row per database: its size, whether it is sharded, by which layout, how many shards it has,
/// which are missing (gaps in the numbers), and schemas that only look like shards. Where no schema
/// is a shard by --schemas, the layout is guessed from the names: sharded is then "perhaps". A
/// database that refuses the connection is listed with the reason.
///
/// Connects to each database, at most three per server at once. --databases lists those that match.
///
/// Exit status: 0 all databases are listed, 1 failed, 2 usage error, 3 a server could not be reached,
/// 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq databases
  shardq databases -h db1 --schemas 'tenant_{name}' --json")]
pub struct DatabasesArgs {
    #[command(flatten)]
    pub layout: LayoutArgs,

    #[command(flatten)]
    pub output: OutputArgs,

    /// Omit summary and hints; keep errors
    #[arg(short = 'q', long, help_heading = "Run")]
    pub quiet: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}
