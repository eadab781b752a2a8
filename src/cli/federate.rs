//! `shardq federate`.

use std::time::Duration;

use clap::Args;

use super::connection::ConnectionArgs;
use super::layout::ListedLayoutArgs;
use super::values;
use crate::exec::plan::Timeouts;

/// Make a database a hub: one SQL statement from any client covers the shards of all servers
///
/// The hub gets a foreign table (`postgres_fdw`) for each table of each shard, in a schema named
/// like the shard, and in the schema `all_shards` a view per table that unites them behind a column
/// `shard`.
/// Everything is created in one transaction, which is committed once the hub has read from every
/// server. The hub logs in to the servers as the users of the profile or the flags do, without a
/// stored password. Nothing is written to the servers, except with --remote-views.
///
/// Exit status: 0 done, or the hub is up to date, 1 failed, or the hub is stale (--check), 2 usage
/// error, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq federate -P live --hub \"host=hub dbname=hub\" --dry-run
  shardq federate -P live --hub \"host=hub dbname=hub\"
  shardq federate -P live --hub \"host=hub dbname=hub\" --check
  psql \"host=hub dbname=hub\" -c \"SELECT shard, count(*) FROM all_shards.jobs GROUP BY 1\"")]
pub struct FederateArgs {
    #[command(flatten)]
    pub hub: HubArgs,

    #[command(flatten)]
    pub layout: ListedLayoutArgs,

    /// Fail unless the databases have exactly N shards
    #[arg(long, value_name = "N", help_heading = "Shards")]
    pub expect_shards: Option<u32>,

    /// Cancel a statement after TIME, e.g. 30s (0: never)
    #[arg(long, visible_alias = "statement-timeout", value_name = "TIME", default_value = "60s", value_parser = values::duration, help_heading = "Run")]
    pub timeout: Duration,

    /// Wait at most TIME for a table lock (0: no limit)
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = values::duration, help_heading = "Run")]
    pub lock_timeout: Duration,

    /// Omit summary and hints; keep errors and warnings
    #[arg(short = 'q', long, help_heading = "Run")]
    pub quiet: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Which database is the hub, and what to do with it.
#[derive(Args)]
#[command(next_help_heading = "Hub")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct HubArgs {
    /// The hub: a URI, a key=value string, or the name of a database
    #[arg(long, value_name = "CONNINFO")]
    pub hub: String,

    /// Print the SQL without running it: what creates the hub, or what --refresh would run
    #[arg(long, group = "action")]
    pub dry_run: bool,

    /// Compare the hub with the servers, print what differs; exit 1 if it is stale
    #[arg(long, group = "action")]
    pub check: bool,

    /// Make the hub what --check found that it should be
    #[arg(long, group = "action")]
    pub refresh: bool,

    /// Remove what was made, and nothing else
    ///
    /// Fails, without removing anything, if other objects depend on it. What --remote-views made on
    /// the servers is removed too.
    #[arg(long, group = "action")]
    pub drop: bool,

    /// Create a view per table on each server, over its shards; the hub's tables are partitioned by them
    ///
    /// Faster (see `docs/guide/scale.md`), but it writes to the servers: a schema
    /// `shardq_federation` on each, for which the user needs the right to create schemas. While a
    /// view reads a column, Postgres refuses to drop it or to change its type.
    #[arg(long, conflicts_with_all = ["check", "drop"])]
    pub remote_views: bool,

    /// Collect statistics of the foreign tables for the hub's planner (reads every row once)
    #[arg(long, conflicts_with_all = ["dry_run", "check", "drop"])]
    pub analyze: bool,

    /// Store in the hub the password that the profile's command prints
    ///
    /// Superusers of the hub, and whoever has a dump of it, can read it. Needed only if the hub's
    /// role is not a superuser, or the hub has no passfile, certificate or peer authentication.
    #[arg(long, conflicts_with_all = ["dry_run", "check", "drop"])]
    pub store_password: bool,
}

impl FederateArgs {
    pub fn limits(&self) -> Timeouts {
        Timeouts {
            statement_timeout: self.timeout,
            lock_timeout: self.lock_timeout,
        }
    }
}
