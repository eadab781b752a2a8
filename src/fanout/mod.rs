//! Runs a plan in every shard: few connections, each with many turns in flight.
//!
//! Lanes (one a connection) take shards in ascending order from a common queue
//! and send what they read, a message at a time, to one receiver. Each shard ends
//! with exactly one [`Event::Confirmed`] or [`Event::Failed`]. Putting the shards
//! in order is the business of [`crate::merge`].

mod depth;
mod error;
mod flight;
mod lane;
mod relation_check;
mod session;
mod survey;
mod turn;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::plan::{Plan, TableName};
use crate::row::{Column, Rows};
use crate::server::{Server, Spare};
use crate::shard::Shard;
use crate::transfer::Lines;

pub use error::{FanoutError, RECONNECTS, ShardError, backoff};
pub(crate) use error::{cause, is_transient};
pub use session::Session;
pub use survey::Survey;
pub(crate) use survey::{lockable_tables, opening, results as result_rows};
pub use window::{Attempt, Place, Window};

/// What a shard has to say.
#[derive(Debug)]
pub enum Event {
    Columns(Vec<Column>),
    Rows(Rows),
    Lines(Lines),
    /// All its rows are here.
    Answered(Answer),
    /// And the snapshot covers all its tables.
    Confirmed,
    Failed(ShardError),
}

/// How a shard's turn went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub rows: u64,
    /// From when the connection was free for it to its last row.
    pub took: Duration,
}

/// What the lanes send.
#[derive(Debug)]
pub enum Message {
    Shard {
        place: Place,
        attempt: Attempt,
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
    window: Arc<Window>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    /// A lane that is done hands back its session, which stays open to the end:
    /// its snapshot is what a lost connection is replaced from.
    lanes: JoinSet<Option<Session>>,
}

/// What all lanes of a run have in common.
struct Shared {
    plan: Plan,
    shards: Vec<Shard>,
    server: Server,
    next: AtomicUsize,
    alive: AtomicUsize,
    snapshots: session::Snapshots,
    running: Running,
    round_trip: Duration,
}

impl Shared {
    /// Whether every shard has its lane.
    fn is_taken(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.shards.len()
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
pub type Running = std::sync::Mutex<Vec<Option<(Shard, std::time::Instant)>>>;

impl Fanout {
    /// Starts the plan in these shards (ascending). The survey's session is the
    /// first lane; the spare ones come in as they connect; what more the server
    /// may have connections for joins if the work lasts.
    pub fn start(
        plan: Plan,
        shards: Vec<Shard>,
        server: Server,
        survey: Survey,
        spares: Vec<Spare>,
    ) -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let lanes = shards.len().min(server.connections());
        let shared = Arc::new(Shared {
            plan,
            server,
            next: AtomicUsize::new(0),
            alive: AtomicUsize::new(lanes),
            snapshots: session::Snapshots::default(),
            running: Running::new(vec![None; lanes]),
            round_trip: survey.round_trip,
            shards,
        });
        let outlet = turn::Outlet {
            messages: sender,
            window: Arc::default(),
        };
        let lane =
            |number| lane::Lane::new(number, Arc::clone(&shared), outlet.clone(), stopped.clone());
        let mut set = JoinSet::new();
        if lanes > 0 {
            shared.snapshots.add(0, survey.session.snapshot());
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
            stop,
            lanes: set,
        }
    }

    pub fn shards(&self) -> &[Shard] {
        &self.shared.shards
    }

    pub fn window(&self) -> Arc<Window> {
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

    /// Waits for the lanes to end, and hands back a session that is still at the
    /// run's instant.
    pub async fn into_session(mut self) -> Option<Session> {
        let mut kept = None;
        while let Some(ended) = self.lanes.join_next().await {
            kept = kept.or(ended.ok().flatten());
        }
        kept
    }

    /// Cancels what runs on the server, and returns once nothing does any more.
    pub async fn stop(&mut self) {
        let _ = self.stop.send(true);
        while self.lanes.join_next().await.is_some() {}
    }
}
