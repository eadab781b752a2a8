//! `shardq verify`.

use std::path::PathBuf;

use clap::Args;

use crate::export::create_table::TableName;

/// Check an export against its manifest
///
/// Reads the file again and compares its checksum, its rows and their shards with the
/// manifest, and checks that the manifest was not edited.
///
/// With --create-table, prints the CREATE TABLE for a table that the export can be loaded
/// into, if the check succeeds. Values load unchanged: each column has a type that holds the
/// values of all shards.
///
/// Exit status: 0 matches the manifest, 1 does not match, 2 usage error.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq verify packages.csv
  shardq verify packages.csv --create-table packages | psql scratch
  psql scratch -c \"\\copy packages FROM 'packages.csv' (FORMAT csv, HEADER)\"")]
pub struct VerifyArgs {
    /// Check this exported file, or the directory of --per-shard
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Print a CREATE TABLE statement for a table NAME
    #[arg(long, value_name = "NAME")]
    pub create_table: Option<TableName>,

    /// Print nothing on success
    #[arg(short = 'q', long)]
    pub quiet: bool,
}
