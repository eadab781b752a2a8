//! `shardq export`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::connection::ConnectionArgs;
use super::limits::ExportLimitArgs;
use super::query::{GlobalArgs, ShardArgs};
use super::run::RunArgs;
use crate::exec::merge::Order;
use crate::export::ExportFormat;
use crate::output::format::Delimiter;

/// Write one query's rows of every shard to a file that is complete, or absent
///
/// The file appears under its name when every shard has answered, and not before;
/// beside it stands FILE.manifest.json, which says what ran, where, when and at
/// which snapshot, with a checksum that `shardq verify FILE` checks.
///
/// Exit status: 0 complete, 1 failed (no file), 2 usage, 3 what was written lacks
/// shards (--allow-partial, --per-shard, --skip-missing), or an --origin is elsewhere
/// (no file), 130 interrupted.
#[derive(Args)]
#[command(group = ArgGroup::new("statement").required(true), after_help = "\
Examples:
  shardq export \"SELECT * FROM origins\" -o origins.csv
  shardq export -f packages.sql -o packages.parquet
  shardq export \"SELECT * FROM origin_packages\" -o packages.csv.zst --force
  shardq export \"SELECT * FROM origins\" -o origins/ --per-shard
  shardq export -g \"SELECT target, count(*) FROM origin_packages GROUP BY 1\" -o targets.csv
  shardq export \"SELECT name FROM origins\" -o - | grep core")]
pub struct ExportArgs {
    /// The statement: exactly one SELECT, VALUES, TABLE or WITH
    #[arg(value_name = "SQL", group = "statement")]
    pub sql: Option<String>,

    /// The statement, as psql takes it
    // Collects all values, so that a repeated flag is not silently ignored.
    #[arg(
        short = 'c',
        long,
        value_name = "SQL",
        action = clap::ArgAction::Append,
        allow_hyphen_values = true,
        group = "statement"
    )]
    pub command: Vec<String>,

    /// Read the statement from a file; - is standard input
    #[arg(short = 'f', long, value_name = "FILE", group = "statement")]
    pub file: Option<PathBuf>,

    #[command(flatten)]
    pub global: GlobalArgs,

    #[command(flatten)]
    pub shards: ShardArgs,

    #[command(flatten)]
    pub output: ExportOutputArgs,

    #[command(flatten)]
    pub limits: ExportLimitArgs,

    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What kind of file, and where.
#[derive(Args)]
#[command(next_help_heading = "Output")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ExportOutputArgs {
    /// The file to write; - is standard output; with --per-shard a folder
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: PathBuf,

    /// csv, tsv, jsonl, each also with .gz or .zst, or parquet [default: by the end of the file's name; csv if it has none]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ExportFormat>,

    /// Replace a file that is there; with --per-shard, an export once the new one is complete;
    /// with --resume, go on as another user
    #[arg(long)]
    pub force: bool,

    /// Keep a file that lacks shards, as NAME.partial.csv, and exit 3
    #[arg(long)]
    pub allow_partial: bool,

    /// Rows of several shards mixed as they come are some 10% faster; two exports then differ
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["allow_partial", "per_shard"])]
    pub order: Order,

    /// One file a shard: FILE is a folder, and gets `shard=shard_30/part.csv`
    #[arg(long, conflicts_with_all = ["allow_partial", "no_manifest"])]
    pub per_shard: bool,

    /// Export only what an interrupted --per-shard export lacks, or what was changed of it
    #[arg(long, requires = "per_shard")]
    pub resume: bool,

    /// Do without FILE.manifest.json
    #[arg(long)]
    pub no_manifest: bool,

    /// CSV for spreadsheets: byte-order mark, long numbers kept, formulas defused
    #[arg(long)]
    pub excel: bool,

    /// CSV and TSV without the line of column names
    #[arg(short = 't', long)]
    pub tuples_only: bool,

    /// CSV: write NULL as this text; a text that is the same is quoted
    #[arg(long, value_name = "TEXT", conflicts_with = "excel")]
    pub null: Option<String>,

    /// CSV: put this character between fields, like ';'
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<Delimiter>,

    /// JSON lines: write bigint and numeric as strings, for readers that keep 53 bits
    #[arg(long)]
    pub bigint_as_string: bool,

    /// Name of the first column; with --per-shard, of the folders: `NAME=shard_30` [default: shard]
    #[arg(long, value_name = "NAME", conflicts_with = "no_shard_column")]
    pub shard_column: Option<String>,

    /// Leave out the column that says which shard a row is of
    #[arg(long)]
    pub no_shard_column: bool,
}

impl ExportOutputArgs {
    /// What readers of a folder with one file a shard call the shard.
    pub fn folder_key(&self) -> &str {
        self.shard_column.as_deref().unwrap_or("shard")
    }
}
