//! `shardq verify`.

use std::path::PathBuf;

use clap::Args;

/// Check an export against its manifest
///
/// Reads the file again: its checksum, its rows and the shards they are of have
/// to be those of the manifest, and the manifest as it was written.
///
/// Exit status: 0 it is what the manifest says, 1 it is not, 2 usage.
#[derive(Args)]
pub struct VerifyArgs {
    /// The exported file, or the folder of --per-shard
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Say nothing when all is well
    #[arg(short = 'q', long)]
    pub quiet: bool,
}
