//! `shardq export`.

use std::path::PathBuf;

use clap::Args;

use super::connection::ConnectionArgs;
use super::limits::ExportLimitArgs;
use super::query::{GlobalArgs, ShardArgs};
use super::run::RunArgs;
use super::statement::StatementArgs;
use crate::exec::merge::Order;
use crate::export::{Compression, ExportFormat, FileFormat};
use crate::output::format::Delimiter;

/// Run a query on every shard and write the rows to a file
///
/// The file is complete or absent: it appears under its name only when every shard has
/// answered. FILE.manifest.json, next to it, records what ran, where, when and at which
/// snapshot, with a checksum that `shardq verify FILE` checks.
///
/// Exit status: 0 complete, 1 failed (no file), 2 usage error, 3 shards are missing from
/// what was written (--allow-partial, --per-shard, --skip-missing) or an --origin or --key is in
/// another shard (no file), 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq export \"SELECT * FROM origins\" -o origins.csv
  shardq export -f packages.sql -o packages.parquet
  shardq export \"SELECT * FROM origin_packages\" -o packages.csv.zst --force
  shardq export \"SELECT * FROM origins\" -o origins/ --per-shard
  shardq export -g \"SELECT target, count(*) FROM origin_packages GROUP BY 1\" -o targets.csv
  shardq export \"SELECT name FROM origins\" -o - | grep core")]
pub struct ExportArgs {
    #[command(flatten)]
    pub statement: StatementArgs,

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
    /// Write to FILE (- for standard output; a directory with --per-shard)
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: PathBuf,

    /// Write this format [default: from the file extension, else csv]
    ///
    /// One of csv, tsv and jsonl, each also with .gz or .zst, or parquet or xlsx.
    #[arg(long, value_name = "FORMAT", group = "any_format")]
    pub format: Option<ExportFormat>,

    /// Same as --format csv (or csv.gz, csv.zst, if FILE ends so)
    #[arg(long, group = "any_format")]
    pub csv: bool,

    /// Same as --format tsv (or tsv.gz, tsv.zst, if FILE ends so)
    #[arg(long, group = "any_format")]
    pub tsv: bool,

    /// Same as --format jsonl (or jsonl.gz, jsonl.zst, if FILE ends so)
    #[arg(long, group = "any_format")]
    pub jsonl: bool,

    /// Same as --format parquet
    #[arg(long, group = "any_format")]
    pub parquet: bool,

    /// Same as --format xlsx
    #[arg(long, group = "any_format")]
    pub xlsx: bool,

    /// Replace an existing file
    ///
    /// With --per-shard, replace an existing export once the new one is complete. With
    /// --resume, continue as a different user.
    #[arg(long)]
    pub force: bool,

    /// Keep an incomplete file as NAME.partial.csv and exit 3
    #[arg(long)]
    pub allow_partial: bool,

    /// Write rows in this order
    ///
    /// In order of arrival an export is about 10% faster, but two exports then differ.
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["allow_partial", "per_shard"])]
    pub order: Order,

    /// Write a directory FILE with one file per shard
    ///
    /// The file of shard 30 is `FILE/shard=shard_30/part.csv`.
    #[arg(long, conflicts_with_all = ["allow_partial", "no_manifest"])]
    pub per_shard: bool,

    /// Complete an interrupted --per-shard export
    ///
    /// Exports only the shards that are missing or whose files have changed.
    #[arg(long, requires = "per_shard")]
    pub resume: bool,

    /// Do not write FILE.manifest.json
    #[arg(long)]
    pub no_manifest: bool,

    /// Write CSV for spreadsheets
    ///
    /// Adds a byte-order mark, keeps long numbers intact and disarms formulas. A workbook (.xlsx)
    /// needs none of this, because its cells have types.
    #[arg(long)]
    pub excel: bool,

    /// Omit the header line (CSV, TSV)
    #[arg(short = 't', long)]
    pub tuples_only: bool,

    /// Write NULL as TEXT (CSV; an equal string is quoted)
    #[arg(long, value_name = "TEXT", conflicts_with = "excel")]
    pub null: Option<String>,

    /// Separate fields with this character, e.g. ';' (CSV)
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<Delimiter>,

    /// Write bigint and numeric as strings (JSON lines)
    ///
    /// For readers that lose precision above 2^53.
    #[arg(long)]
    pub bigint_as_string: bool,

    /// Name the shard column NAME [default: shard]
    ///
    /// With --per-shard, name the directories `NAME=shard_30`.
    #[arg(long, value_name = "NAME", conflicts_with = "no_shard_column")]
    pub shard_column: Option<String>,

    /// Omit the shard column
    #[arg(long)]
    pub no_shard_column: bool,
}

impl ExportOutputArgs {
    /// The format that a flag asks for. `--csv` agrees with a file that is named `.csv.gz`.
    pub fn format(&self) -> Option<ExportFormat> {
        let flags = [
            (self.csv, FileFormat::Csv),
            (self.tsv, FileFormat::Tsv),
            (self.jsonl, FileFormat::Jsonl),
            (self.parquet, FileFormat::Parquet),
            (self.xlsx, FileFormat::Xlsx),
        ];
        let mut flags = flags.into_iter();
        let Some(format) = flags.find_map(|(given, format)| given.then_some(format)) else {
            return self.format;
        };
        let named = ExportFormat::of(&self.output).filter(|named| named.format == format);
        Some(named.unwrap_or(ExportFormat {
            format,
            compression: Compression::None,
        }))
    }

    /// What readers of a folder with one file per shard call the shard.
    pub fn folder_key(&self) -> &str {
        self.shard_column.as_deref().unwrap_or("shard")
    }
}
