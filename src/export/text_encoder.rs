//! A text file that holds one shard after the other. A shard can be rolled back until it has
//! ended.

use std::io::{self, Write as _};

use super::FileFormat;
use super::compress::{Checkpoint, CompressedWriter, FileDigest};
use super::encoder::{EncodeError, EncoderOptions, WriteStats, WriterCommand};
use super::excel::Excel;
use crate::output::format::{Format, Renderer};
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;

pub(super) struct TextFile {
    renderer: RowFormatter,
    shard_column: Option<String>,
    packed: CompressedWriter,
    /// The shard that is being written, if it has a row.
    shard: Option<Shard>,
    /// Its first bytes, while they are too few to be worth a checkpoint.
    held: Vec<u8>,
    began: ShardStart,
}

/// Where the current shard began.
pub(super) enum ShardStart {
    /// What is written cannot be rolled back.
    Irreversible,
    Unwritten,
    Checkpoint(Box<Checkpoint>),
}

enum RowFormatter {
    Rendered(Renderer),
    Excel(Excel),
}

impl TextFile {
    pub fn new(
        format: FileFormat,
        text: EncoderOptions,
        packed: CompressedWriter,
        began: ShardStart,
    ) -> Self {
        let rendered = |format| RowFormatter::Rendered(Renderer::new(format, text.options.clone()));
        Self {
            renderer: match format {
                FileFormat::Csv if text.excel => {
                    let options = &text.options;
                    RowFormatter::Excel(Excel::new(options.tuples_only, options.delimiter))
                }
                FileFormat::Csv | FileFormat::Parquet | FileFormat::Xlsx => rendered(Format::Csv),
                FileFormat::Tsv => rendered(Format::Tsv),
                FileFormat::Jsonl => rendered(Format::Jsonl),
            },
            shard_column: text.shard_column,
            packed,
            shard: None,
            held: Vec::new(),
            began,
        }
    }

    pub fn take(
        &mut self,
        input: WriterCommand,
        stats: &mut WriteStats,
    ) -> Result<(), EncodeError> {
        match input {
            WriterCommand::Columns(columns) => self.begin(columns)?,
            WriterCommand::Rows(shard, rows) => {
                let name = self.shard_column.is_some().then(|| shard.to_string());
                let mut text = Vec::new();
                for row in rows.iter() {
                    let values = name.as_deref().map(Some).into_iter().chain(row.values());
                    match &mut self.renderer {
                        RowFormatter::Rendered(renderer) => renderer
                            .row(values, &mut text)
                            .map_err(|error| EncodeError::Other(error.into()))?,
                        RowFormatter::Excel(excel) => excel.row(values, &mut text),
                    }
                }
                self.add(shard, &text, stats)?;
            }
            WriterCommand::Lines(shard, lines) => self.add(shard, &lines.text, stats)?,
            // A shard may also fail before anything of it was written.
            WriterCommand::RollBack(shard) if self.shard == Some(shard) => {
                self.held.clear();
                if let ShardStart::Checkpoint(mark) = self.ended() {
                    self.packed.back_to(*mark)?;
                }
                stats.remove(shard);
            }
            WriterCommand::ShardEnded(shard) if self.shard == Some(shard) => {
                self.write_held()?;
                self.ended();
            }
            WriterCommand::Drifted { .. }
            | WriterCommand::RollBack(_)
            | WriterCommand::ShardEnded(_)
            | WriterCommand::End => {}
        }
        Ok(())
    }

    pub fn finish(&mut self) -> Result<FileDigest, EncodeError> {
        Ok(self.packed.finish()?)
    }

    fn begin(&mut self, columns: Vec<Column>) -> Result<(), EncodeError> {
        let shard = self.shard_column.iter().map(Column::text);
        let all: Vec<_> = shard.chain(columns).collect();
        let mut text = Vec::new();
        match &mut self.renderer {
            RowFormatter::Rendered(renderer) => renderer
                .begin(&all, &mut text)
                .map_err(|error| EncodeError::Other(error.into()))?,
            RowFormatter::Excel(excel) => excel.begin(&all, &mut text),
        }
        Ok(self.packed.write_all(&text)?)
    }

    fn add(&mut self, shard: Shard, text: &[u8], stats: &mut WriteStats) -> io::Result<()> {
        stats.add(shard, text.len());
        self.shard = Some(shard);
        if let ShardStart::Unwritten = self.began {
            if self.held.len() + text.len() < self.packed.checkpoint_threshold() {
                self.held.extend_from_slice(text);
                return Ok(());
            }
            self.began = ShardStart::Checkpoint(Box::new(self.packed.mark()?));
        }
        self.write_held()?;
        self.packed.write_all(text)
    }

    fn write_held(&mut self) -> io::Result<()> {
        self.packed.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }

    /// Ends the current shard, and returns where it began.
    fn ended(&mut self) -> ShardStart {
        self.shard = None;
        match self.began {
            ShardStart::Irreversible => ShardStart::Irreversible,
            _ => std::mem::replace(&mut self.began, ShardStart::Unwritten),
        }
    }
}
