//! One file per shard, each complete or absent: `DIR/shard=shard_30/part.csv`.
//!
//! The manifest is written first and updated as files are completed, so that an interrupted
//! export can be resumed. A file that was renamed but not yet listed is exported again.

mod columns;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::task::JoinSet;

use super::blocking::blocking;
use super::columns::{recorded, to_records};
use super::dataset_dir::part_name;
use super::draft::publish;
use super::encoder::{EncoderOptions, WriterCommand};
use super::manifest::{ColumnRecord, Manifest, ShardRecord};
use super::manifest_builder::{self, milliseconds};
use super::progress::Progress;
use super::writer::Writer;
use super::{ExportError, ExportFormat, ExportTarget};
use crate::exec::column_types::ColumnTypes;
use crate::exec::fanout::{ShardEvent, ShardStats};
use crate::exec::merge::Restart;
use crate::exec::row_sink::{OutputClosed, RowSink};
use crate::exec::run_report::RunReport;
use crate::exec::type_names::TypeNames;
use crate::output::format::RenderError;
use crate::output::open_file;
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;

/// Files that may be syncing at once. Each uses two or three descriptors, and small shards
/// arrive faster than a disk takes them: of 2,000, most were open at once without this limit.
const FINISHING: usize = 16;

pub(crate) struct PerShard {
    folder: PathBuf,
    /// The prefix of the folder names: `shard`.
    key: String,
    kind: ExportFormat,
    text: EncoderOptions,
    types: TypeNames,
    manifest: Manifest,
    columns: Vec<Column>,
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

struct Part {
    target: ExportTarget,
    writer: Writer,
}

impl PerShard {
    /// Continues `manifest`, of a new export or a resumed one.
    pub fn start(
        folder: &Path,
        key: &str,
        kind: ExportFormat,
        text: EncoderOptions,
        types: TypeNames,
        weights: BTreeMap<Shard, u64>,
        manifest: Manifest,
    ) -> Result<Self, ExportError> {
        // Resuming has already checked that they are recorded.
        let column_types = recorded(&manifest).unwrap_or_default();
        let mut parts = Self {
            column_types,
            folder: folder.to_owned(),
            key: key.to_owned(),
            kind,
            text,
            types,
            manifest,
            columns: Vec::new(),
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

    /// Discards the files in progress.
    pub async fn abandon(&mut self) {
        for part in std::mem::take(&mut self.open).into_values() {
            part.writer.abandon().await;
        }
    }

    /// Waits for files that are complete, then writes the final manifest: what it contains, and
    /// why the other shards are missing. Also returns the first error.
    pub async fn finish(
        mut self,
        outcome: &RunReport,
        columns: Result<Vec<ColumnRecord>, String>,
    ) -> (Manifest, Option<ExportError>) {
        self.abandon().await;
        while self.reap_one().await {}
        match columns {
            // The run ended early.
            Ok(columns) if columns.is_empty() => {}
            Ok(columns) => self.manifest.columns = columns,
            Err(reason) => {
                let error = ExportError::ColumnTypes(reason);
                self.trouble = self.trouble.take().or(Some(error));
            }
        }
        for (shard, error) in outcome.failures.iter() {
            let shard = shard.to_string();
            let missing = self.manifest.missing.iter_mut();
            for entry in missing.filter(|entry| entry.shard == shard) {
                entry.error = error.to_string();
            }
        }
        self.manifest.complete = self.manifest.missing.is_empty();
        if let Some(run) = self.manifest.runs.last_mut() {
            run.ended = Some(manifest_builder::time(jiff::Timestamp::now()));
            run.warnings = outcome.notices.warnings();
        }
        // If no run read anything, all stay on record.
        if !self.manifest.shards.is_empty() {
            self.manifest.drop_empty_runs();
        }
        let recorded = self.record();
        (self.manifest, self.trouble.or(recorded.err()))
    }

    fn record(&mut self) -> Result<(), ExportError> {
        let mut types = self.column_types.clone();
        types.retain(|shard| self.has(shard));
        self.manifest.column_types = to_records(&types);
        self.manifest.replace(&Manifest::path_in(&self.folder))
    }

    /// Waits for one file to be finished; `false` if there is none to wait for.
    async fn reap_one(&mut self) -> bool {
        let finished = self.finishing.join_next().await;
        let Some(finished) = finished else {
            return false;
        };
        self.enter(finished.unwrap_or(Err(ExportError::WriterPanicked(self.folder.clone()))));
        true
    }

    fn poll_finished(&mut self) {
        while let Some(finished) = self.finishing.try_join_next() {
            self.enter(finished.unwrap_or(Err(ExportError::WriterPanicked(self.folder.clone()))));
        }
    }

    /// Adds a completed file to the manifest.
    fn enter(&mut self, finished: Result<ShardRecord, ExportError>) {
        match finished {
            Ok(entry) => {
                let manifest = &mut self.manifest;
                manifest
                    .missing
                    .retain(|missing| missing.shard != entry.shard);
                manifest.rows += entry.rows;
                manifest.shards.push(entry);
                manifest
                    .shards
                    .sort_by_key(|entry| Shard::named(&entry.shard));
                manifest.shards_answered = manifest.shards.len();
                self.stale = true;
            }
            Err(error) => self.trouble = self.trouble.take().or(Some(error)),
        }
    }

    /// The file of a shard, opened on first use.
    async fn part(&mut self, shard: Shard) -> Result<&Part, OutputClosed> {
        if self.trouble.is_some() {
            return Err(OutputClosed);
        }
        if !self.open.contains_key(&shard) {
            match self.opened(shard) {
                Ok(part) => {
                    let columns = WriterCommand::Columns(self.columns.clone());
                    part.writer.take(columns).await?;
                    if let (Some(first), Some(columns)) = (self.first, self.drifted.remove(&shard))
                    {
                        let drifted = WriterCommand::Drifted {
                            shard,
                            columns,
                            first,
                        };
                        part.writer.take(drifted).await?;
                    }
                    self.open.insert(shard, part);
                }
                Err(error) => {
                    self.trouble = Some(error);
                    return Err(OutputClosed);
                }
            }
        }
        self.open.get(&shard).ok_or(OutputClosed)
    }

    fn opened(&self, shard: Shard) -> Result<Part, ExportError> {
        let path = self.folder.join(part_name(&self.key, shard, self.kind));
        let folder = crate::output::atomic_file::folder(&path);
        open_file::make_folder(&folder).map_err(|source| ExportError::File {
            file: folder,
            source,
        })?;
        let target = ExportTarget::part(&path)?;
        let writer = Writer::start(&target, self.kind, self.text.clone(), Restart::Never)?;
        Ok(Part { target, writer })
    }

    /// Sends to the part's writer; if that has ended, keeps its error.
    async fn give(&mut self, shard: Shard, input: WriterCommand) -> Result<(), OutputClosed> {
        let given = self.part(shard).await?.writer.take(input).await;
        if given.is_err()
            && let Some(part) = self.open.remove(&shard)
        {
            self.trouble = self.trouble.take().or(part.writer.abandon().await);
        }
        given
    }

    async fn complete(&mut self, shard: Shard, part: Part, answer: ShardStats) {
        while self.finishing.len() >= FINISHING {
            self.reap_one().await;
        }
        self.touched = true;
        let name = part_name(&self.key, shard, self.kind);
        let run = self.manifest.runs.len() - 1;
        self.finishing.spawn(async move {
            let written = part.writer.finish().await?;
            let mut file = manifest_builder::file(part.target.path(), &written);
            file.name = name;
            if let ExportTarget::File(draft) = part.target {
                blocking(move || publish(draft)).await?;
            }
            Ok(ShardRecord {
                shard: shard.to_string(),
                rows: answer.rows,
                bytes: written.shard_bytes.get(&shard).copied().unwrap_or(0),
                milliseconds: milliseconds(answer.took),
                run,
                file: Some(file),
            })
        });
    }

    fn declared(&mut self, shard: Shard, columns: Vec<Column>) {
        self.column_types.add(shard, &columns);
        self.first.get_or_insert(shard);
        if columns == self.columns {
            self.drifted.remove(&shard);
        } else {
            self.drifted.insert(shard, columns);
        }
    }
}

impl RowSink for PerShard {
    fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        self.take_columns(columns);
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
