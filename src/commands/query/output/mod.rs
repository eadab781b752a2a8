//! Renders a run's rows, with the shard as the first column, and passes them to the sink.

mod paging;
mod screen;

use std::io;
use std::ops::ControlFlow;

pub use self::screen::{Paging, ScreenOptions, TableFit};
use super::lead_columns::LeadColumns;
use crate::cli::query::OutputArgs;
use crate::exec::fanout::ShardEvent;
use crate::exec::row_sink::{OutputClosed, RowSink};
use crate::exec::run_report::RunReport;
use crate::output::format::{Finish, RenderError, RenderOptions, Renderer};
use crate::output::sink::{Sink, SinkError};
use crate::pg::row_batch::{Column, Rows};
use crate::sharding::shard::Shard;
use crate::terminal::color::Paint;
use crate::terminal::progress_line::ProgressLine;
use crate::text::humanize::ThousandsSeparated;

/// Blocks are passed to the sink at this size, in bytes.
const BLOCK: usize = 64 << 10;

/// Without a shard column.
pub fn render_options(args: &OutputArgs) -> RenderOptions {
    RenderOptions {
        tuples_only: args.tuples_only,
        null: args.null.clone(),
        bigint_as_string: args.bigint_as_string,
        delimiter: args.delimiter.unwrap_or_default(),
        shard_column: false,
        paint: match args.file() {
            Some(_) => Paint::Plain,
            None => Paint::on(&io::stdout()),
        },
    }
}

/// The output of one result.
pub struct Output {
    renderer: Renderer,
    lead: LeadColumns,
    sink: Sink,
    block: Vec<u8>,
    /// What is between this result and the one before.
    separator: &'static str,
    begun: bool,
    /// Whether the sink has received anything.
    touched: bool,
    rows: u64,
    /// Why a row could not be rendered.
    trouble: Option<RenderError>,
    progress: ProgressLine,
    screen: ScreenOptions,
}

impl Output {
    pub fn new(
        renderer: Renderer,
        lead: LeadColumns,
        sink: Sink,
        progress: ProgressLine,
        screen: ScreenOptions,
    ) -> Self {
        Self {
            renderer,
            lead,
            sink,
            block: Vec::with_capacity(BLOCK),
            separator: "",
            begun: false,
            touched: false,
            rows: 0,
            trouble: None,
            progress,
            screen,
        }
    }

    /// Says of each row which of several servers it is from.
    pub fn name_servers(&mut self) {
        self.lead = self.lead.with_server();
    }

    pub fn rows_so_far(&self) -> u64 {
        self.rows
    }

    /// Discards what nobody has seen yet, for a retry.
    pub async fn restart(&mut self, renderer: Renderer) {
        self.renderer = renderer;
        self.block.clear();
        self.block.extend_from_slice(self.separator.as_bytes());
        self.begun = false;
        self.rows = 0;
        if std::mem::take(&mut self.touched) {
            self.sink.rewind().await;
        }
    }

    /// Whether it is a file that does not exist yet.
    pub fn is_file(&self) -> bool {
        self.sink.can_rewind()
    }

    /// Ends the result, and waits until it is written. Another result may follow, behind which a
    /// retry does not go back.
    pub async fn checkpoint(mut self) -> Result<Self, SinkError> {
        self.end().await;
        if !self.sink.checkpoint().await {
            // It has failed, and says why.
            self.sink.finish_partial().await?;
            return Err(SinkError::Closed);
        }
        Ok(self)
    }

    /// Begins another result behind those that are written.
    pub fn next_result(&mut self, renderer: Renderer, separator: &'static str) {
        self.renderer = renderer;
        self.begun = false;
        self.touched = false;
        self.rows = 0;
        self.separator = separator;
        self.block.extend_from_slice(separator.as_bytes());
    }

    /// Adds a row of a result that has no shard column. Breaks once the reader reads no more.
    ///
    /// # Errors
    /// If the format cannot hold it.
    pub async fn row(&mut self, values: &[Option<String>]) -> Result<ControlFlow<()>, RenderError> {
        let values = values.iter().map(Option::as_deref);
        self.renderer.row(values, &mut self.block)?;
        self.rows += 1;
        if self.block.len() >= BLOCK && self.flush().await.is_err() {
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Ends the result, and publishes a file.
    pub async fn publish(mut self) -> Result<(), SinkError> {
        self.end().await;
        self.sink.publish().await
    }

    /// Ends an incomplete result. A file is not published.
    pub async fn finish_partial(mut self) -> Result<(), SinkError> {
        self.end().await;
        self.sink.finish_partial().await
    }

    /// Stops: what was printed stays, and nothing follows.
    pub async fn abort(self) -> Result<(), SinkError> {
        let Self {
            sink,
            trouble,
            renderer,
            ..
        } = self;
        // It may hold most of the memory.
        drop(renderer);
        sink.finish_partial().await?;
        trouble.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn end(&mut self) {
        while self.begun && self.renderer.finish(&mut self.block) == Finish::More {
            if self.flush().await.is_err() {
                return;
            }
        }
        // The sink reports what failed when it is closed.
        let _ = self.flush().await;
    }

    fn render(&mut self, shard: Shard, rows: &Rows) -> Result<(), OutputClosed> {
        let lead: Vec<_> = self.lead.values(shard).map(Some).collect();
        for row in rows.iter() {
            let values = lead.iter().copied().chain(row.values());
            if let Err(error) = self.renderer.row(values, &mut self.block) {
                self.trouble = Some(error);
                return Err(OutputClosed);
            }
        }
        self.rows += rows.len() as u64;
        Ok(())
    }
}

impl RowSink for Output {
    fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        let lead = self.lead.columns();
        let all: Vec<_> = lead.chain(columns.iter().cloned()).collect();
        self.renderer.begin(&all, &mut self.block)?;
        self.begun = true;
        Ok(())
    }

    async fn accept(&mut self, shard: Shard, event: ShardEvent) -> Result<(), OutputClosed> {
        match event {
            ShardEvent::Rows(rows) => self.render(shard, &rows)?,
            ShardEvent::CopyData(chunk) => {
                self.rows += chunk.rows;
                self.block.extend_from_slice(&chunk.text);
            }
            _ => return Ok(()),
        }
        if self.block.len() >= BLOCK {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), OutputClosed> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.touched = true;
        if self.sink.is_terminal() {
            self.progress.end();
        }
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        if self.sink.write(block).await {
            Ok(())
        } else {
            Err(OutputClosed)
        }
    }

    fn is_untouched(&self) -> bool {
        !self.touched || self.sink.can_rewind()
    }

    fn progress(&self, _: &RunReport) -> String {
        let plural = if self.rows == 1 { "" } else { "s" };
        format!("{} row{plural}", ThousandsSeparated(self.rows))
    }
}
