//! Runs a plan in every shard, over few connections with many requests in flight on each.
//!
//! Workers (one per connection) take shards in ascending order from a common queue and send what
//! they read, one message at a time, to one receiver. Each shard ends with exactly one
//! [`ShardEvent::Confirmed`] or [`ShardEvent::Failed`]. [`crate::exec::merge`] puts the shards in order.

mod database;
mod error;
mod in_flight;
mod join;
mod later;
mod listed;
mod pipeline_depth;
mod preflight;
mod queue;
mod read_ahead;
mod relation_check;
mod results;
mod session;
mod shard_reader;
mod together;
mod worker;
mod workers;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::client::ConnectionPool;
use crate::exec::copy::CopyChunk;
use crate::exec::plan::{ChildTables, Plan, TableName};
use crate::exec::type_names::DatabaseTypes;
use crate::pg::row_batch::{Column, Rows};
use crate::sharding::shard::Shard;

use database::DatabaseWorkers;
pub use database::{DatabaseRun, DatabaseStart};
pub use error::{FanoutError, RECONNECTS, ShardError, backoff};
pub(crate) use error::{cause, is_transient};
pub use later::{Opened, Opening};
pub use listed::OpenTransaction;
pub use preflight::Preflight;
pub(crate) use preflight::{lockable_tables, open_early, parse_opening};
pub use read_ahead::{AttemptNumber, ReadAhead, TaskIndex};
pub(crate) use results::results as result_rows;
pub use session::Session;
pub use together::{Together, begin_together};

/// An event of one shard.
#[derive(Debug)]
pub enum ShardEvent {
    Columns(Vec<Column>),
    Rows(Rows),
    CopyData(CopyChunk),
    /// All its rows were sent.
    Finished(ShardStats),
    /// The snapshot covers all its tables.
    Confirmed,
    /// It restarts: discard what came of it.
    RolledBack,
    Failed(ShardError),
}

impl ShardEvent {
    /// What it takes of the read-ahead.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.bytes(),
            Self::CopyData(chunk) => chunk.text.len(),
            _ => 0,
        }
    }
}

/// Statistics of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardStats {
    pub rows: u64,
    /// From when the connection was free for it until its last row.
    pub took: Duration,
}

/// What workers send.
#[derive(Debug)]
pub enum Message {
    Shard {
        index: TaskIndex,
        attempt: AttemptNumber,
        event: ShardEvent,
    },
    /// Worth a line on stderr; nothing is lost so far.
    Notice(String),
    /// Row-level security may have hidden rows of this table.
    Filtered(TableName),
}

/// A run in progress. Dropping it does not stop the server; [`Fanout::stop`] does.
pub struct Fanout {
    messages: mpsc::UnboundedReceiver<Message>,
    window: Arc<ReadAhead>,
    /// Of all databases, in the order of the result.
    shards: Vec<Shard>,
    databases: Vec<DatabaseWorkers>,
    types: DatabaseTypes,
}

/// What the workers are still needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Answers,
    /// All results are complete; a session at their snapshot is wanted.
    Session,
    Nothing,
}

/// State shared by all workers of one database.
struct RunContext {
    plan: Plan,
    shards: Vec<Shard>,
    server: ConnectionPool,
    queue: queue::Queue,
    alive: AtomicUsize,
    snapshots: session::SnapshotRegistry,
    /// Whether a finished worker has kept its session, for its snapshot.
    is_kept: AtomicBool,
    /// Why the first worker gave up, if one did.
    hopeless: OnceLock<ShardError>,
    running: ActiveShards,
    round_trip: Duration,
    route: session::ConnectionRoute,
    child_tables: ChildTables,
    /// The most tables that one task locked, plus one; 0 while unknown.
    tables_per_task: AtomicUsize,
}

impl RunContext {
    /// The most tables that one task locked, once known.
    fn tables_per_task(&self) -> Option<usize> {
        self.tables_per_task.load(Ordering::Relaxed).checked_sub(1)
    }

    fn note_tables(&self, per_task: usize) {
        self.tables_per_task
            .fetch_max(per_task + 1, Ordering::Relaxed);
    }

    /// Tasks to send to each worker before any has completed, so that every worker gets some:
    /// nobody knows yet how slow they are.
    fn fair_share(&self) -> usize {
        self.shards
            .len()
            .div_ceil(self.alive.load(Ordering::Relaxed).max(1))
    }
}

/// The shard that each worker reads, for the progress line.
pub type ActiveShards = std::sync::Mutex<Vec<Option<(Shard, std::time::Instant)>>>;

impl Fanout {
    /// Starts the workers of all databases.
    pub fn start(databases: Vec<DatabaseRun>) -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        let window = Arc::default();
        let shards = in_order(&databases);
        let types = DatabaseTypes::default();
        for run in &databases {
            if let DatabaseStart::Now { preflight, .. } = &run.start {
                types.add(run.plan.layout.of_database(), preflight.types.clone());
            }
        }
        let databases = databases
            .into_iter()
            .map(|run| {
                let events = shard_reader::EventSender::new(
                    sender.clone(),
                    Arc::clone(&window),
                    positions(&run.shards, &shards),
                );
                DatabaseWorkers::start(run, &events, &types)
            })
            .collect();
        Self {
            messages,
            window,
            shards,
            databases,
            types,
        }
    }

    /// The types of the databases that were opened so far.
    pub fn types(&self) -> DatabaseTypes {
        self.types.clone()
    }

    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    pub fn window(&self) -> Arc<ReadAhead> {
        Arc::clone(&self.window)
    }

    /// The next message; `None` once every worker has ended.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// The shard that has been running longest, and since when.
    pub fn slowest(&self) -> Option<(Shard, std::time::Instant)> {
        let running = self.databases.iter().filter_map(DatabaseWorkers::slowest);
        running.min_by_key(|(_, since)| *since)
    }

    /// Returns a session per database still at the run's snapshot, once every shard has ended. Does
    /// not wait for workers that are still connecting.
    pub async fn into_sessions(self) -> Vec<Option<Session>> {
        let sessions = self
            .databases
            .into_iter()
            .map(DatabaseWorkers::into_session);
        futures::future::join_all(sessions).await
    }

    /// Cancels what runs on the servers. Returns once nothing runs, or after the closing deadline.
    pub async fn stop(&mut self) {
        let stopped = self.databases.iter_mut().map(DatabaseWorkers::stop);
        futures::future::join_all(stopped).await;
    }
}

/// Of all databases, ascending.
fn in_order(databases: &[DatabaseRun]) -> Vec<Shard> {
    if let [only] = databases {
        return only.shards.clone();
    }
    let shards = databases.iter().flat_map(|run| &run.shards);
    let mut shards: Vec<_> = shards.copied().collect();
    shards.sort_unstable();
    shards
}

/// Where each of `some` is among `all`, which has them; both are ascending.
fn positions(some: &[Shard], all: &[Shard]) -> Arc<[TaskIndex]> {
    if some.len() == all.len() {
        return (0..all.len()).collect();
    }
    some.iter()
        .map(|shard| all.partition_point(|other| other < shard))
        .collect()
}
