//! The snapshots of several databases, taken as close together as they can be. No database knows
//! of the others, so there is no common moment; but how far apart the snapshots can be at most is
//! known: from the first request to the last response.

use std::time::{Duration, Instant};

use futures::future::join_all;

use super::listed::OpenTransaction;
use super::results::{exported, results};
use super::{FanoutError, lockable_tables};
use crate::client::Connection;
use crate::exec::plan::{Plan, TableName};

/// How often the snapshots are taken if they are further apart than `--max-skew` allows.
const ATTEMPTS: u32 = 10;

/// Transactions at snapshots that were taken together.
pub struct Together {
    /// In the order of the connections. One that failed is without a transaction.
    pub begun: Vec<Result<OpenTransaction, FanoutError>>,
    /// How far apart the snapshots are at most.
    pub within: Duration,
    pub attempts: u32,
}

/// Opens the plans' transactions, and takes all snapshots at once. The first attempt only prepares
/// the server processes: one that is new takes milliseconds longer for its first snapshot. Repeated
/// while the snapshots are further apart than `max_skew`.
pub async fn begin_together(
    connections: &[(&Connection, &Plan)],
    max_skew: Option<Duration>,
) -> Together {
    let locked = join_all(connections.iter().map(|(connection, plan)| {
        connection.mark_busy();
        connection.begin_transaction();
        connection.wait_at_most(plan.limits.patience_at_first());
        lockable_tables(connection, plan)
    }));
    let locked = locked.await;
    let mut attempts = 0;
    loop {
        let opened = join_all(connections.iter().zip(&locked).map(
            |((connection, plan), locked)| async {
                match locked {
                    Ok(locked) => Some(open(connection, plan, locked).await),
                    Err(_) => None,
                }
            },
        ));
        let opened = opened.await;
        let windows = opened.iter().flatten().filter_map(|it| it.as_ref().ok());
        let within = spread(windows.map(|(_, sent, received)| (*sent, *received)));
        let is_warm = attempts > 0;
        if is_warm && (max_skew.is_none_or(|most| within <= most) || attempts == ATTEMPTS) {
            let with_locks = opened.into_iter().zip(locked);
            return Together {
                begun: with_locks
                    .map(|(opened, locked)| {
                        locked?;
                        match opened {
                            Some(opened) => opened.map(|(open, ..)| open),
                            None => Err(FanoutError::Lost("not asked".to_owned())),
                        }
                    })
                    .collect(),
                within,
                attempts,
            };
        }
        attempts += 1;
    }
}

/// Opens a transaction. Returns it with when its snapshot was requested, and when it was there.
async fn open(
    connection: &Connection,
    plan: &Plan,
    locked: &[TableName],
) -> Result<(OpenTransaction, Instant, Instant), FanoutError> {
    match try_open(connection, plan, locked).await {
        // Without the locks, a rewrite is not prevented but still detected.
        Err(error) if !locked.is_empty() && error.as_db_error().is_some() => {
            try_open(connection, plan, &[]).await
        }
        opened => opened,
    }
    .map_err(|error| FanoutError::setup_failed(&error))
}

async fn try_open(
    connection: &Connection,
    plan: &Plan,
    locked: &[TableName],
) -> Result<(OpenTransaction, Instant, Instant), tokio_postgres::Error> {
    let [at_snapshot, settings] = plan.open_together(locked);
    let sent = Instant::now();
    let ((opened, received), limited) = futures::join!(
        async {
            let opened = connection.simple_query(&at_snapshot).await;
            (opened, Instant::now())
        },
        connection.simple_query(&settings),
    );
    let opened = opened?;
    limited?;
    let snapshot = results(&opened).first().and_then(|rows| exported(rows));
    Ok((OpenTransaction { snapshot }, sent, received))
}

/// From the first request to the last response.
fn spread(windows: impl Iterator<Item = (Instant, Instant)> + Clone) -> Duration {
    let sent = windows.clone().map(|(sent, _)| sent).min();
    let received = windows.map(|(_, received)| received).max();
    match (sent, received) {
        (Some(sent), Some(received)) => received.duration_since(sent),
        _ => Duration::ZERO,
    }
}
