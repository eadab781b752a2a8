//! `shardq watch`.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;

use super::connection::ConnectionArgs;
use super::inspect::{InspectArgs, InspectShardArgs};
use super::limits::LimitArgs;
use super::query::{GlobalArgs, OnError, OutputArgs, QueryArgs, ShardArgs, ShardColumnArgs};
use super::run::RunArgs;
use super::statement::StatementArgs;
use super::values;
use crate::sharding::routing::key_kinds::KeyKinds;
use crate::sharding::script::Source;
use crate::sharding::search_path::SearchPath;

/// Run a query again and again, and print what changed
///
/// The word drift in place of a query watches what `shardq drift` finds.
///
/// Each round reads all shards at a new snapshot. Rows that were added or are gone are printed, and
/// with --key those that changed, as two rows: before and after. The first round is only counted.
///
/// A round that is not complete, because a shard fails or a server restarts, is reported and not
/// compared: its missing rows are not gone. The next complete round is compared with the last one.
///
/// Exit status: 0 as many rounds as --count, or what --until waits for, 1 the first round failed,
/// 2 usage error, 3 the first round is not complete, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq watch \"SELECT state, count(*) FROM jobs GROUP BY state\" --key state
  shardq watch -g \"SELECT count(*) FROM jobs WHERE state = 'failed'\" --every 1m --jsonl
  shardq watch \"SELECT id, mapping FROM rules\" --key id --on-change 'mail -s rules ops'
  shardq watch \"SELECT 1 FROM jobs WHERE state = 'running'\" --until-empty && deploy
  shardq watch drift --every 1m --on-change 'mail -s drift ops'

--on-change runs CMD with the shell, and gives it one JSON object on its standard input: time, sql,
rows, added, gone, and changed with before and after. What it prints goes to stderr.")]
pub struct WatchArgs {
    #[command(flatten)]
    pub statement: StatementArgs,

    /// Run the query every TIME, e.g. 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = values::interval, help_heading = "Watch")]
    pub every: Duration,

    /// Rows are the same if these columns and the shard are, e.g. id or state,kind (repeatable)
    ///
    /// Without it, a changed row is one that is gone and one that was added.
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        help_heading = "Watch"
    )]
    pub key: Vec<String>,

    /// Run CMD at each change, with the difference as JSON on its standard input
    #[arg(long, value_name = "CMD", help_heading = "Watch")]
    pub on_change: Option<String>,

    /// End after the first change
    #[arg(long, help_heading = "Watch")]
    pub until_change: bool,

    /// End when the result has no rows
    #[arg(long, help_heading = "Watch")]
    pub until_empty: bool,

    /// End after N rounds
    #[arg(long, value_name = "N", help_heading = "Watch")]
    pub count: Option<NonZeroU64>,

    #[command(flatten)]
    pub global: GlobalArgs,

    #[command(flatten)]
    pub shards: InspectShardArgs,

    /// Look up tables in these schemas ({shard} is the shard's own)
    #[arg(long, value_name = "SCHEMAS", default_value = "{shard}", value_parser = clap::value_parser!(SearchPath), help_heading = "Shards")]
    pub search_path: SearchPath,

    #[command(flatten)]
    pub output: OutputArgs,

    #[command(flatten)]
    pub shard_column: ShardColumnArgs,

    #[command(flatten)]
    pub limits: LimitArgs,

    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What each round runs.
pub enum WatchedArgs {
    Query(Box<QueryArgs>),
    Drift(Box<InspectArgs>),
}

/// When to end, and what to do at a change.
pub struct WatchOptions {
    pub every: Duration,
    pub key: Vec<String>,
    pub on_change: Option<String>,
    pub until_change: bool,
    pub until_empty: bool,
    pub count: Option<NonZeroU64>,
}

impl WatchArgs {
    /// # Errors
    /// A flag that is for queries, if drift is watched.
    pub fn into_parts(self) -> Result<(WatchedArgs, WatchOptions), String> {
        let is_drift = matches!(&self.statement.sources[..], [Source::Text(text)] if text == DRIFT);
        if let (true, Some(flag)) = (is_drift, self.flag_for_queries()) {
            return Err(format!("{flag} is for queries; remove it to watch drift"));
        }
        let options = WatchOptions {
            every: self.every,
            key: self.key,
            on_change: self.on_change,
            until_change: self.until_change,
            until_empty: self.until_empty,
            count: self.count,
        };
        if is_drift {
            let inspect = InspectArgs {
                shards: self.shards,
                output: self.output,
                timeout: self.limits.timeout,
                lock_timeout: self.limits.lock_timeout,
                quiet: self.run.quiet,
                connection: self.connection,
            };
            return Ok((WatchedArgs::Drift(Box::new(inspect)), options));
        }
        let query = QueryArgs {
            statement: self.statement,
            global: self.global,
            shards: ShardArgs {
                layout: self.shards.layout,
                select: self.shards.select,
                origin: Vec::new(),
                key: Vec::new(),
                key_from: None,
                kind: None,
                key_kinds: KeyKinds::default(),
                expect_shards: self.shards.expect_shards,
                search_path: self.search_path,
            },
            output: self.output,
            shard_column: self.shard_column,
            limits: self.limits,
            on_error: OnError::Continue,
            run: self.run,
            connection: self.connection,
        };
        Ok((WatchedArgs::Query(Box::new(query)), options))
    }

    fn flag_for_queries(&self) -> Option<&'static str> {
        let flags = [
            (self.global.global, "--global"),
            (self.run.no_snapshot, "--no-snapshot"),
            (self.run.row_security, "--row-security"),
            (self.run.dry_run, "--dry-run"),
            (self.run.timing, "--timing"),
            (self.search_path != SearchPath::default(), "--search-path"),
            (self.shard_column.name() != Some("shard"), "--shard-column"),
        ];
        let mut given = flags.into_iter().filter(|(is_given, _)| *is_given);
        given.next().map(|(_, flag)| flag)
    }
}

/// No statement begins so.
const DRIFT: &str = "drift";
