//! Runs a plan in every shard, over few connections with many requests in flight on each.
//!
//! Workers (one per connection) take shards in ascending order from a common queue and send what
//! they read, one message at a time, to one receiver. Each shard ends with exactly one
//! [`ShardEvent::Confirmed`] or [`ShardEvent::Failed`]. [`crate::exec::merge`] puts the shards in order.

mod error;
mod in_flight;
mod join;
mod listed;
mod pipeline_depth;
mod preflight;
mod queue;
mod read_ahead;
mod relation_check;
mod results;
mod session;
mod shard_reader;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::client::{ConnectionPool, PendingConnection};
use crate::exec::copy::CopyChunk;
use crate::exec::plan::{ChildTables, Plan, TableName};
use crate::pg::row_batch::{Column, Rows};
use crate::sharding::shard::Shard;

pub use error::{FanoutError, RECONNECTS, ShardError, backoff};
pub(crate) use error::{cause, is_transient};
pub(crate) use listed::list_shards;
pub use preflight::Preflight;
pub(crate) use preflight::{lockable_tables, parse_opening};
pub use read_ahead::{AttemptNumber, ReadAhead, TaskIndex};
pub(crate) use results::results as result_rows;
pub use session::Session;

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
    shared: Arc<RunContext>,
    wanted: watch::Sender<Demand>,
    /// A worker that is done returns its session, which stays open to the end: lost connections are
    /// replaced from its snapshot.
    workers: JoinSet<Option<Session>>,
}

/// What the workers are still needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Answers,
    /// All results are complete; a session at their snapshot is wanted.
    Session,
    Nothing,
}

/// State shared by all workers of a run.
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
    /// Starts the plan in these shards (ascending). The preflight's session becomes the first
    /// worker, the spare connections join when they open, and more connections join if the run
    /// lasts.
    pub fn start(
        plan: Plan,
        shards: Vec<Shard>,
        server: ConnectionPool,
        preflight: Preflight,
        pending_connections: Vec<PendingConnection>,
    ) -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        let (wanted, watched) = watch::channel(Demand::Answers);
        let workers = shards.len().min(server.connections());
        let shared = Arc::new(RunContext {
            plan,
            server,
            queue: queue::Queue::of(shards.len()),
            alive: AtomicUsize::new(workers),
            snapshots: session::SnapshotRegistry::default(),
            is_kept: AtomicBool::new(false),
            hopeless: OnceLock::new(),
            running: ActiveShards::new(vec![None; workers]),
            round_trip: preflight.round_trip,
            route: preflight.session.route(),
            child_tables: preflight.session.child_tables(),
            tables_per_task: AtomicUsize::new(0),
            shards,
        });
        let events = shard_reader::EventSender {
            messages: sender,
            window: Arc::default(),
        };
        let lane = |number| {
            worker::Worker::new(number, Arc::clone(&shared), events.clone(), watched.clone())
        };
        let mut set = JoinSet::new();
        if workers > 0 {
            shared.snapshots.add(0, preflight.session.snapshot());
            preflight.session.stop_counting();
            set.spawn(lane(0).run(preflight.session));
        }
        let mut pending_connections = pending_connections.into_iter();
        for number in 1..workers {
            set.spawn(lane(number).start(pending_connections.next()));
        }
        Self {
            messages,
            window: events.window,
            shared,
            wanted,
            workers: set,
        }
    }

    pub fn shards(&self) -> &[Shard] {
        &self.shared.shards
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
        let running = self.shared.running.lock().ok()?;
        running
            .iter()
            .flatten()
            .min_by_key(|(_, since)| *since)
            .copied()
    }

    /// Returns a session still at the run's snapshot, once every shard has ended. Does not wait for
    /// workers that are still connecting.
    pub async fn into_session(mut self) -> Option<Session> {
        let _ = self.wanted.send(Demand::Session);
        while let Some(ended) = self.workers.join_next().await {
            if let Ok(Some(session)) = ended {
                return Some(session);
            }
        }
        None
    }

    /// Cancels what runs on the server. Returns once nothing runs, or after the closing deadline.
    pub async fn stop(&mut self) {
        let _ = self.wanted.send(Demand::Nothing);
        while self.workers.join_next().await.is_some() {}
    }
}
