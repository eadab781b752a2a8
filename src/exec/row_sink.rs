//! Where the rows of a run go: a table, a file, one file per shard.

use crate::exec::fanout::ShardEvent;
use crate::exec::run_report::RunReport;
use crate::output::format::RenderError;
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;

/// Receives the merged events of a run. A writer that fails reports the reason when it is finished.
pub(crate) trait RowSink {
    /// The result's columns, once, before all rows.
    fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError>;
    /// What comes of a shard. After [`ShardEvent::Finished`] only a failure can follow.
    async fn accept(&mut self, shard: Shard, event: ShardEvent) -> Result<(), OutputClosed>;
    /// Passes on what is buffered.
    async fn flush(&mut self) -> Result<(), OutputClosed>;
    /// Whether the run can still be retried: nobody has seen any of its output.
    fn is_untouched(&self) -> bool;
    /// For the progress line: rows and bytes.
    fn progress(&self, outcome: &RunReport) -> String;
}

/// The output accepts no more data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputClosed;
