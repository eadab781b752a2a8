//! A request in flight: one message for values, two for a COPY.

use std::task::Poll;

use futures::StreamExt;

use super::session::{ResponseStream, Session};
use crate::client::CopyOutFuture;
use crate::exec::plan::{Plan, ShardSql};
use crate::sharding::shard::Shard;

pub(super) enum Request {
    Rows {
        answers: ResponseStream,
        offset: usize,
    },
    Copy {
        described: ResponseStream,
        described_offset: usize,
        /// `None` once it is being read.
        copied: Option<CopyOutFuture>,
        copied_offset: usize,
        /// The prefix of each line.
        lead: Vec<u8>,
    },
}

impl Request {
    /// Sends a shard's statement without waiting for the response.
    pub async fn send(
        session: &Session,
        plan: &Plan,
        shard: Shard,
    ) -> Result<Self, tokio_postgres::Error> {
        let (Some(copy), Some(copying)) = (session.copy(), plan.transfer.copying()) else {
            let task = plan.task(shard);
            let answers = session.send_for(shard, &task).await?;
            return Ok(Self::Rows {
                answers,
                offset: task.offset,
            });
        };
        let describe = plan.describe_in(shard);
        let described = session.send_for(shard, &describe).await?;
        session.expect(shard, copy.offset).await?;
        let mut copied = session
            .connection()
            .copy_out(copy.statement.clone(), &copy.sql);
        if let Poll::Ready(answered) = futures::poll!(&mut copied) {
            copied = Box::pin(std::future::ready(answered));
        }
        Ok(Self::Copy {
            described,
            described_offset: describe.offset,
            copied: Some(copied),
            copied_offset: copy.offset,
            lead: copying.lead(shard),
        })
    }

    /// Like `send`, but always for values. Notices are not recorded, because they were the first
    /// time.
    pub async fn send_rows(
        session: &Session,
        plan: &Plan,
        shard: Shard,
    ) -> Result<Self, tokio_postgres::Error> {
        let ShardSql { sql, offset } = plan.task(shard);
        let answers = session.send(&sql).await?;
        Ok(Self::Rows { answers, offset })
    }

    /// Reads the response to its end and discards it.
    pub async fn drain(self) {
        match self {
            Self::Rows { answers, .. } => drain_stream(answers).await,
            Self::Copy {
                described, copied, ..
            } => {
                drain_stream(described).await;
                if let Some(copied) = copied
                    && let Ok(mut lines) = copied.await
                {
                    while let Some(Ok(_)) = lines.next().await {}
                }
            }
        }
    }
}

/// Stops at an error: nothing follows it, and polling after the end yields errors forever.
async fn drain_stream(mut answers: ResponseStream) {
    while let Some(Ok(_)) = answers.next().await {}
}
