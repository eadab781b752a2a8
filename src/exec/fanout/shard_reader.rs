//! Reads the response to one shard's request, and classifies errors.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_postgres::SimpleQueryMessage;

use super::error::{cause, is_transient};
use super::in_flight::Request;
use super::session::ResponseStream;
use super::{AttemptNumber, Message, ReadAhead, ShardError, ShardEvent, TaskIndex};
use crate::client::{CopyOutFuture, ServerError, row_description};
use crate::exec::copy::CopyChunk;
use crate::exec::plan::TableName;
use crate::pg::row_batch::{Column, Rows};

/// Rows are passed on in batches of this many bytes.
const BATCH: usize = 32 << 10;

/// A partial batch of lines is passed on when no more have come for this long.
const PAUSE: Duration = Duration::from_millis(100);

/// A shard to read, and which attempt it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub index: TaskIndex,
    pub attempt: AttemptNumber,
    pub purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To read its rows.
    Rows,
    /// Only to lock its tables again: the rows were read, but the connection was lost before the
    /// tables were checked. A table that was rewritten by then still differs from the snapshot.
    Recheck { tries: u32 },
}

pub(super) struct InFlightTask {
    pub task: Task,
    pub request: Request,
    pub rows: u64,
}

/// Why a response ended early.
pub(super) enum ReadError {
    /// The shard failed; the connection is usable.
    Shard(ShardError),
    /// The same, but a retry may succeed.
    Transient(ServerError),
    /// The connection is lost.
    Lost(String),
}

/// Where the workers of a database send their events, bounded by read-ahead.
#[derive(Clone)]
pub(super) struct EventSender {
    messages: mpsc::UnboundedSender<Message>,
    window: Arc<ReadAhead>,
    /// By the database's own order of tasks, their places in the run.
    positions: Arc<[TaskIndex]>,
}

impl EventSender {
    pub fn new(
        messages: mpsc::UnboundedSender<Message>,
        window: Arc<ReadAhead>,
        positions: Arc<[TaskIndex]>,
    ) -> Self {
        Self {
            messages,
            window,
            positions,
        }
    }

    pub fn say(&self, task: Task, event: ShardEvent) {
        // The receiver is gone only if nobody needs the events any more.
        let _ = self.messages.send(Message::Shard {
            index: self.positions[task.index],
            attempt: task.attempt,
            event,
        });
    }

    /// Row-level security may have hidden rows of these tables.
    pub fn filtered(&self, tables: &[TableName]) {
        for table in tables {
            let _ = self.messages.send(Message::Filtered(table.clone()));
        }
    }

    pub fn notice(&self, text: String) {
        let _ = self.messages.send(Message::Notice(text));
    }

    /// Starts the task's next attempt; `None` if rows of it were printed.
    pub fn restart(&self, task: Task) -> Option<AttemptNumber> {
        self.window.restart(self.positions[task.index])
    }

    async fn admit(&self, task: Task, bytes: usize) {
        self.window.admit(self.positions[task.index], bytes).await;
    }

    /// Sends a batch once there is room for it.
    async fn flush_copy(&self, task: Task, lines: &mut CopyChunk) {
        if lines.rows == 0 {
            return;
        }
        let batch = lines.take();
        self.admit(task, batch.text.len()).await;
        self.say(task, ShardEvent::CopyData(batch));
    }

    /// Sends a batch once there is room for it.
    async fn flush_rows(&self, task: Task, rows: &mut Rows) {
        if rows.is_empty() {
            return;
        }
        let batch = rows.take();
        self.admit(task, batch.bytes()).await;
        self.say(task, ShardEvent::Rows(batch));
    }
}

impl InFlightTask {
    /// Reads the response to its end, passing rows on as they arrive.
    pub async fn read(&mut self, events: &EventSender) -> Result<(), ReadError> {
        let (task, rows) = (self.task, &mut self.rows);
        match &mut self.request {
            Request::Rows { answers, offset } if task.purpose != Purpose::Rows => {
                while let Some(answer) = answers.next().await {
                    answer.map_err(|error| ReadError::by(&error, *offset))?;
                }
            }
            Request::Rows { answers, offset } => {
                read_rows(task, rows, answers, *offset, events).await?;
            }
            Request::Copy {
                described,
                described_offset,
                copied,
                copied_offset,
                lead,
            } => {
                read_rows(task, rows, described, *described_offset, events).await?;
                if let Some(copied) = copied.take() {
                    read_lines(task, rows, copied, *copied_offset, lead, events).await?;
                }
            }
        }
        Ok(())
    }
}

