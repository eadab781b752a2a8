//! `shardq query`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::connection::ConnectionArgs;
use super::layout::ListedLayoutArgs;
use super::limits::LimitArgs;
use super::run::RunArgs;
use super::select::SelectArgs;
use super::statement::StatementArgs;
use crate::global::Strategy;
use crate::output::file_name::Mismatch;
use crate::output::format::{Delimiter, Format};
use crate::sharding::layout::Layout;
use crate::sharding::routing::key_kinds::KeyKinds;
use crate::sharding::search_path::SearchPath;

/// Run a query on every shard and print the merged result
///
/// Rows are printed in numeric shard order, with `shard` as the first column. All shards
/// are read at one snapshot, read-only.
///
/// Several statements (-c and -f, or several in a file) run one after the other, each with its
/// own snapshot and summary. The first failure ends the run; the exit status is the worst.
///
/// Exit status: 0 complete, 1 failed, 2 usage error, 3 some shards did not answer, may be
/// missing or were skipped, or an --origin or --key is in another shard, 130 interrupted.
#[derive(Args, Clone)]
#[command(after_help = "\
Examples:
  shardq query \"SELECT name FROM origins\"
  shardq query \"SELECT count(*) FROM origin_packages\" --shards 0-15,30
  shardq query --global \"SELECT count(*) FROM origin_packages\"
  shardq query -f report.sql -v since=2024-01-01 --csv -o report.csv
  shardq query \"SELECT * FROM origins WHERE name = 'core'\" --origin core -x")]
pub struct QueryArgs {
    #[command(flatten)]
    pub statement: StatementArgs,

    #[command(flatten)]
    pub global: GlobalArgs,

    #[command(flatten)]
    pub shards: ShardArgs,

    #[command(flatten)]
    pub output: OutputArgs,

    #[command(flatten)]
    pub shard_column: ShardColumnArgs,

    #[command(flatten)]
    pub limits: LimitArgs,

    /// Continue or stop when a shard fails
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
#[derive(Args, Clone)]
#[command(next_help_heading = "Global queries")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct GlobalArgs {
    /// Treat each sharded table as one table across all shards
    #[arg(short = 'g', long)]
    pub global: bool,

    /// Run on this hub, made by shardq federate, which has the shards of all servers
    ///
    /// The hub is compared with the servers first, and the tables of the statement stay locked
    /// there against changes of their definition until the result is complete. Each server is read
    /// at one snapshot.
    #[arg(
        long,
        value_name = "CONNINFO",
        requires = "global",
        conflicts_with_all = ["databases", "schemas_from", "row_security"]
    )]
    pub via: Option<String>,

    /// Print the strategy, the reason and the SQL without running it
    #[arg(long, requires = "global")]
    pub explain: bool,

    /// Use one statement over all shards, or partial results per shard
    #[arg(long, value_enum, default_value_t, requires = "global")]
    pub strategy: Strategy,

    /// Assert that joined rows are always in the same shard
    ///
    /// Joins of sharded tables can then be computed as partial results, each shard joining
    /// its own rows. If joined rows are in different shards after all, they are silently
    /// missing from the result.
    #[arg(long, requires = "global")]
    pub colocated: bool,

    /// Allow floating-point sums to be computed per shard (last digits may vary)
    ///
    /// Applies to sums and averages of `real` and `double precision`.
    #[arg(long, requires = "global")]
    pub float_sums_in_parts: bool,

    /// Skip shards where a table or column is missing or has a different type
    ///
    /// The exit status is then 3. If all shards have what the statement needs, none is
    /// skipped, and the exit status is 0.
    #[arg(long, requires = "global")]
    pub skip_missing: bool,
}

/// Which shards.
#[derive(Args, Clone)]
#[command(next_help_heading = "Shards")]
pub struct ShardArgs {
    #[command(flatten)]
    pub layout: ListedLayoutArgs,

    #[command(flatten)]
    pub select: SelectArgs,

    /// Query only the shard of this origin (repeatable)
    ///
    /// The shard is computed from the name, and the same run checks that the origin is
    /// there. If it is in another shard, the exit status is 3; if it is in none, a warning
    /// names the nearest match.
    #[arg(
        long,
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with_all = ["shards", "exclude_shards", "having_table"]
    )]
    pub origin: Vec<String>,

    /// Query only the shard that has this key (repeatable)
    ///
    /// Where the key belongs is computed as for `shardq find`, and the same run looks there. A key
    /// that is not there is searched for in all shards, and queried where it is; the exit status is
    /// then 3. If it is in none, a warning names it.
    #[arg(
        long,
        value_name = "KEY",
        group = "any_key",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with_all = ["shards", "exclude_shards", "having_table", "origin"]
    )]
    pub key: Vec<String>,

    /// Query only the shards that have the keys in FILE, one per line (-: standard input)
    #[arg(
        long,
        value_name = "FILE",
        group = "any_key",
        conflicts_with_all = ["shards", "exclude_shards", "having_table", "origin"]
    )]
    pub key_from: Option<PathBuf>,

    /// Treat the keys as this kind: origin, account, id, or one of the profile's
    /// [default: id if all digits, else origin]
    #[arg(long, value_name = "KIND", requires = "any_key")]
    pub kind: Option<String>,

    /// The kinds of keys, once the profile is loaded.
    #[arg(skip)]
    pub key_kinds: KeyKinds,

    /// Fail unless the database has exactly N shards
    #[arg(long, value_name = "N")]
    pub expect_shards: Option<u32>,

    /// Look up tables in these schemas ({shard} is the shard's own)
    #[arg(long, value_name = "SCHEMAS", default_value = "{shard}", value_parser = clap::value_parser!(SearchPath))]
    pub search_path: SearchPath,
}

