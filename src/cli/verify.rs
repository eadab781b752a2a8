//! `shardq verify`.

use std::path::PathBuf;

use clap::Args;

use crate::export::create_table::TableName;

/// Check an export against its manifest
///
/// Reads the file again: its checksum, its rows and the shards they are of have
/// to be those of the manifest, and the manifest as it was written.
///
/// With --create-table, prints the CREATE TABLE of a table that the export loads into, if
/// all is well. Every value arrives as it was: a column's type is one that holds what all
/// shards have.
///
/// Exit status: 0 it is what the manifest says, 1 it is not, 2 usage.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq verify packages.csv
  shardq verify packages.csv --create-table packages | psql scratch
  psql scratch -c \"\\copy packages FROM 'packages.csv' (FORMAT csv, HEADER)\"")]
pub struct VerifyArgs {
    /// The exported file, or the folder of --per-shard
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Print the CREATE TABLE of a table NAME for it
    #[arg(long, value_name = "NAME")]
    pub create_table: Option<TableName>,

    /// Say nothing when all is well
    #[arg(short = 'q', long)]
    pub quiet: bool,
}
