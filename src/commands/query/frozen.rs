//! A snapshot that is kept for several statements: one session per database holds it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::SimpleQueryMessage;

use crate::client::kept::Held;
use crate::commands::databases::Prepared;
use crate::pg::sql_template::fill;
use crate::sharding::snapshots::SharedSnapshots;

pub struct Frozen {
    prepared: Prepared,
    snapshots: SharedSnapshots,
    since: Instant,
    _held: Held,
}

impl Frozen {
    pub fn new(prepared: Prepared, held: Held) -> Self {
        let snapshots = prepared.databases.iter().filter_map(|database| {
            let snapshot = database.preflight.session.snapshot()?;
            Some((database.target.place(), Arc::from(snapshot)))
        });
        Self {
            snapshots: SharedSnapshots::new(snapshots),
            prepared,
            since: Instant::now(),
            _held: held,
        }
    }

    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether a session that holds it is gone, and the snapshot with it.
    pub fn is_lost(&self) -> bool {
        let mut databases = self.prepared.databases.iter();
        databases.any(|database| database.preflight.session.connection().is_closed())
    }

    /// For the runs that read at it.
    pub fn snapshots(&self) -> SharedSnapshots {
        self.snapshots.clone()
    }

    /// How many transactions have begun since: VACUUM keeps what they delete. `None` if the server
    /// does not say.
    pub async fn transactions_since(&self) -> Option<u64> {
        let database = self.prepared.databases.first()?;
        let sql = fill(include_str!("../../../sql/session/held_back.sql"), &[]);
        let connection = database.preflight.session.connection();
        let rows = connection.simple_query(&sql).await.ok()?;
        let mut rows = rows.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        rows.next()
    }

    /// Ends the transactions that hold it.
    pub async fn end(self) {
        self.prepared.close().await;
    }
}
