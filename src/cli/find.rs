//! `shardq find`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::connection::ConnectionArgs;
use super::layout::ListedLayoutArgs;
use super::limits::LimitArgs;
use super::select::SelectArgs;
use super::values;
use crate::find::report::OutputMode;
use crate::pg::column_name::ColumnName;
use crate::sharding::layout::Layout;

/// Of a lookup per server, unless told otherwise.
pub const CONNECTIONS: usize = 16;

/// Compute which shard a key belongs in and check that it is there
///
/// A key is an origin name, an account name or an id, or what a profile says: see
/// docs/guide/keys.md. The shard of a name is its FNV-1a 64 hash modulo the number of shards. An
/// id contains its shard in its low 13 bits, and its creation time. shardq then looks in that
/// shard and, if the key is not there, in all others, at one snapshot.
///
/// A number that cannot be a Habitat id is searched for in all shards. So is a value of any
/// column, with --in.
///
/// Exit status: 0 found where it belongs (with --in: found in any shard), 1 not found or failed,
/// 2 usage error, 3 found in another shard, or not found (with --in: found or not) while a shard
/// or its table is missing or did not answer, 130 interrupted. With --from: 0 all keys verified,
/// 3 some are not, or a shard could not be searched. With --learn: 0 a rule fits all keys, 1 none
/// does.
#[derive(Args)]
#[command(
    override_usage = "shardq find [OPTIONS] <KEY>\n       shardq find [OPTIONS] --from <FILE>\n       shardq find [OPTIONS] --learn <TABLE.COLUMN>",
    after_help = "\
Examples:
  shardq find core
  shardq find 721096797631602718
  shardq find --kind account ada -d builder_sessionsrv
  shardq find ada@example.com --in users.email --schemas 'tenant_{name}'
  shardq find --from origins.csv --column name > shards.csv
  shardq find -P live --learn accounts.name >> ~/.config/shardq/config.toml
  psql -c \"SELECT count(*) FROM $(shardq find --short core).origin_packages\"
  shardq find --no-verify --shard-count 128 core

--json prints one object: kind, key, shard (where the key belongs), rule (why there),
status (verified, misplaced, found, not_found or computed) and found (shard, table, id, name,
created). If all shards were searched, it has searched (answered, expected); if nothing was
found, nearest (name, shard); for an id, created and sequence. For a number that is not a
Habitat id, and with --in, shard is null and rule gives the reason. With --in, kind is
TABLE.COLUMN, and found has shard, table, column and rows (how many). Ids are strings, since
many readers lose precision above 2^53.

Put -- before a key that begins with a dash: shardq find -- -dash"
)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct FindArgs {
    /// Find this name or id
    #[arg(
        value_name = "KEY",
        value_parser = NonEmptyStringValueParser::new(),
        required_unless_present_any = ["from", "learn"]
    )]
    pub key: Option<String>,

    /// Treat the key as this kind: origin, account, id, or one of the profile's
    /// [default: id if all digits, else origin]
    ///
    /// A profile defines kinds of keys, and how their shards are computed: see
    /// docs/guide/keys.md.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,

    /// Search a column of all shards for KEY, e.g. origins.name
    ///
    /// For keys whose shard cannot be computed, and for shards with names. KEY is a value of the
    /// column's type, so the column's index serves. As in SQL, names are folded to lower case
    /// unless they are in double quotes: --in '"My table"."Id"'.
    #[arg(
        long = "in",
        value_name = "TABLE.COLUMN",
        conflicts_with_all = ["kind", "no_verify", "shard_count"]
    )]
    pub in_column: Option<ColumnName>,

    /// Find the keys of a CSV file with a header (-: standard input)
    ///
    /// Writes each row to standard output as CSV, in the same order, with three more columns: shard
    /// (where the key was found; several are separated by blanks), expected (where it belongs;
    /// empty if that cannot be computed) and verified (true if it is where it belongs, or, if that
    /// cannot be computed, if it was found; empty if it was not looked up). With several servers,
    /// the column server is in front of them. All keys are looked up at one snapshot per database.
    /// Blank lines are skipped.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "json", "short"])]
    pub from: Option<PathBuf>,

    /// Name of the column with the keys, if the file has several
    #[arg(long, value_name = "NAME", requires = "from")]
    pub column: Option<String>,

    /// Find out how the keys of a column are distributed over the shards, e.g. accounts.name
    ///
    /// Takes up to 4,096 keys that are there, and tries the known hashes, moduli, offsets and
    /// layouts of ids; where shards have names, whether they are named after the key or a part of
    /// it. Prints the one that fits all keys as lines of a profile, with KIND as
    /// its name [default: the table's]. If none does, the exit status is 1, and a message says how
    /// far the best one got.
    #[arg(
        long,
        value_name = "TABLE.COLUMN",
        conflicts_with_all = [
            "key", "in_column", "from", "no_verify", "shard_count", "short", "json"
        ]
    )]
    pub learn: Option<ColumnName>,

    /// Compute only, without a server; names need --shard-count
    #[arg(long, conflicts_with_all = ["shards", "exclude_shards", "having_table"])]
    pub no_verify: bool,

    /// Hash names over N shards [default: highest shard number + 1]
    #[arg(long, value_name = "N", value_parser = values::shard_count)]
    pub shard_count: Option<NonZeroU32>,

    /// Print only the name of the shard
    ///
    /// For example `shard_30`.
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    pub short: bool,

    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub layout: ListedLayoutArgs,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub limits: LimitArgs,

    /// Use at most N connections per server, each to one of its databases
    ///
    /// More databases than that are searched in turn. The keys of --from, and those of --learn,
    /// need a connection to each database.
    #[arg(short = 'j', long, value_name = "N", default_value_t = CONNECTIONS, value_parser = values::connections, help_heading = "Run")]
    pub connections: usize,

    /// Omit summary, progress and hints; keep errors
    #[arg(short = 'q', long, help_heading = "Run")]
    pub quiet: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl FindArgs {
    pub fn layout(&self) -> Layout {
        self.layout.layout()
    }

    pub fn form(&self) -> OutputMode {
        match (self.short, self.json) {
            (true, _) => OutputMode::Short,
            (false, true) => OutputMode::Json,
            (false, false) => OutputMode::Text,
        }
    }
}
