//! `shardq query`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args};

use super::connection::ConnectionArgs;
use super::limits::LimitArgs;
use super::run::RunArgs;
use crate::global::Strategy;
use crate::output::file_name::Mismatch;
use crate::output::format::{Delimiter, Format};
use crate::sharding::search_path::SearchPath;
use crate::sharding::shard::ShardList;

/// Run one statement in every shard and print one merged result
///
/// The rows of the shards follow each other in numeric order behind a first
/// column `shard`; all shards are read at one snapshot, read-only.
///
/// Exit status: 0 complete, 1 failed, 2 usage, 3 some shards did not answer, may be
/// missing or were left out, or an --origin is elsewhere, 130 interrupted.
#[derive(Args)]
#[command(group = ArgGroup::new("statement").required(true), after_help = "\
Examples:
  shardq query \"SELECT name FROM origins\"
  shardq query \"SELECT count(*) FROM origin_packages\" --shards 0-15,30
  shardq query --global \"SELECT count(*) FROM origin_packages\"
  shardq query -f report.sql --csv -o report.csv
  shardq query \"SELECT * FROM origins WHERE name = 'core'\" --origin core -x")]
pub struct QueryArgs {
    /// The statement: exactly one, that returns rows
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
    pub output: OutputArgs,

    #[command(flatten)]
    pub limits: LimitArgs,

    /// When a shard fails
    #[arg(
        long,
        value_enum,
        default_value_t,
        conflicts_with = "global",
        help_heading = "Run"
    )]
    pub on_error: OnError,

    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// All shards as one.
#[derive(Args)]
#[command(next_help_heading = "Global queries")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct GlobalArgs {
    /// Answer as if each sharded table were one table with the rows of all shards
    #[arg(short = 'g', long)]
    pub global: bool,

    /// Print how a global query is answered, why so, and the SQL; do not run it
    #[arg(long, requires = "global")]
    pub explain: bool,

    /// How: one statement over all shards, or each shard's part and these combined
    #[arg(long, value_enum, default_value_t, requires = "global")]
    pub strategy: Strategy,

    /// You vouch that rows that the statement joins are always in the same shard
    ///
    /// Joins of sharded tables can then be answered in parts, each shard joining its
    /// own rows. Pairs of rows in different shards would be missing, without an error.
    #[arg(long, requires = "global")]
    pub colocated: bool,

    /// Add floats up shard by shard, though the last digits depend on the order
    ///
    /// Sums and averages of `real` and `double precision` can then be answered in parts.
    #[arg(long, requires = "global")]
    pub float_sums_in_parts: bool,

    /// Leave out shards that lack a table or column that the statement needs; exit 3
    ///
    /// A shard that has it with another type is left out, too. If all shards have what
    /// the statement needs, none is left out, and the exit status is 0.
    #[arg(long, requires = "global")]
    pub skip_missing: bool,
}

/// Which shards.
#[derive(Args)]
#[command(next_help_heading = "Shards")]
pub struct ShardArgs {
    /// Only these shards: numbers and ranges, like 0-15,30,100-; may be repeated
    #[arg(long, value_name = "LIST", conflicts_with = "origin")]
    pub shards: Vec<ShardList>,

    /// Only the shard that this origin's name routes to; may be repeated
    ///
    /// The origin is looked up there in the same run. If it is in another shard, the
    /// exit status is 3; if it is nowhere, a warning names the nearest.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub origin: Vec<String>,

    /// Fail unless the database has exactly this many shards
    #[arg(long, value_name = "N")]
    pub expect_shards: Option<u32>,

    /// Where tables are looked up; {shard} is the shard's own schema
    #[arg(long, value_name = "SCHEMAS", default_value = "{shard}", value_parser = clap::value_parser!(SearchPath))]
    pub search_path: SearchPath,
}

/// How the result looks, and where it goes.
#[derive(Args)]
#[command(next_help_heading = "Output")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct OutputArgs {
    /// Format of the result [default: by the end of the file's name with -o; table if it has none]
    #[arg(long, value_enum, group = "any_format")]
    pub format: Option<Format>,

    /// Same as --format expanded: one line a column, as psql's \x
    #[arg(short = 'x', long, group = "any_format")]
    pub expanded: bool,

    /// Same as --format csv
    #[arg(long, group = "any_format")]
    pub csv: bool,

    /// Same as --format tsv
    #[arg(long, group = "any_format")]
    pub tsv: bool,

    /// Same as --format json
    #[arg(long, group = "any_format")]
    pub json: bool,

    /// Same as --format jsonl
    #[arg(long, group = "any_format")]
    pub jsonl: bool,

    /// Same as --format markdown
    #[arg(long, group = "any_format")]
    pub markdown: bool,

    /// Rows alone: no header, no "(n rows)"
    #[arg(short = 't', long)]
    pub tuples_only: bool,

    /// Show NULL as this text
    #[arg(long, value_name = "TEXT")]
    pub null: Option<String>,

    /// CSV: put this character between fields, like ';'
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<Delimiter>,

    /// JSON: write bigint and numeric as strings, for readers that keep 53 bits
    #[arg(long)]
    pub bigint_as_string: bool,

    /// Call the first column so [default: shard]
    #[arg(long, value_name = "NAME", conflicts_with = "no_shard_column")]
    pub shard_column: Option<String>,

    /// Leave out the column that says which shard a row is of
    #[arg(long)]
    pub no_shard_column: bool,

    /// Write to a file, which appears under its name once every shard has answered: .csv, .tsv, .json, .jsonl, .md or any with --format
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl OutputArgs {
    pub fn shard_column(&self) -> &str {
        self.shard_column.as_deref().unwrap_or("shard")
    }

    /// What is asked for, or else what the name of the file says.
    ///
    /// # Errors
    /// If that is something else than can be in the file.
    pub fn format(&self) -> Result<Format, Mismatch> {
        let flags = [
            (self.expanded, Format::Expanded),
            (self.csv, Format::Csv),
            (self.tsv, Format::Tsv),
            (self.json, Format::Json),
            (self.jsonl, Format::Jsonl),
            (self.markdown, Format::Markdown),
        ];
        let mut flags = flags.into_iter();
        let flag = flags.find_map(|(given, format)| given.then_some(format));
        match (flag.or(self.format), &self.output) {
            (Some(format), _) => Ok(format),
            (None, Some(file)) => Ok(Format::named(file)?.unwrap_or_default()),
            (None, None) => Ok(Format::default()),
        }
    }
}

/// What to do when a shard fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnError {
    /// Print what answered, name what did not, exit 3
    #[default]
    Continue,
    /// Stop at the first shard that fails, exit 1
    Stop,
}
