//! What all inspection commands share: which shards, limits, output, and where to connect.

use std::time::Duration;

use clap::Args;

use super::connection::ConnectionArgs;
use super::layout::ListedLayoutArgs;
use super::query::OutputArgs;
use super::select::SelectArgs;
use super::values;
use crate::exec::plan::Timeouts;
use crate::sharding::layout::Layout;

#[derive(Args)]
pub struct InspectArgs {
    #[command(flatten)]
    pub shards: InspectShardArgs,

    #[command(flatten)]
    pub output: OutputArgs,

    /// Cancel a statement after TIME, e.g. 30s (0: never)
    ///
    /// One statement covers all shards of a database. The limit applies on the server, as `statement_timeout`.
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
    pub layout: ListedLayoutArgs,

    #[command(flatten)]
    pub select: SelectArgs,

    /// Fail unless there are exactly N shards
    #[arg(long, value_name = "N")]
    pub expect_shards: Option<u32>,
}

impl InspectShardArgs {
    pub fn layout(&self) -> Layout {
        self.layout.layout()
    }
}
