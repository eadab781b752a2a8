//! One shard's turn on the wire: reads its answer, and tells what broke it.

use std::sync::Arc;
use std::task::Poll;

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_postgres::SimpleQueryMessage;

use super::error::{cause, is_transient};
use super::session::Answers;
use super::{Attempt, Event, Message, Place, ShardError, Window};
use crate::row::{Column, Rows};
use crate::server::{Report, typed_columns};

/// A shard that is to be asked, and for which time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub place: Place,
    pub attempt: Attempt,
}

/// A turn that was sent.
pub(super) struct Flying {
    pub turn: Turn,
    /// Characters in front of the user's statement.
    pub offset: usize,
    pub answers: Answers,
    pub rows: u64,
}

/// How an answer ended early.
pub(super) enum Broken {
    /// The shard's own trouble; the connection lives.
    Shard(ShardError),
    /// The same, but trying again may help.
    Transient(Report),
    /// The connection is gone.
    Lost(String),
}

/// Where a lane's messages go, as far as there is room for them.
#[derive(Clone)]
pub(super) struct Outlet {
    pub messages: mpsc::UnboundedSender<Message>,
    pub window: Arc<Window>,
}

impl Outlet {
    pub fn say(&self, turn: Turn, event: Event) {
        // The receiver is gone only when nobody wants to know any more.
        let _ = self.messages.send(Message::Shard {
            place: turn.place,
            attempt: turn.attempt,
            event,
        });
    }

    pub fn notice(&self, text: String) {
        let _ = self.messages.send(Message::Notice(text));
    }

    /// Empties a batch into the outlet, once there is room for it.
    async fn pass_on(&self, turn: Turn, rows: &mut Rows) {
        if rows.is_empty() {
            return;
        }
        let batch = rows.take();
        self.window.admit(turn.place, batch.bytes()).await;
        self.say(turn, Event::Rows(batch));
    }
}

impl Flying {
    /// Reads the answer to its end, passing rows on as they come.
    pub async fn read(&mut self, outlet: &Outlet) -> Result<(), Broken> {
        const BATCH: usize = 32 << 10;

        let mut columns: Option<Vec<Column>> = None;
        let mut rows = Rows::default();
        loop {
            // What is there already makes a batch; what is yet to come does not
            // hold it up.
            let next = match futures::poll!(self.answers.next()) {
                Poll::Ready(next) => next,
                Poll::Pending => {
                    outlet.pass_on(self.turn, &mut rows).await;
                    self.answers.next().await
                }
            };
            let Some(message) = next else { break };
            match message.map_err(|error| Broken::by(&error, self.offset))? {
                SimpleQueryMessage::RowDescription(names) => {
                    let described: Vec<_> = names
                        .iter()
                        .map(|name| typed_columns::column(name.name()))
                        .collect::<Option<_>>()
                        .ok_or_else(|| Broken::Lost(format!("columns without types: {names:?}")))?;
                    rows = Rows::new(described.len());
                    outlet.say(self.turn, Event::Columns(described.clone()));
                    columns = Some(described);
                }
                SimpleQueryMessage::Row(row) => {
                    let columns = columns.as_deref().unwrap_or_default();
                    rows.try_push(columns.iter().enumerate().map(|(index, column)| {
                        row.try_get(index).map_err(|_| {
                            let column = column.name.clone();
                            Broken::Shard(ShardError::NotUtf8 { column })
                        })
                    }))?;
                    self.rows += 1;
                    if rows.bytes() >= BATCH {
                        outlet.pass_on(self.turn, &mut rows).await;
                    }
                }
                _ => {}
            }
        }
        outlet.pass_on(self.turn, &mut rows).await;
        match columns {
            Some(_) => Ok(()),
            None => Err(Broken::Shard(ShardError::NotAQuery)),
        }
    }
}

impl Broken {
    fn by(error: &tokio_postgres::Error, offset: usize) -> Self {
        let Some(error) = error.as_db_error() else {
            return Self::Lost(cause(error));
        };
        let report = Report::new(error, offset);
        if Report::is_fatal(error) {
            Self::Lost(report.headline())
        } else if is_transient(error.code()) {
            Self::Transient(report)
        } else {
            Self::Shard(ShardError::Server(report))
        }
    }
}
