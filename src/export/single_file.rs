//! All shards in one file: passes a run's output to the writer, and publishes the file at the
//! end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::encoder::{EncoderOptions, WriterCommand, Written};
use super::manifest::Manifest;
use super::progress::Progress;
use super::sidecar::{Sidecar, renamed};
use super::writer::Writer;
use super::{ExportError, ExportFormat, ExportTarget};
use crate::exec::fanout::ShardEvent;
use crate::exec::merge::{MergeMode, Order, Restart};
use crate::exec::row_sink::{OutputClosed, RowSink};
use crate::exec::run_report::RunReport;
use crate::export::blocking::blocking;
use crate::output::format::RenderError;
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;
use crate::text::humanize::Bytes;

/// A file being written. Dropping it leaves nothing behind.
pub(crate) struct OneFile {
    target: ExportTarget,
    sidecar: Sidecar,
    writer: Writer,
    /// Held until the next async call: the run's columns callback cannot wait for the queue.
    columns: Option<Vec<Column>>,
    /// The first shard's columns, which the file uses.
    first: Option<(Shard, Vec<Column>)>,
    progress: Progress,
    began: Instant,
    touched: bool,
}

/// A complete file under its temporary name.
pub(crate) struct UnpublishedFile {
    target: ExportTarget,
    sidecar: Sidecar,
    pub written: Written,
}

impl OneFile {
    pub fn start(
        target: ExportTarget,
        sidecar: Sidecar,
        kind: ExportFormat,
        text: EncoderOptions,
        restart: Restart,
        weights: BTreeMap<Shard, u64>,
    ) -> Result<Self, ExportError> {
        Ok(Self {
            writer: Writer::start(&target, kind, text, restart)?,
            target,
            sidecar,
            columns: None,
            first: None,
            progress: Progress::new(weights),
            began: Instant::now(),
            touched: false,
        })
    }

    /// A shard cannot be restarted on a stream, in Parquet or in a workbook, where writes are final, nor with
    /// rows in arrival order, where one shard's rows cannot be removed.
    pub fn merge_mode(target: &ExportTarget, kind: ExportFormat, order: Order) -> MergeMode {
        let mixed = order == Order::Arrival;
        let restart = if mixed || target.is_stream() || kind.format.is_append_only() {
            Restart::Never
        } else {
            Restart::WhileIncomplete
        };
        MergeMode { order, restart }
    }

    pub fn is_stream(&self) -> bool {
        self.target.is_stream()
    }

    /// Discards everything, for another attempt.
    pub async fn reset(self) -> Result<(ExportTarget, Sidecar), ExportError> {
        if let Some(error) = self.writer.abandon().await {
            return Err(error);
        }
        let cut = self.target.rewind();
        cut.map(|()| (self.target, self.sidecar))
    }

    /// Waits until the data is on disk.
    pub async fn finish(self) -> Result<UnpublishedFile, ExportError> {
        let written = self.writer.finish().await?;
        let target = self.target;
        let target = blocking(move || target.sync().map(|()| target)).await?;
        Ok(UnpublishedFile {
            target,
            sidecar: self.sidecar,
            written,
        })
    }

    /// Stops early. A stream keeps what was written.
    pub async fn abandon(self) -> Option<ExportError> {
        self.writer.abandon().await
    }
}

impl UnpublishedFile {
    /// Renames the file and its manifest.
    pub fn rename(&mut self, path: PathBuf) -> Result<(), ExportError> {
        self.sidecar.rename(&path)?;
        match &mut self.target {
            ExportTarget::File(draft) => renamed(draft, path),
            ExportTarget::Stream { .. } => Ok(()),
        }
    }

    pub fn path(&self) -> &Path {
        self.target.path()
    }

    /// `packages.csv: 93.4 MB, SHA-256 9f86…`
    pub fn describe(&self) -> String {
        let path = self.path();
        let name = if path == Path::new("-") {
            "standard output".into()
        } else {
            path.display().to_string()
        };
        format!(
            "{name}: {}, SHA-256 {}",
            Bytes(self.written.bytes),
            self.written.sha256
        )
    }

    /// Renames the file into place, then the manifest.
    pub async fn publish(self, record: Manifest) -> Result<(), ExportError> {
        blocking(move || match &self.target {
            ExportTarget::File(draft) => self.sidecar.publish(draft, &record),
            ExportTarget::Stream { .. } => Ok(()),
        })
        .await
    }
}

impl OneFile {
    /// Other lengths and precisions than the first shard's: the writer has to know.
    async fn declared(&mut self, shard: Shard, columns: Vec<Column>) -> Result<(), OutputClosed> {
        let (first, expected) = self.first.get_or_insert_with(|| (shard, columns.clone()));
        if *expected == columns {
            return Ok(());
        }
        let first = *first;
        self.pass(WriterCommand::Drifted {
            shard,
            columns,
            first,
        })
        .await
    }

    async fn roll_back(&mut self, shard: Shard) -> Result<(), OutputClosed> {
        self.progress.take_back(shard);
        self.writer.take(WriterCommand::RollBack(shard)).await
    }

    async fn pass(&mut self, input: WriterCommand) -> Result<(), OutputClosed> {
        self.touched = true;
        if let Some(columns) = self.columns.take() {
            self.writer.take(WriterCommand::Columns(columns)).await?;
        }
        self.writer.take(input).await
    }
}

impl RowSink for OneFile {
    fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        self.columns = Some(columns.to_vec());
        Ok(())
    }

    async fn accept(&mut self, shard: Shard, event: ShardEvent) -> Result<(), OutputClosed> {
        match event {
            ShardEvent::Columns(columns) => self.declared(shard, columns).await,
            ShardEvent::Rows(rows) => {
                let (count, bytes) = (rows.len() as u64, rows.text_bytes());
                self.progress.add(shard, count, bytes);
                self.pass(WriterCommand::Rows(shard, rows)).await
            }
            ShardEvent::CopyData(chunk) => {
                self.progress.add(shard, chunk.rows, chunk.text.len());
                self.pass(WriterCommand::Lines(shard, chunk)).await
            }
            ShardEvent::Finished(stats) => {
                self.progress.answered(shard, stats.rows);
                // A header is due even if no shard has any row.
                self.pass(WriterCommand::ShardEnded(shard)).await
            }
            ShardEvent::Failed(_) => {
                self.roll_back(shard).await?;
                self.writer.take(WriterCommand::ShardEnded(shard)).await
            }
            ShardEvent::RolledBack => self.roll_back(shard).await,
            ShardEvent::Confirmed => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<(), OutputClosed> {
        Ok(())
    }

    /// A file is not visible before it is published.
    fn is_untouched(&self) -> bool {
        !self.target.is_stream() || !self.touched
    }

    fn progress(&self, _: &RunReport) -> String {
        self.progress.describe(self.began.elapsed())
    }
}
