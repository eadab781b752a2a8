//! The result's way out: the shard in front of each row, the format, the sink.

use crate::render::{RenderError, Renderer};
use crate::row::{Column, Rows};
use crate::shard::Shard;
use crate::sink::{Sink, SinkError};

/// Blocks go to the sink when they are this large, in bytes.
const BLOCK: usize = 64 << 10;

/// One result on its way to a sink.
pub struct Output {
    renderer: Renderer,
    /// The name of the first column, if there is to be one.
    shard_column: Option<String>,
    sink: Sink,
    block: Vec<u8>,
    begun: bool,
    /// Whether the sink has got anything.
    touched: bool,
    rows: u64,
}

/// The writer has failed; [`Output::finish`] tells how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterFailed;

impl Output {
    pub fn new(renderer: Renderer, shard_column: Option<String>, sink: Sink) -> Self {
        Self {
            renderer,
            shard_column,
            sink,
            block: Vec::with_capacity(BLOCK),
            begun: false,
            touched: false,
            rows: 0,
        }
    }

    pub fn rows_so_far(&self) -> u64 {
        self.rows
    }

    /// Whether the result can still be started again: nobody has seen any of it.
    pub fn is_untouched(&self) -> bool {
        !self.touched
    }

    /// Forgets what was not written yet, for a run that starts again.
    pub fn restart(&mut self, renderer: Renderer) {
        self.renderer = renderer;
        self.block.clear();
        self.begun = false;
        self.rows = 0;
    }

    pub fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        let shard = self.shard_column.iter().map(Column::text);
        let all: Vec<_> = shard.chain(columns.iter().cloned()).collect();
        self.renderer.begin(&all, &mut self.block)?;
        self.begun = true;
        Ok(())
    }

    pub async fn rows(&mut self, shard: Shard, rows: &Rows) -> Result<(), WriterFailed> {
        let name = self.shard_column.is_some().then(|| shard.to_string());
        for row in rows.iter() {
            let lead = name.iter().map(|name| Some(name.as_str()));
            self.renderer.row(lead.chain(row.values()), &mut self.block);
        }
        self.rows += rows.len() as u64;
        if self.block.len() >= BLOCK {
            self.flush().await?;
        }
        Ok(())
    }

    /// Lets the reader have what is there.
    pub async fn flush(&mut self) -> Result<(), WriterFailed> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.touched = true;
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        if self.sink.write(block).await {
            Ok(())
        } else {
            Err(WriterFailed)
        }
    }

    /// Ends the result. A file gets its name.
    pub async fn publish(mut self) -> Result<(), SinkError> {
        self.end().await;
        self.sink.publish().await
    }

    /// Ends a result that lacks shards. A file does not get its name.
    pub async fn finish_partial(mut self) -> Result<(), SinkError> {
        self.end().await;
        self.sink.finish_partial().await
    }

    /// Ends in the middle: what was printed stays, and nothing follows.
    pub async fn abort(self) -> Result<(), SinkError> {
        self.sink.finish_partial().await
    }

    async fn end(&mut self) {
        if self.begun {
            self.renderer.finish(&mut self.block);
        }
        // The sink itself says, when it ends, what failed.
        let _ = self.flush().await;
    }
}
