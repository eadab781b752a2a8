//! Flags that control a run, for every command that queries all shards.

use std::time::Duration;

use clap::Args;

use super::values;

#[derive(Args, Clone)]
#[command(next_help_heading = "Run")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct RunArgs {
    // First under its heading in the help.
    /// Use at most N connections
    #[arg(short = 'j', long, value_name = "N", default_value_t = 4, value_parser = values::connections, display_order = 0)]
    pub connections: usize,

    /// Read each shard at its own moment, without a common snapshot
    #[arg(long)]
    pub no_snapshot: bool,

    /// Fail if the snapshots of several servers may be further apart than TIME (0: no limit)
    ///
    /// There is no common moment of several databases. Their snapshots are taken together, and the
    /// summary states the bound. If it is above TIME, they are taken again, up to ten times.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = values::duration, conflicts_with = "no_snapshot")]
    pub max_skew: Duration,

    /// Read only the rows that row-level security shows to this role
    ///
    /// Without it, a policy that hides rows makes exports and global queries fail; other
    /// queries print a warning.
    #[arg(long)]
    pub row_security: bool,

    /// Print the shards and the SQL without running it
    #[arg(long)]
    pub dry_run: bool,

    /// Print the slowest shards
    #[arg(long)]
    pub timing: bool,

    /// Omit summary, progress and hints; keep errors and server messages
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

impl RunArgs {
    /// `None` for no limit.
    pub fn max_skew(&self) -> Option<Duration> {
        (!self.max_skew.is_zero()).then_some(self.max_skew)
    }
}
