//! One database's part of a run: its shards, its snapshot, its connections and their workers.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::preflight::Preflight;
use super::session::{Session, SnapshotRegistry};
use super::shard_reader::EventSender;
use super::worker::Worker;
use super::{ActiveShards, Demand, RunContext, queue};
use crate::client::{ConnectionPool, PendingConnection};
use crate::exec::plan::Plan;
use crate::sharding::shard::Shard;

/// What runs in one database.
pub struct DatabaseRun {
    pub plan: Plan,
    /// Ascending.
    pub shards: Vec<Shard>,
    pub server: ConnectionPool,
    pub preflight: Preflight,
    pub pending_connections: Vec<PendingConnection>,
}

/// The workers of one database, one per connection.
pub(super) struct DatabaseWorkers {
    shared: Arc<RunContext>,
    wanted: watch::Sender<Demand>,
    /// A worker that is done returns its session, which stays open to the end: lost connections are
    /// replaced from its snapshot.
    workers: JoinSet<Option<Session>>,
}

impl DatabaseWorkers {
    /// The preflight's session becomes the first worker, the spare connections join when they open,
    /// and more connections join if the run lasts.
    pub fn start(run: DatabaseRun, events: &EventSender) -> Self {
        let DatabaseRun {
            plan,
            shards,
            server,
            preflight,
            pending_connections,
        } = run;
        let (wanted, watched) = watch::channel(Demand::Answers);
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
            |number| Worker::new(number, Arc::clone(&shared), events.clone(), watched.clone());
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
        Self {
            shared,
            wanted,
            workers: set,
        }
    }

    pub fn slowest(&self) -> Option<(Shard, Instant)> {
        let running = self.shared.running.lock().ok()?;
        running
            .iter()
            .flatten()
            .min_by_key(|(_, since)| *since)
            .copied()
    }

    pub async fn into_session(mut self) -> Option<Session> {
        let _ = self.wanted.send(Demand::Session);
        while let Some(ended) = self.workers.join_next().await {
            if let Ok(Some(session)) = ended {
                return Some(session);
            }
        }
        None
    }

    pub async fn stop(&mut self) {
        let _ = self.wanted.send(Demand::Nothing);
        while self.workers.join_next().await.is_some() {}
    }
}
