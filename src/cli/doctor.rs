//! `shardq doctor`.

use clap::Args;

use super::connection::ConnectionArgs;
use super::layout::LayoutArgs;
use super::query::OutputArgs;

/// Check the servers, the connection, the role and the shards before you query them
///
/// One line per check: ok, a warning or a failure, with the reason and what to do, as SQL where it
/// is SQL. Checked are the version, replication lag, encryption, authentication, round trip, free
/// connections, what the role may write, poolers, locks, the shards and their gaps, statistics,
/// invalid indexes, old transactions, replication slots, the age of transaction ids, sequences and
/// drift. Of several servers, each is checked, and whether a shard is on more than one. Nothing is
/// changed.
///
/// Exit status: 0 no failure (there may be warnings), 1 a failure, or no connection, 2 usage error,
/// 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq doctor
  shardq doctor -P live --json")]
pub struct DoctorArgs {
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