impl ShardArgs {
    pub fn layout(&self) -> Layout {
        self.layout.layout()
    }

    /// A database that is a shard keeps its own path, unless the user sets one.
    pub fn search_path(&self) -> SearchPath {
        if self.layout().is_database() && self.search_path.is_shard_alone() {
            return SearchPath::of_database();
        }
        self.search_path.clone()
    }
}

/// How the result looks, and where it goes.
#[derive(Args, Clone)]
#[command(next_help_heading = "Output")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct OutputArgs {
    /// Print in this format [default: from the extension of -o FILE, else table]
    #[arg(long, value_enum, group = "any_format")]
    pub format: Option<Format>,

    /// Same as --format expanded: one line per column, as psql -x prints
    ///
    /// With -x=auto, only a table that is wider than the terminal, as \x auto does in psql. The
    /// value needs the equals sign.
    #[arg(
        short = 'x',
        long,
        value_name = "WHEN",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "on",
        hide_possible_values = true,
        group = "any_format"
    )]
    pub expanded: Option<Expanded>,

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

    /// Print rows only
    #[arg(short = 't', long)]
    pub tuples_only: bool,

    /// Show every result in a pager, even one that fits the screen
    ///
    /// On a terminal, a pager shows tables that are longer or wider than the screen: that of
    /// `PSQL_PAGER`, `PAGER`, or `less`. An empty variable means no pager.
    #[arg(long, overrides_with = "no_pager")]
    pub pager: bool,

    /// Print without a pager
    #[arg(long, overrides_with = "pager")]
    pub no_pager: bool,

    /// Print NULL as TEXT
    #[arg(long, value_name = "TEXT")]
    pub null: Option<String>,

    /// Separate fields with this character, e.g. ';' (CSV)
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<Delimiter>,

    /// Write bigint and numeric as strings (JSON)
    ///
    /// For readers that lose precision above 2^53.
    #[arg(long)]
    pub bigint_as_string: bool,

    /// Write to FILE, which appears once every shard has answered (- for standard output)
    ///
    /// The format follows from the extension (.csv, .tsv, .json, .jsonl or .md) or --format.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl OutputArgs {
    /// The file to write; `None` for standard output.
    pub fn file(&self) -> Option<&Path> {
        let file = self.output.as_deref();
        file.filter(|file| *file != Path::new("-"))
    }

    /// What is asked for, or else what the name of the file says.
    ///
    /// # Errors
    /// If that is something else than can be in the file.
    pub fn format(&self) -> Result<Format, Mismatch> {
        let flags = [
            (self.expanded == Some(Expanded::On), Format::Expanded),
            (self.expanded == Some(Expanded::Auto), Format::Table),
            (self.csv, Format::Csv),
            (self.tsv, Format::Tsv),
            (self.json, Format::Json),
            (self.jsonl, Format::Jsonl),
            (self.markdown, Format::Markdown),
        ];
        let mut flags = flags.into_iter();
        let flag = flags.find_map(|(given, format)| given.then_some(format));
        match (flag.or(self.format), self.file()) {
            (Some(format), _) => Ok(format),
            (None, Some(file)) => Ok(Format::named(file)?.unwrap_or_default()),
            (None, None) => Ok(Format::default()),
        }
    }
}

/// The first column of a query's result.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Output")]
pub struct ShardColumnArgs {
    /// Name the shard column NAME [default: shard]
    #[arg(long, value_name = "NAME", conflicts_with = "no_shard_column")]
    pub shard_column: Option<String>,

    /// Omit the shard column
    #[arg(long)]
    pub no_shard_column: bool,
}

impl ShardColumnArgs {
    /// `None` if there is none.
    pub fn name(&self) -> Option<&str> {
        let name = self.shard_column.as_deref().unwrap_or("shard");
        (!self.no_shard_column).then_some(name)
    }
}

/// When the result has one line per column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Expanded {
    On,
    /// If the table is wider than the terminal.
    Auto,
}

/// What to do when a shard fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnError {
    /// Print the shards that succeeded, report the others, exit 3
    #[default]
    Continue,
    /// Stop at the first shard that fails, exit 1
    Stop,
}
