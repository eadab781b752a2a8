//! The error that ends a command. Printed once, by `main`. Only this layer knows the errors of all
//! others; `hints` says what to do next.

mod conversions;
mod exit;
mod hints;

use std::path::PathBuf;
use std::time::Duration;

use crate::client::{ConnectError, ServerError};
use crate::commands::demo::DemoError;
use crate::commands::inspect::error::{BaselineError, InspectError};
use crate::commands::psql::error::PsqlError;
use crate::commands::shard_lists::ListError;
use crate::config::SettingsError;
use crate::config::profile::ProfileError;
use crate::exec::fanout::{FanoutError, ShardError};
use crate::export::ExportError;
use crate::export::create_table::NoTable;
use crate::export::create_view::NoView;
use crate::export::manifest::ManifestError;
use crate::export::verify::VerifyError;
use crate::find::batch::input::InputError;
use crate::find::lookup::LookupError;
use crate::find::route::RouteError;
use crate::global::UnsupportedQuery;
use crate::global::federation::FederationError;
use crate::output::file_name::Mismatch;
use crate::output::format::RenderError;
use crate::output::sink::SinkError;
use crate::pg::column_name::ColumnName;
use crate::sharding::discovered::LookAlikes;
use crate::sharding::guess::Guess;
use crate::sharding::layout::Layout;
use crate::sharding::routing::id::IdError;
use crate::sharding::routing::key_kinds::KindError;
use crate::sharding::routing::rule::NoRoute;
use crate::sharding::shard::Shard;
use crate::sharding::statement::{Statement, StatementError};
use crate::sharding::topology::TopologyError;
use crate::text::escape::one_line;
use crate::text::io_reason::io_reason;

pub use hints::advice;
use hints::{close_to, elsewhere, guessed, there_are};

/// What a database has in place of shards.
#[derive(Debug)]
pub struct NoShards {
    pub database: String,
    pub layout: Layout,
    pub look_alikes: LookAlikes,
    /// What its schemas look like.
    pub guesses: Vec<Guess>,
    /// Databases of the same server that have shards, and how many.
    pub others: Vec<(String, usize)>,
}