async fn read_rows(
    task: Task,
    count: &mut u64,
    answers: &mut ResponseStream,
    offset: usize,
    events: &EventSender,
) -> Result<(), ReadError> {
    let mut columns: Option<Vec<Column>> = None;
    let mut rows = Rows::default();
    loop {
        // Rows that have arrived make a batch; they do not wait for more.
        let next = match futures::poll!(answers.next()) {
            Poll::Ready(next) => next,
            Poll::Pending => {
                events.flush_rows(task, &mut rows).await;
                answers.next().await
            }
        };
        let Some(message) = next else { break };
        match message.map_err(|error| ReadError::by(&error, offset))? {
            SimpleQueryMessage::RowDescription(names) => {
                let described: Vec<_> = names
                    .iter()
                    .map(|name| row_description::column(name.name()))
                    .collect::<Option<_>>()
                    .ok_or_else(|| ReadError::Lost(format!("columns without types: {names:?}")))?;
                rows = Rows::new(described.len());
                events.say(task, ShardEvent::Columns(described.clone()));
                columns = Some(described);
            }
            SimpleQueryMessage::Row(row) => {
                let columns = columns.as_deref().unwrap_or_default();
                rows.try_push(columns.iter().enumerate().map(|(index, column)| {
                    row.try_get(index).map_err(|_| {
                        let column = column.name.clone();
                        ReadError::Shard(ShardError::NotUtf8 { column })
                    })
                }))?;
                *count += 1;
                if rows.bytes() >= BATCH {
                    events.flush_rows(task, &mut rows).await;
                }
            }
            _ => {}
        }
    }
    events.flush_rows(task, &mut rows).await;
    match columns {
        Some(_) => Ok(()),
        None => Err(ReadError::Shard(ShardError::NotAQuery)),
    }
}

async fn read_lines(
    task: Task,
    count: &mut u64,
    copied: CopyOutFuture,
    offset: usize,
    lead: &[u8],
    events: &EventSender,
) -> Result<(), ReadError> {
    let failed = |error: tokio_postgres::Error| ReadError::by(&error, offset);
    let mut chunks = copied.await.map_err(failed)?;
    let mut lines = CopyChunk::default();
    loop {
        let next = match futures::poll!(chunks.next()) {
            Poll::Ready(next) => next,
            // A reader who follows along gets partial batches after a pause.
            Poll::Pending => {
                if let Ok(next) = tokio::time::timeout(PAUSE, chunks.next()).await {
                    next
                } else {
                    events.flush_copy(task, &mut lines).await;
                    chunks.next().await
                }
            }
        };
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(failed)?;
        // Servers send one message per row. The protocol allows any split, which would put the
        // shard's name in the middle of a row.
        if !chunk.ends_with(b"\n") {
            return Err(ReadError::Lost(
                "a COPY message that is not exactly one row".to_owned(),
            ));
        }
        // Growing beyond its allocation would double it, for nothing.
        if lines.text.len() + lead.len() + chunk.len() > BATCH {
            events.flush_copy(task, &mut lines).await;
        }
        if lines.rows == 0 {
            lines
                .text
                .reserve_exact(BATCH.max(lead.len() + chunk.len()));
        }
        lines.push(lead, &chunk);
        *count += 1;
    }
    events.flush_copy(task, &mut lines).await;
    Ok(())
}

impl ReadError {
    pub fn by(error: &tokio_postgres::Error, offset: usize) -> Self {
        let Some(error) = error.as_db_error() else {
            return Self::Lost(cause(error));
        };
        let report = ServerError::new(error, offset);
        if ServerError::is_fatal(error) {
            Self::Lost(report.summary_line())
        } else if is_transient(error.code()) {
            Self::Transient(report)
        } else {
            Self::Shard(ShardError::Server(report))
        }
    }
}
