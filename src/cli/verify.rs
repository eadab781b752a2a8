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
/// values of all shards. With --create-view, prints the CREATE VIEW with which duckdb reads
/// Parquet files.
///
/// Exit status: 0 all match their manifests, 1 one does not, 2 usage error.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq verify packages.csv
  shardq verify exports/*.manifest.json
  shardq verify packages.csv --create-table packages | psql scratch
  shardq verify packages/ --create-view packages | duckdb archive.db
  psql scratch -c \"\\copy packages FROM 'packages.csv' (FORMAT csv, HEADER)\"")]
pub struct VerifyArgs {
    /// Check this exported file, or the directory of --per-shard (repeatable)
    ///
    /// The name of a manifest stands for its export.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Print a CREATE TABLE statement for a table NAME (one FILE)
    #[arg(long, value_name = "NAME")]
    pub create_table: Option<TableName>,

    /// Print a CREATE VIEW statement for duckdb, for a view NAME over Parquet (one FILE)
    ///
    /// The view reads the files where they are, with the shard as a column.
    #[arg(long, value_name = "NAME", conflicts_with = "create_table")]
    pub create_view: Option<TableName>,

    /// Print nothing on success
    #[arg(short = 'q', long)]
    pub quiet: bool,
}