/// The value of `--in` is not one of the column's type.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} cannot be compared with {}: {}\n{}", one_line(.value),
    one_line(&.column.to_string()), .report.summary_line(),
    .report.particulars(&Statement::composed(String::new()))
)]
pub struct NotComparable {
    /// Quoted, or where it is from.
    pub value: String,
    pub column: ColumnName,
    pub report: ServerError,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error(transparent)]
    ShardLists(#[from] ListError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error("{}{}", .0, .0.hint().map(|hint| format!("\nshardq: hint: {hint}")).unwrap_or_default())]
    Connect(#[from] ConnectError),
    /// The server has no such database.
    #[error("{error}{}", there_are(.databases))]
    NoDatabase {
        error: ConnectError,
        databases: Vec<String>,
    },
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error(transparent)]
    Sink(#[from] SinkError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The export is intact, but no table can hold it.
    #[error("{}: no table can hold this export: {reason}", .file.display())]
    NoTableFor { file: PathBuf, reason: NoTable },
    #[error("{}: no view can read this export: {reason}", .file.display())]
    NoViewFor { file: PathBuf, reason: NoView },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Fanout(FanoutError),
    /// `taken` lists the supported statements.
    #[error("not a query; {taken}")]
    NotAQuery { taken: &'static str },
    /// A query without columns.
    #[error(
        "the result has no columns; name some columns, or count the rows: SELECT count(*) FROM …"
    )]
    NoColumns,
    /// The server refused to parse the statement.
    #[error("{}\n{}", .report.summary_line(), .report.particulars(.statement))]
    Refused {
        report: ServerError,
        statement: Statement,
    },
    /// Refused because the answer could be inexact.
    #[error(transparent)]
    Global(#[from] UnsupportedQuery),
    /// The final statement of a global query failed.
    #[error("{0}")]
    Incomplete(ShardError),
    /// A partial of a global query timed out.
    #[error("{shard}: {error}\nshardq: hint: {hint}")]
    Part {
        shard: Shard,
        error: ShardError,
        hint: String,
    },
    #[error(
        "database \"{}\" has no shards: no schema is {}{}{}{}",
        .0.database, .0.layout.naming(), close_to(&.0.look_alikes), guessed(&.0.guesses),
        elsewhere(&.0.others)
    )]
    NoShards(Box<NoShards>),
    /// `--databases` matches none.
    #[error("no database is named {0}; psql -l lists them")]
    NoDatabases(String),
    /// A shell reads the snapshots that it has taken, and no others.
    #[error("\\freeze took no snapshot of {0}; \\thaw ends the others")]
    NotFrozen(String),
    /// Of several databases.
    #[error("none of the databases can be reached")]
    NoneReachable,
    /// No selected shard has the table of `--having-table`.
    #[error("{error}{}", .hint.as_ref().map(|hint| format!("\nshardq: hint: {hint}")).unwrap_or_default())]
    NoneHasTable {
        error: TopologyError,
        hint: Option<String>,
    },
    #[error(transparent)]
    Id(#[from] IdError),
    #[error(transparent)]
    Input(#[from] InputError),
    /// For commands that answer completely or not at all.
    #[error("not answered: {0}")]
    OriginElsewhere(String),
    /// The shard of a key could not be computed.
    #[error(transparent)]
    NoRoute(#[from] NoRoute),
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// After rows were written, so that it cannot be repeated.
    #[error(transparent)]
    LookupCutShort(LookupError),
    /// No shard has or should have the keys of `--key`.
    #[error("no shard to query: {0}")]
    KeysNowhere(String),
    /// The server cannot compute the shard of a key.
    #[error("{0}")]
    Route(RouteError),
    #[error(transparent)]
    Kind(#[from] KindError),
    /// No shard has a table to search for a name.
    #[error(
        "{shard} (where the key belongs) has no \"{table}\" table with id and name columns, and no \
         other shard has one{}\n\
         shardq: hint: use --no-verify to only compute the shard",
        elsewhere(.others)
    )]
    NoTable {
        shard: Shard,
        table: String,
        /// Other databases of the same server, and in how many of their shards the table exists.
        others: Vec<(String, usize)>,
    },
    /// No shard has the table and column of `--in`.
    #[error(
        "no selected shard has a table \"{}\" with a column \"{}\"{}",
        one_line(&.column.table), one_line(&.column.column),
        // More likely than the wrong database is a wrong name.
        if .others.is_empty() { String::new() } else { elsewhere(.others) }
    )]
    NoColumn {
        column: ColumnName,
        /// Other databases of the same server, and in how many of their shards it exists.
        others: Vec<(String, usize)>,
    },
    #[error(transparent)]
    NotComparable(Box<NotComparable>),
    /// The shard where the key belongs did not answer.
    #[error("not verified: {0}")]
    Unanswered(String),
    #[error(
        "gave up after {0} attempts: each lost its snapshot, or tables were rewritten during it"
    )]
    Unstable(u32),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    FileName(#[from] Mismatch),
    /// Incompatible flags.
    #[error("{0}")]
    Usage(String),
    /// COPY accepts only queries.
    #[error(
        "{}\n\
         {}shardq: hint: COPY accepts SELECT, VALUES, TABLE and WITH; --format jsonl accepts \
         everything that returns rows",
        .report.summary_line(),
        .report.particulars(.statement)
    )]
    NotCopied {
        report: ServerError,
        statement: Statement,
    },
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// Of several databases.
    #[error(
        "the snapshots of the servers are up to {} apart, and --max-skew allows {}; gave up after \
         {attempts} attempts", milliseconds(*.within), milliseconds(*.most)
    )]
    Skew {
        within: Duration,
        most: Duration,
        attempts: u32,
    },
    #[error(transparent)]
    Federation(#[from] FederationError),
    #[error(transparent)]
    Psql(#[from] PsqlError),
    #[error("signals: {}", io_reason(.0))]
    Signals(std::io::Error),
    #[error("standard input: {}", io_reason(.0))]
    ScriptUnreadable(std::io::Error),
    #[error("the terminal: {}", io_reason(.0))]
    Terminal(std::io::Error),
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
