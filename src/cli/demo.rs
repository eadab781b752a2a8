//! `shardq demo`.

use clap::Args;

/// Show shardq at work on a throwaway Postgres with sample data
///
/// Starts a private server with 128 shards, runs a few commands on it, and
/// removes it. Needs Postgres's server programs on this machine, and nothing else:
/// no running server is touched.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Hold it open afterwards, until Ctrl-C, and say how to connect
    #[arg(long)]
    pub keep: bool,
}
