//! `shardq psql`.

use std::ffi::OsString;
use std::num::NonZeroU32;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::connection::ConnectionArgs;
use super::find::{CONNECTIONS, FindArgs};
use super::inspect::InspectShardArgs;
use super::limits::LimitArgs;
use super::values;
use crate::pg::column_name::ColumnName;
use crate::sharding::search_path::SearchPath;

/// Start psql in the shard of a key, or in a given shard
///
/// The shard of a key is computed and verified as by `shardq find`. psql connects with the same
/// settings as shardq, with `search_path` set to the shard. Transactions are read-only by default:
/// that protects against mistakes, since SET TRANSACTION READ WRITE lifts it. With --write they
/// are not.
///
/// Exit status: that of psql. Before psql starts: 1 failed or key not found, 2 usage error, 3 key
/// not found while a shard did not answer, 130 interrupted.
#[derive(Args)]
#[command(
    override_usage = "shardq psql [OPTIONS] <KEY> [-- <PSQL_ARGS>...]\n       \
                      shardq psql [OPTIONS] --shards <N> [-- <PSQL_ARGS>...]",
    after_help = "\
Examples:
  shardq psql core
  shardq psql --shards 30
  shardq psql --write ada@example.com --in users.email
  shardq psql core -- -x -c \"SELECT * FROM origins WHERE name = 'core'\"

Settings reach psql as a connection string and by PGOPTIONS, a password by PGPASSWORD, never on the
command line. PgBouncer refuses PGOPTIONS unless its ignore_startup_parameters has options: connect
to the server itself."
)]
pub struct PsqlArgs {
    /// Start psql in the shard of this name or id
    #[arg(
        value_name = "KEY",
        value_parser = NonEmptyStringValueParser::new(),
        required_unless_present = "shards"
    )]
    pub key: Option<String>,

    /// Treat the key as this kind: origin, account, id, or one of the profile's
    #[arg(long, value_name = "KIND", requires = "key")]
    pub kind: Option<String>,

    /// Search a column of all shards for KEY, e.g. origins.name
    #[arg(
        long = "in",
        value_name = "TABLE.COLUMN",
        requires = "key",
        conflicts_with_all = ["kind", "shard_count"]
    )]
    pub in_column: Option<ColumnName>,

    /// Hash names over N shards [default: highest shard number + 1]
    #[arg(long, value_name = "N", value_parser = values::shard_count, requires = "key")]
    pub shard_count: Option<NonZeroU32>,

    /// Allow changes: transactions are not read-only
    #[arg(long)]
    pub write: bool,

    /// Arguments for psql
    #[arg(last = true, value_name = "PSQL_ARGS")]
    pub psql_args: Vec<OsString>,

    #[command(flatten)]
    pub shards: InspectShardArgs,

    /// Look up tables in these schemas ({shard} is the shard's own)
    #[arg(long, value_name = "SCHEMAS", default_value = "{shard}", value_parser = clap::value_parser!(SearchPath), help_heading = "Shards")]
    pub search_path: SearchPath,

    #[command(flatten)]
    pub limits: LimitArgs,

    /// Do not print the shard, hints and progress; keep errors
    #[arg(short = 'q', long, help_heading = "Run")]
    pub quiet: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl PsqlArgs {
    /// What `find` is asked for. `None` without a key.
    pub fn find(&self) -> Option<FindArgs> {
        let key = self.key.clone()?;
        Some(FindArgs {
            key: Some(key),
            kind: self.kind.clone(),
            in_column: self.in_column.clone(),
            from: None,
            column: None,
            learn: None,
            no_verify: false,
            shard_count: self.shard_count,
            short: true,
            json: false,
            layout: self.shards.layout.clone(),
            select: self.shards.select.clone(),
            connections: CONNECTIONS,
            limits: self.limits,
            quiet: self.quiet,
            connection: self.connection.clone(),
        })
    }
}
