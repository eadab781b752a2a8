//! What all inspection commands share: which shards, limits, output, and where to connect.

use std::time::Duration;

use clap::Args;

use super::connection::ConnectionArgs;
use super::layout::LayoutArgs;
use super::query::OutputArgs;
use super::select::SelectArgs;
use super::values;
use crate::exec::plan::Timeouts;
use crate::sharding::layout::Layout;
use crate::sharding::schemas_from::SchemasFrom;
use crate::sharding::statement::Statement;

#[derive(Args)]
pub struct InspectArgs {
    #[command(flatten)]
    pub shards: InspectShardArgs,

    #[command(flatten)]
    pub output: OutputArgs,

    /// Cancel a statement after TIME, e.g. 30s (0: never)
    ///
    /// One statement covers all shards. The limit applies on the server, as `statement_timeout`.
    #[arg(long, visible_alias = "statement-timeout", value_name = "TIME", default_value = "60s", value_parser = values::duration, help_heading = "Run")]
    pub timeout: Duration,

    /// Wait at most TIME for a table lock (0: no limit)
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = values::duration, help_heading = "Run")]
    pub lock_timeout: Duration,

    /// Omit summary, progress and hints; keep errors and warnings
    #[arg(short = 'q', long, help_heading = "Run")]
    pub quiet: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl InspectArgs {
    pub fn limits(&self) -> Timeouts {
        Timeouts {
            statement_timeout: self.timeout,
            lock_timeout: self.lock_timeout,
        }
    }
}

#[derive(Args)]
#[command(next_help_heading = "Shards")]
pub struct InspectShardArgs {
    #[command(flatten)]
    pub layout: LayoutArgs,

    /// Shards are the schemas that this statement lists, in its order
    ///
    /// Its first column is the name of a schema. A second one is a label, which --shards and
    /// --exclude-shards take too. It runs at the snapshot of the run, read-only. A schema that
    /// does not exist is a missing shard.
    #[arg(
        long,
        value_name = "SQL",
        value_parser = values::statement,
        conflicts_with_all = ["schemas", "exclude_schemas"]
    )]
    pub schemas_from: Option<Statement>,

    #[command(flatten)]
    pub select: SelectArgs,

    /// Fail unless the database has exactly N shards
    #[arg(long, value_name = "N")]
    pub expect_shards: Option<u32>,
}

impl InspectShardArgs {
    pub fn layout(&self) -> Layout {
        match &self.schemas_from {
            Some(statement) => Layout::listed(SchemasFrom::new(statement.clone())),
            None => self.layout.layout(),
        }
    }
}
