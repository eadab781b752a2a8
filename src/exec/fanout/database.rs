//! One database's part of a run: its shards, its snapshot, its connections and their workers.

use std::time::Instant;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Demand;
use super::later::{self, Opening};
use super::preflight::Preflight;
use super::session::Session;
use super::shard_reader::EventSender;
use super::workers::{OpenDatabase, Workers};
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

/// What the workers of one database are wanted for, and the workers.
pub(super) struct DatabaseWorkers {
    wanted: watch::Sender<Demand>,
    state: State,
}

enum State {
    Open(Workers),
    Later(JoinSet<()>),
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
            State::Open(workers) => workers.ended().await,
            State::Later(set) => while set.join_next().await.is_some() {},
        }
    }
}
