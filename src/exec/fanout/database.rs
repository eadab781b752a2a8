//! One database's part of a run: its shards, its snapshot, its connections and their workers.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::later::{self, Opening};
use super::preflight::Preflight;
use super::session::{Session, SnapshotRegistry};
use super::shard_reader::EventSender;
use super::worker::Worker;
use super::{ActiveShards, Demand, RunContext, queue};
use crate::client::{ConnectionPool, PendingConnection};
use crate::exec::plan::Plan;
use crate::exec::type_names::DatabaseTypes;
use crate::sharding::shard::Shard;

/// What runs in one database.
pub struct DatabaseRun {
    pub plan: Plan,
    /// Ascending.
    pub shards: Vec<Shard>,
    pub server: ConnectionPool,
    pub start: DatabaseStart,
}

pub enum DatabaseStart {
    Now {
        preflight: Box<Preflight>,
        pending_connections: Vec<PendingConnection>,
    },
    Later(Opening),
}

/// A database that workers can read.
pub(super) struct OpenDatabase {
    pub plan: Plan,
    pub shards: Vec<Shard>,
    pub server: ConnectionPool,
}

/// What the workers of one database are wanted for, and the workers.
pub(super) struct DatabaseWorkers {
    wanted: watch::Sender<Demand>,
    state: State,
}

enum State {
    Open(Workers),
    Later(JoinSet<()>),
}

/// The workers of one database, one per connection.
pub(super) struct Workers {
    shared: Arc<RunContext>,
    /// A worker that is done returns its session, which stays open to the end: lost connections are
    /// replaced from its snapshot.
    set: JoinSet<Option<Session>>,
}

impl DatabaseWorkers {
    pub fn start(run: DatabaseRun, events: &EventSender, types: &DatabaseTypes) -> Self {
        let DatabaseRun {
            plan,
            shards,
            server,
            start,
        } = run;
        let database = OpenDatabase {
            plan,
            shards,
            server,
        };
        let (wanted, watched) = watch::channel(Demand::Answers);
        let state = match start {
            DatabaseStart::Now {
                preflight,
                pending_connections,
            } => State::Open(Workers::start(
                database,
                *preflight,
                pending_connections,
                events,
                &watched,
            )),
            DatabaseStart::Later(opening) => {
                let mut set = JoinSet::new();
                let (events, types) = (events.clone(), types.clone());
                set.spawn(later::run(opening, database, events, types, watched));
                State::Later(set)
            }
        };
        Self { wanted, state }
    }

    pub fn slowest(&self) -> Option<(Shard, Instant)> {
        match &self.state {
            State::Open(workers) => workers.slowest(),
            State::Later(_) => None,
        }
    }

    pub async fn into_session(self) -> Option<Session> {
        let _ = self.wanted.send(Demand::Session);
        match self.state {
            State::Open(workers) => workers.finished().await,
            State::Later(_) => None,
        }
    }

    pub async fn stop(&mut self) {
        let _ = self.wanted.send(Demand::Nothing);
        match &mut self.state {
            State::Open(workers) => while workers.set.join_next().await.is_some() {},
            State::Later(set) => while set.join_next().await.is_some() {},
        }
    }
}

impl Workers {
    /// The preflight's session becomes the first worker, the spare connections join when they open,
    /// and more connections join if the run lasts.
    pub fn start(
        database: OpenDatabase,
        preflight: Preflight,
        pending_connections: Vec<PendingConnection>,
        events: &EventSender,
        wanted: &watch::Receiver<Demand>,
    ) -> Self {
        let OpenDatabase {
            plan,
            shards,
            server,
        } = database;
        let workers = shards.len().min(server.connections());
        let shared = Arc::new(RunContext {
            plan,
            server,
            queue: queue::Queue::of(shards.len()),
            alive: AtomicUsize::new(workers),
            snapshots: SnapshotRegistry::default(),
            is_kept: AtomicBool::new(false),
            hopeless: OnceLock::new(),
            running: ActiveShards::new(vec![None; workers]),
            round_trip: preflight.round_trip,
            route: preflight.session.route(),
            child_tables: preflight.session.child_tables(),
            tables_per_task: AtomicUsize::new(0),
            shards,
        });
        let worker =
            |number| Worker::new(number, Arc::clone(&shared), events.clone(), wanted.clone());
        let mut set = JoinSet::new();
        if workers > 0 {
            shared.snapshots.add(0, preflight.session.snapshot());
            preflight.session.stop_counting();
            set.spawn(worker(0).run(preflight.session));
        }
        let mut pending_connections = pending_connections.into_iter();
        for number in 1..workers {
            set.spawn(worker(number).start(pending_connections.next()));
        }
        Self { shared, set }
    }

    fn slowest(&self) -> Option<(Shard, Instant)> {
        let running = self.shared.running.lock().ok()?;
        running
            .iter()
            .flatten()
            .min_by_key(|(_, since)| *since)
            .copied()
    }

    /// The first session of a worker that is done.
    pub async fn finished(mut self) -> Option<Session> {
        while let Some(ended) = self.set.join_next().await {
            if let Ok(Some(session)) = ended {
                return Some(session);
            }
        }
        None
    }
}
