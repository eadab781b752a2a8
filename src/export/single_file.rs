//! All shards in one file: takes a run's pieces to the writer, and gives the file
//! its name in the end.

use crate::export::blocking::blocking;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::encoder::{Input, Text, Written};
use super::manifest::Manifest;
use super::progress::Progress;
use super::sidecar::{Beside, renamed};
use super::writer::Writer;
use super::{ExportError, FileFormat, Kind, Target};
use crate::exec::copy::Lines;
use crate::exec::driver::{Destination, Ended, Outcome, WriterFailed};
use crate::exec::merge::{Delivery, Order, Recall};
use crate::output::format::RenderError;
use crate::pg::row_batch::{Column, Rows};
use crate::sharding::shard::Shard;
use crate::text::humanize::Bytes;

/// A file under way. Dropping it leaves nothing behind.
pub(crate) struct OneFile {
    target: Target,
    beside: Beside,
    writer: Writer,
    /// Waits for the writer's queue; the run's interface cannot.
    columns: Option<Vec<Column>>,
    /// The first shard's, which the file has.
    first: Option<(Shard, Vec<Column>)>,
    progress: Progress,
    began: Instant,
    touched: bool,
}

/// A file that is written, and has its name not yet.
pub(crate) struct Finished {
    target: Target,
    beside: Beside,
    pub written: Written,
}

impl OneFile {
    pub fn start(
        target: Target,
        beside: Beside,
        kind: Kind,
        text: Text,
        recall: Recall,
        weights: BTreeMap<Shard, u64>,
    ) -> Result<Self, ExportError> {
        Ok(Self {
            writer: Writer::start(&target, kind, text, recall)?,
            target,
            beside,
            columns: None,
            first: None,
            progress: Progress::new(weights),
            began: Instant::now(),
            touched: false,
        })
    }

    /// What is written to a stream, or as Parquet, is written; and of rows that are
    /// mixed, those of one shard cannot be taken out again.
    pub fn delivery(target: &Target, kind: Kind, order: Order) -> Delivery {
        let mixed = order == Order::Arrival;
        let recall = if mixed || target.is_stream() || kind.format == FileFormat::Parquet {
            Recall::Never
        } else {
            Recall::UntilEnded
        };
        Delivery { order, recall }
    }

    pub fn is_stream(&self) -> bool {
        self.target.is_stream()
    }

    /// Takes it all back, for a run that starts again.
    pub async fn rewound(self) -> Result<(Target, Beside), ExportError> {
        if let Some(error) = self.writer.abandon().await {
            return Err(error);
        }
        let cut = self.target.rewind();
        cut.map(|()| (self.target, self.beside))
    }

    /// Waits until all of it is on the disk.
    pub async fn finish(self) -> Result<Finished, ExportError> {
        let written = self.writer.finish().await?;
        let target = self.target;
        let target = blocking(move || target.sync().map(|()| target)).await?;
        Ok(Finished {
            target,
            beside: self.beside,
            written,
        })
    }

    /// Ends in the middle. A stream keeps what it got.
    pub async fn abandon(self) -> Option<ExportError> {
        self.writer.abandon().await
    }
}

impl Finished {
    /// Another name for the file, and for what stands beside it.
    pub fn rename(&mut self, path: PathBuf) -> Result<(), ExportError> {
        self.beside.rename(&path)?;
        match &mut self.target {
            Target::File(draft) => renamed(draft, path),
            Target::Stream { .. } => Ok(()),
        }
    }

    pub fn path(&self) -> &Path {
        self.target.path()
    }

    /// `packages.csv: 93.4 MB, SHA-256 9f86…`
    pub fn describe(&self) -> String {
        format!(
            "{}: {}, SHA-256 {}",
            self.path().display(),
            Bytes(self.written.bytes),
            self.written.sha256
        )
    }

    /// Gives the file its name, and then the manifest its own.
    pub async fn publish(self, record: Manifest) -> Result<(), ExportError> {
        blocking(move || match &self.target {
            Target::File(draft) => self.beside.publish(draft, &record),
            Target::Stream { .. } => Ok(()),
        })
        .await
    }
}

impl OneFile {
    async fn take_back(&mut self, shard: Shard) -> Result<(), WriterFailed> {
        self.progress.take_back(shard);
        self.writer.take(Input::TakeBack(shard)).await
    }

    async fn pass(&mut self, input: Input) -> Result<(), WriterFailed> {
        self.touched = true;
        if let Some(columns) = self.columns.take() {
            self.writer.take(Input::Columns(columns)).await?;
        }
        self.writer.take(input).await
    }
}

impl Destination for OneFile {
    fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        self.columns = Some(columns.to_vec());
        Ok(())
    }

    async fn declared(&mut self, shard: Shard, columns: &[Column]) -> Result<(), WriterFailed> {
        let (first, expected) = self.first.get_or_insert_with(|| (shard, columns.to_vec()));
        if expected == columns {
            return Ok(());
        }
        let drifted = Input::Drifted {
            shard,
            columns: columns.to_vec(),
            first: *first,
        };
        self.pass(drifted).await
    }

    async fn rows(&mut self, shard: Shard, rows: Rows) -> Result<(), WriterFailed> {
        self.progress
            .add(shard, rows.len() as u64, rows.text_bytes());
        self.pass(Input::Rows(shard, rows)).await
    }

    async fn lines(&mut self, shard: Shard, lines: Lines) -> Result<(), WriterFailed> {
        self.progress.add(shard, lines.rows, lines.text.len());
        self.pass(Input::Lines(shard, lines)).await
    }

    async fn ended(&mut self, shard: Shard, ended: Ended) -> Result<(), WriterFailed> {
        match ended {
            Ended::Answered(answer) => {
                self.progress.answered(shard, answer.rows);
                // A header is due even if no shard has any row.
                self.pass(Input::Ended(shard)).await
            }
            Ended::Failed => {
                self.take_back(shard).await?;
                self.writer.take(Input::Ended(shard)).await
            }
            Ended::Again => self.take_back(shard).await,
        }
    }

    async fn flush(&mut self) -> Result<(), WriterFailed> {
        Ok(())
    }

    /// Of a file, nobody has.
    fn is_untouched(&self) -> bool {
        !self.target.is_stream() || !self.touched
    }

    fn progress(&self, _: &Outcome) -> String {
        self.progress.describe(self.began.elapsed())
    }
}
