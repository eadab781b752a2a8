//! One file per shard, each complete or absent: `DIR/shard=shard_30/part.csv`. `parts` writes and
//! completes the files, `record` keeps the manifest, `columns` compares the shards.
//!
//! The manifest is written first and updated as files are completed, so that an interrupted
//! export can be resumed. A file that was renamed but not yet listed is exported again.

mod columns;
mod parts;
mod record;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::task::JoinSet;

use crate::exec::column_types::ColumnTypes;
use crate::exec::fanout::ShardEvent;
use crate::exec::row_sink::{OutputClosed, RowSink};
use crate::exec::run_report::RunReport;
use crate::exec::type_names::DatabaseTypes;
use crate::export::columns::recorded;
use crate::export::encoder::{EncoderOptions, WriterCommand};
use crate::export::manifest::{Manifest, ShardRecord};
use crate::export::progress::Progress;
use crate::export::{ExportError, ExportFormat};
use crate::output::format::RenderError;
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;

use parts::Part;

pub(crate) struct PerShard {
    folder: PathBuf,
    /// The prefix of the folder names: `shard`.
    key: String,
    kind: ExportFormat,
    text: EncoderOptions,
    types: DatabaseTypes,
    manifest: Manifest,
    columns: Vec<Column>,
    /// Whether `columns` were compared with those of files that are there.
    are_compared: bool,
    /// The shard that `columns` came from.
    first: Option<Shard>,
    /// Shards whose columns have other lengths or precisions, until their files are opened.
    drifted: BTreeMap<Shard, Vec<Column>>,
    /// Of the shards already exported and those in progress.
    column_types: ColumnTypes,
    open: BTreeMap<Shard, Part>,
    finishing: JoinSet<Result<ShardRecord, ExportError>>,
    progress: Progress,
    began: Instant,
    stale: bool,
    touched: bool,
    trouble: Option<ExportError>,
}

/// How the rows of each file are written.
pub struct FileEncoding {
    pub kind: ExportFormat,
    pub text: EncoderOptions,
    pub types: DatabaseTypes,
}

impl PerShard {
    /// Continues `manifest`, of a new export or a resumed one, over these shards.
    pub fn start(
        folder: &Path,
        key: &str,
        shards: &[Shard],
        encoding: FileEncoding,
        weights: BTreeMap<Shard, u64>,
        manifest: Manifest,
    ) -> Result<Self, ExportError> {
        let FileEncoding { kind, text, types } = encoding;
        // Resuming has already checked that they are recorded.
        let column_types = recorded(&manifest).unwrap_or_default().of_shards(shards);
        let mut parts = Self {
            column_types,
            folder: folder.to_owned(),
            key: key.to_owned(),
            kind,
            text,
            types,
            manifest,
            columns: Vec::new(),
            are_compared: false,
            first: None,
            drifted: BTreeMap::new(),
            open: BTreeMap::new(),
            finishing: JoinSet::new(),
            progress: Progress::new(weights),
            began: Instant::now(),
            stale: false,
            touched: false,
            trouble: None,
        };
        parts.record()?;
        Ok(parts)
    }
}

impl RowSink for PerShard {
    fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        self.columns = columns.to_vec();
        Ok(())
    }

    async fn accept(&mut self, shard: Shard, event: ShardEvent) -> Result<(), OutputClosed> {
        match event {
            ShardEvent::Columns(columns) => self.declared(shard, columns),
            ShardEvent::Rows(rows) => {
                let (count, bytes) = (rows.len() as u64, rows.text_bytes());
                self.progress.add(shard, count, bytes);
                return self.give(shard, WriterCommand::Rows(shard, rows)).await;
            }
            ShardEvent::CopyData(chunk) => {
                self.progress.add(shard, chunk.rows, chunk.text.len());
                return self.give(shard, WriterCommand::Lines(shard, chunk)).await;
            }
            _ if self.trouble.is_some() => return Err(OutputClosed),
            ShardEvent::Finished(stats) => {
                // A shard without rows gets a file too.
                self.part(shard).await?;
                if let Some(part) = self.open.remove(&shard) {
                    self.progress.answered(shard, stats.rows);
                    self.complete(shard, part, stats).await;
                }
                self.poll_finished();
            }
            ShardEvent::Failed(_) | ShardEvent::RolledBack => {
                self.progress.take_back(shard);
                if let Some(part) = self.open.remove(&shard) {
                    part.writer.abandon().await;
                }
                self.poll_finished();
            }
            ShardEvent::Confirmed => {}
        }
        Ok(())
    }

    /// Called now and then, not per file: the manifest grows with the number of shards.
    async fn flush(&mut self) -> Result<(), OutputClosed> {
        self.poll_finished();
        if std::mem::take(&mut self.stale)
            && let Err(error) = self.record()
        {
            self.trouble = Some(error);
        }
        match self.trouble {
            Some(_) => Err(OutputClosed),
            None => Ok(()),
        }
    }

    /// Completed files are not rolled back.
    fn is_untouched(&self) -> bool {
        !self.touched
    }

    fn progress(&self, _: &RunReport) -> String {
        self.progress.describe(self.began.elapsed())
    }
}
