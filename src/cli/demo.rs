//! `shardq demo`.

use clap::Args;

/// Try shardq on a throwaway Postgres with sample data
///
/// Starts a private server with 128 shards, runs a few commands on it, and removes it. On a
/// terminal it ends in the shell.
/// Needs only Postgres's server programs on this machine. Running servers are not
/// touched.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep the server running until Ctrl-C and print how to connect
    #[arg(long)]
    pub keep: bool,

    /// Let the schema of one shard differ, and show how that is found
    #[arg(long)]
    pub drift: bool,
}
