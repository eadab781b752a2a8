//! Runs a plan in every shard: few connections, each with many turns in flight.
//!
//! Lanes (one a connection) take shards in ascending order from a common queue
//! and send what they read, a message at a time, to one receiver. Each shard ends
//! with exactly one [`Event::Confirmed`] or [`Event::Failed`]. Putting the shards
//! in order is the business of [`crate::exec::merge`].

mod error;
mod in_flight;
mod join;
mod pipeline_depth;
mod preflight;
mod queue;
mod read_ahead;
mod relation_check;
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
use crate::exec::plan::{Partitioning, Plan, TableName};
use crate::pg::row_batch::{Column, Rows};
use crate::sharding::shard::Shard;

pub use error::{FanoutError, RECONNECTS, ShardError, backoff};
pub(crate) use error::{cause, is_transient};
pub use preflight::Preflight;
pub(crate) use preflight::{lockable_tables, parse_opening, results as result_rows};
pub use read_ahead::{AttemptNumber, ReadAhead, TaskIndex};
pub use session::Session;

/// What a shard has to say.
#[derive(Debug)]
pub enum Event {
    Columns(Vec<Column>),
    Rows(Rows),
    Lines(CopyChunk),
    /// All its rows are here.
    Answered(ShardStats),
    /// And the snapshot covers all its tables.
    Confirmed,
    Failed(ShardError),
}

/// How a shard's turn went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardStats {
    pub rows: u64,
    /// From when the connection was free for it to its last row.
    pub took: Duration,
}

/// What the lanes send.
#[derive(Debug)]
pub enum Message {
    Shard {
        place: TaskIndex,
        attempt: AttemptNumber,
        event: Event,
    },
    /// Worth a line on stderr; nothing is lost so far.
    Notice(String),
    /// Row-level security may have hidden rows of this table.
    Filtered(TableName),
}

/// A run under way. Dropping it does not stop the server: [`Fanout::stop`] does.
pub struct Fanout {
    messages: mpsc::UnboundedReceiver<Message>,
    window: Arc<ReadAhead>,
    shared: Arc<RunContext>,
    wanted: watch::Sender<Demand>,
    /// One that is done hands back its session, which stays open to the end: its snapshot
    /// is what a lost connection is replaced from.
    lanes: JoinSet<Option<Session>>,
}

/// What the lanes are still to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Answers,
    /// All answers are there: what is wanted is a session at their instant.
    Session,
    Nothing,
}

/// What all lanes of a run have in common.
struct RunContext {
    plan: Plan,
    shards: Vec<Shard>,
    server: ConnectionPool,
    queue: queue::Queue,
    alive: AtomicUsize,
    snapshots: session::SnapshotRegistry,
    /// Whether a lane that is done keeps its session, for its snapshot.
    is_kept: AtomicBool,
    /// Why the first lane that was given up was.
    hopeless: OnceLock<ShardError>,
    running: ActiveShards,
    round_trip: Duration,
    route: session::ConnectionRoute,
    partitioning: Partitioning,
    /// Tables that one turn locked at most, and one more: 0 while that is unknown.
    tables_of_a_turn: AtomicUsize,
}

impl RunContext {
    /// How many tables one turn locks, if any worker has found out.
    fn tables_of_a_turn(&self) -> Option<usize> {
        self.tables_of_a_turn.load(Ordering::Relaxed).checked_sub(1)
    }

    fn note_tables(&self, of_a_turn: usize) {
        self.tables_of_a_turn
            .fetch_max(of_a_turn + 1, Ordering::Relaxed);
    }

    /// What each lane can be sent before any has answered, so that none is left
    /// without: nobody knows yet how slow the turns are.
    fn fair_share(&self) -> usize {
        self.shards
            .len()
            .div_ceil(self.alive.load(Ordering::Relaxed).max(1))
    }
}

/// What each lane is at: for the progress line.
pub type ActiveShards = std::sync::Mutex<Vec<Option<(Shard, std::time::Instant)>>>;

impl Fanout {
    /// Starts the plan in these shards (ascending). The survey's session is the
    /// first lane; the spare ones come in as they connect; what more the server
    /// may have connections for joins if the work lasts.
    pub fn start(
        plan: Plan,
        shards: Vec<Shard>,
        server: ConnectionPool,
        survey: Preflight,
        spares: Vec<PendingConnection>,
    ) -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        let (wanted, watched) = watch::channel(Demand::Answers);
        let lanes = shards.len().min(server.connections());
        let shared = Arc::new(RunContext {
            plan,
            server,
            queue: queue::Queue::of(shards.len()),
            alive: AtomicUsize::new(lanes),
            snapshots: session::SnapshotRegistry::default(),
            is_kept: AtomicBool::new(false),
            hopeless: OnceLock::new(),
            running: ActiveShards::new(vec![None; lanes]),
            round_trip: survey.round_trip,
            route: survey.session.route(),
            partitioning: survey.session.partitioning(),
            tables_of_a_turn: AtomicUsize::new(0),
            shards,
        });
        let outlet = shard_reader::EventSender {
            messages: sender,
            window: Arc::default(),
        };
        let lane = |number| {
            worker::Worker::new(number, Arc::clone(&shared), outlet.clone(), watched.clone())
        };
        let mut set = JoinSet::new();
        if lanes > 0 {
            shared.snapshots.add(0, survey.session.snapshot());
            survey.session.stop_counting();
            set.spawn(lane(0).run(survey.session));
        }
        let mut spares = spares.into_iter();
        for number in 1..lanes {
            set.spawn(lane(number).start(spares.next()));
        }
        Self {
            messages,
            window: outlet.window,
            shared,
            wanted,
            lanes: set,
        }
    }

    pub fn shards(&self) -> &[Shard] {
        &self.shared.shards
    }

    pub fn window(&self) -> Arc<ReadAhead> {
        Arc::clone(&self.window)
    }

    /// The next message; `None` once every lane has ended.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// The shard that has been running for longest, and since when.
    pub fn slowest(&self) -> Option<(Shard, std::time::Instant)> {
        let running = self.shared.running.lock().ok()?;
        running
            .iter()
            .flatten()
            .min_by_key(|(_, since)| *since)
            .copied()
    }

    /// Hands back a session that is still at the run's instant, once every shard has
    /// ended. Does not wait for lanes that are still connecting.
    pub async fn into_session(mut self) -> Option<Session> {
        let _ = self.wanted.send(Demand::Session);
        while let Some(ended) = self.lanes.join_next().await {
            if let Ok(Some(session)) = ended {
                return Some(session);
            }
        }
        None
    }

    /// Cancels what runs on the server, and returns once nothing does any more, or once
    /// that takes too long.
    pub async fn stop(&mut self) {
        let _ = self.wanted.send(Demand::Nothing);
        while self.lanes.join_next().await.is_some() {}
    }
}
