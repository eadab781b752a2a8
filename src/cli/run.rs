//! Flags that control a run, for every command that queries all shards.

use clap::Args;

use super::values;

#[derive(Args)]
#[command(next_help_heading = "Run")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct RunArgs {
    // First under its heading in the help.
    /// Connections to use at most
    #[arg(short = 'j', long, value_name = "N", default_value_t = 4, value_parser = values::connections, display_order = 0)]
    pub connections: usize,

    /// Read each shard at its own instant instead of all at one snapshot
    #[arg(long)]
    pub no_snapshot: bool,

    /// Read only the rows that row-level security shows to this role
    ///
    /// Without it, a policy that hides rows makes exports and global queries fail, and is
    /// a warning in other queries.
    #[arg(long)]
    pub row_security: bool,

    /// Print the shards and the SQL that would be sent, and do not run it
    #[arg(long)]
    pub dry_run: bool,

    /// Say which shards took longest
    #[arg(long)]
    pub timing: bool,

    /// No footer, no progress, no hints; errors and the server's messages are still shown
    #[arg(short = 'q', long)]
    pub quiet: bool,
}
