//! Timeouts and other limits on the server, for every command that queries shards.

use std::time::Duration;

use clap::Args;

use super::values;
use crate::exec::plan::Timeouts;

#[derive(Args, Clone, Copy)]
#[command(next_help_heading = "Run")]
pub struct LimitArgs {
    /// Cancel a shard's statement after TIME, e.g. 30s (0: never)
    ///
    /// The time counts for each shard on its own, on the server, as `statement_timeout`.
    #[arg(long, visible_alias = "statement-timeout", value_name = "TIME", default_value = "60s", value_parser = values::duration)]
    pub timeout: Duration,

    /// Wait at most TIME for a table lock (0: no limit)
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = values::duration)]
    pub lock_timeout: Duration,
}

/// Those of an export. It may take hours, and nobody sits there to start it again:
/// unless asked, nothing cancels its statements.
#[derive(Args, Clone, Copy)]
#[command(next_help_heading = "Run")]
pub struct ExportLimitArgs {
    /// Cancel a shard's statement after TIME, e.g. 10m (0: never)
    ///
    /// The time counts for each shard on its own, on the server, as `statement_timeout`.
    #[arg(long, visible_alias = "statement-timeout", value_name = "TIME", default_value = "0", value_parser = values::duration)]
    pub timeout: Duration,

    /// Wait at most TIME for a table lock (0: no limit)
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = values::duration)]
    pub lock_timeout: Duration,
}

impl From<LimitArgs> for Timeouts {
    fn from(args: LimitArgs) -> Self {
        Self {
            statement_timeout: args.timeout,
            lock_timeout: args.lock_timeout,
        }
    }
}

impl From<ExportLimitArgs> for Timeouts {
    fn from(args: ExportLimitArgs) -> Self {
        Self {
            statement_timeout: args.timeout,
            lock_timeout: args.lock_timeout,
        }
    }
}
