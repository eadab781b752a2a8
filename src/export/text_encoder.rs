//! A file of lines: shards one after the other, each of which can be taken back
//! until it has ended.

use std::io::{self, Write as _};

use super::FileFormat;
use super::compress::{Content, Mark, Packed};
use super::encoder::{Books, Input, Text, Trouble};
use super::excel::Excel;
use crate::output::format::{Format, Renderer};
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;

pub(super) struct TextFile {
    renderer: AnyText,
    shard_column: Option<String>,
    packed: Packed,
    /// The shard that is being written, if it has a row.
    shard: Option<Shard>,
    /// The first of it, while it is too little to be worth a mark.
    held: Vec<u8>,
    began: Beginning,
}

/// Where the shard began that is being written.
pub(super) enum Beginning {
    /// What is written is written.
    Final,
    NotYet,
    At(Box<Mark>),
}

enum AnyText {
    Rendered(Renderer),
    Excel(Excel),
}

impl TextFile {
    pub fn new(format: FileFormat, text: Text, packed: Packed, began: Beginning) -> Self {
        let rendered = |format| AnyText::Rendered(Renderer::new(format, text.options.clone()));
        Self {
            renderer: match format {
                FileFormat::Csv if text.excel => {
                    let options = &text.options;
                    AnyText::Excel(Excel::new(options.tuples_only, options.delimiter))
                }
                FileFormat::Csv | FileFormat::Parquet => rendered(Format::Csv),
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

    pub fn take(&mut self, input: Input, books: &mut Books) -> Result<(), Trouble> {
        match input {
            Input::Columns(columns) => self.begin(columns)?,
            Input::Rows(shard, rows) => {
                let name = self.shard_column.is_some().then(|| shard.to_string());
                let mut text = Vec::new();
                for row in rows.iter() {
                    let values = name.as_deref().map(Some).into_iter().chain(row.values());
                    match &mut self.renderer {
                        AnyText::Rendered(renderer) => renderer
                            .row(values, &mut text)
                            .map_err(|error| Trouble::Other(error.into()))?,
                        AnyText::Excel(excel) => excel.row(values, &mut text),
                    }
                }
                self.add(shard, &text, books)?;
            }
            Input::Lines(shard, lines) => self.add(shard, &lines.text, books)?,
            // Shards fail before it is their turn, too.
            Input::TakeBack(shard) if self.shard == Some(shard) => {
                self.held.clear();
                if let Beginning::At(mark) = self.ended() {
                    self.packed.back_to(*mark)?;
                }
                books.remove(shard);
            }
            Input::Ended(shard) if self.shard == Some(shard) => {
                self.write_held()?;
                self.ended();
            }
            Input::Drifted { .. } | Input::TakeBack(_) | Input::Ended(_) | Input::End => {}
        }
        Ok(())
    }

    pub fn finish(&mut self) -> Result<Content, Trouble> {
        Ok(self.packed.finish()?)
    }

    fn begin(&mut self, columns: Vec<Column>) -> Result<(), Trouble> {
        let shard = self.shard_column.iter().map(Column::text);
        let all: Vec<_> = shard.chain(columns).collect();
        let mut text = Vec::new();
        match &mut self.renderer {
            AnyText::Rendered(renderer) => renderer
                .begin(&all, &mut text)
                .map_err(|error| Trouble::Other(error.into()))?,
            AnyText::Excel(excel) => excel.begin(&all, &mut text),
        }
        Ok(self.packed.write_all(&text)?)
    }

    fn add(&mut self, shard: Shard, text: &[u8], books: &mut Books) -> io::Result<()> {
        books.add(shard, text.len());
        self.shard = Some(shard);
        if let Beginning::NotYet = self.began {
            if self.held.len() + text.len() < self.packed.worth_a_mark() {
                self.held.extend_from_slice(text);
                return Ok(());
            }
            self.began = Beginning::At(Box::new(self.packed.mark()?));
        }
        self.write_held()?;
        self.packed.write_all(text)
    }

    fn write_held(&mut self) -> io::Result<()> {
        self.packed.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }

    /// Where it began: the next begins elsewhere.
    fn ended(&mut self) -> Beginning {
        self.shard = None;
        match self.began {
            Beginning::Final => Beginning::Final,
            _ => std::mem::replace(&mut self.began, Beginning::NotYet),
        }
    }
}
