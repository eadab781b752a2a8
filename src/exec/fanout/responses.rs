//! The response to one message, or one task's part of it: the tasks of a batch share a message.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures::Stream;
use tokio_postgres::{Error, SimpleQueryMessage, SimpleQueryStream};

pub struct ResponseStream {
    /// A `Mutex` only because the parts are read by whoever has them; never contended.
    whole: Arc<Mutex<Pin<Box<SimpleQueryStream>>>>,
    /// How many statements of it are left; `None` for all that follow.
    statements: Option<usize>,
}

impl ResponseStream {
    pub fn whole(stream: SimpleQueryStream) -> Self {
        Self {
            whole: Arc::new(Mutex::new(Box::pin(stream))),
            statements: None,
        }
    }

    /// The response of each of so many tasks, to be read in this order. The last one also reads the
    /// end. An error ends all.
    pub fn of_tasks(stream: SimpleQueryStream, tasks: usize, statements: usize) -> Vec<Self> {
        let whole = Arc::new(Mutex::new(Box::pin(stream)));
        let parts = (1..=tasks).map(|task| Self {
            whole: Arc::clone(&whole),
            statements: (task < tasks).then_some(statements),
        });
        parts.collect()
    }
}

impl Stream for ResponseStream {
    type Item = Result<SimpleQueryMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.statements == Some(0) {
            return Poll::Ready(None);
        }
        let next = {
            let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
            ready!(whole.as_mut().poll_next(cx))
        };
        if let (Some(Ok(SimpleQueryMessage::CommandComplete(_))), Some(left)) =
            (&next, &mut self.statements)
        {
            *left -= 1;
        }
        Poll::Ready(next)
    }
}
