//! Reads the answer of a turn, and passes on what comes as it comes.

use std::task::Poll;

use futures::StreamExt;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::super::error::{cause, is_transient};
use super::super::session::Answers;
use super::{Broken, Event, Flight, Flying, Lane, ShardError, Turn};
use crate::row::{Column, Rows};
use crate::server::{Copied, Report, typed_columns};
use crate::transfer::Lines;

/// Rows go on when they are this many bytes.
const BATCH: usize = 32 << 10;

impl Lane {
    /// Reads the answer of a turn to its end.
    pub(super) async fn read(&mut self, flying: &mut Flying) -> Result<(), Broken> {
        let (turn, rows) = (flying.turn, &mut flying.rows);
        match &mut flying.flight {
            Flight::Rows { answers, offset } => self.read_rows(turn, rows, answers, *offset).await,
            Flight::Copy {
                described,
                described_offset,
                copied,
                copied_offset,
                ended,
                lead,
            } => {
                self.read_rows(turn, rows, described, *described_offset)
                    .await?;
                self.read_lines(turn, rows, copied, *copied_offset, lead)
                    .await?;
                while let Some(answer) = ended.next().await {
                    answer.map_err(|error| broken(&error, 0))?;
                }
                Ok(())
            }
        }
    }

    async fn read_rows(&mut self,
        turn: Turn,
        count: &mut u64,
        answers: &mut Answers,
        offset: usize,
    ) -> Result<(), Broken> {
        let mut described = false;
        let mut columns: Vec<Column> = Vec::new();
        let mut rows = Rows::default();
        loop {
            // What is there already makes a batch; what is yet to come does not
            // hold it up.
            let next = match futures::poll!(answers.next()) {
                Poll::Ready(next) => next,
                Poll::Pending => {
                    self.pass_on(turn, &mut rows).await;
                    answers.next().await
                }
            };
            match next {
                None => break,
                Some(Err(error)) => return Err(broken(&error, offset)),
                Some(Ok(SimpleQueryMessage::RowDescription(names))) => {
                    columns = names
                        .iter()
                        .map(|name| typed_columns::column(name.name()))
                        .collect::<Option<_>>()
                        .ok_or_else(|| Broken::Lost(format!("columns without types: {names:?}")))?;
                    rows = Rows::new(columns.len());
                    described = true;
                    self.say(turn, Event::Columns(columns.clone()));
                }
                Some(Ok(SimpleQueryMessage::Row(row))) => {
                    push(&mut rows, &row, &columns)?;
                    *count += 1;
                    if rows.bytes() >= BATCH {
                        self.pass_on(turn, &mut rows).await;
                    }
                }
                Some(Ok(_)) => {}
            }
        }
        self.pass_on(turn, &mut rows).await;
        if described {
            Ok(())
        } else {
            Err(Broken::Shard(ShardError::NotAQuery))
        }
    }

    async fn read_lines(&mut self,
        turn: Turn,
        count: &mut u64,
        copied: &mut Copied,
        offset: usize,
        lead: &[u8],
    ) -> Result<(), Broken> {
        let mut chunks = copied.await.map_err(|error| broken(&error, offset))?;
        let mut lines = Lines::default();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| broken(&error, offset))?;
            // One a row, as the server does it; by the protocol's word alone it
            // could cut them elsewhere, and then the shard would stand in between.
            if !chunk.ends_with(b"\n") {
                return Err(Broken::Lost("COPY data that is not one row".to_owned()));
            }
            lines.push(lead, &chunk);
            *count += 1;
            if lines.text.len() >= BATCH {
                self.pass_lines_on(turn, &mut lines).await;
            }
        }
        self.pass_lines_on(turn, &mut lines).await;
        Ok(())
    }

    /// Hands a batch over, once there is room for it.
    async fn pass_on(&mut self, turn: Turn, rows: &mut Rows) {
        if rows.is_empty() {
            return;
        }
        let batch = rows.take();
        self.shared.window.admit(turn.place, batch.bytes()).await;
        self.say(turn, Event::Rows(batch));
    }

    async fn pass_lines_on(&mut self, turn: Turn, lines: &mut Lines) {
        if lines.rows == 0 {
            return;
        }
        let batch = lines.take();
        self.shared
            .window
            .admit(turn.place, batch.text.len())
            .await;
        self.say(turn, Event::Lines(batch));
    }
}

fn push(rows: &mut Rows, row: &SimpleQueryRow, columns: &[Column]) -> Result<(), Broken> {
    let mut values = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        values.push(row.try_get(index).map_err(|_| {
            Broken::Shard(ShardError::NotUtf8 {
                column: column.name.clone(),
            })
        })?);
    }
    rows.push(values);
    Ok(())
}

fn broken(error: &tokio_postgres::Error, offset: usize) -> Broken {
    match error.as_db_error() {
        None => Broken::Lost(cause(error)),
        Some(report) if Report::is_fatal(report) => {
            Broken::Lost(Report::new(report, offset).headline())
        }
        Some(report) if is_transient(report.code()) => {
            Broken::Transient(Report::new(report, offset))
        }
        Some(report) => Broken::Shard(ShardError::Server(Report::new(report, offset))),
    }
}
