//! A database whose turn comes when a connection of its server is free: a server may have more
//! databases than it grants us connections.

use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::shard_reader::{EventSender, Purpose, Task};
use super::workers::{OpenDatabase, Workers};
use super::{Demand, Preflight, ShardError, ShardEvent};
use crate::exec::plan::Plan;
use crate::exec::type_names::DatabaseTypes;
use crate::sharding::shard::Shard;

/// Waits for the database's turn, connects, and runs the preflight.
pub type Opening = BoxFuture<'static, Result<Opened, ShardError>>;

pub struct Opened {
    pub plan: Plan,
    pub preflight: Preflight,
    /// One of the connections to the server that its databases share.
    pub slot: OwnedSemaphorePermit,
}

/// Reads the shards, and closes the connection for the next database. Without a connection, all of
/// them fail.
pub(super) async fn run(
    opening: Opening,
    database: OpenDatabase,
    events: EventSender,
    types: DatabaseTypes,
    mut wanted: watch::Receiver<Demand>,
) {
    let mut watched = wanted.clone();
    let opened = tokio::select! {
        biased;
        _ = wanted.wait_for(|wanted| *wanted == Demand::Nothing) => return,
        opened = opening => opened,
    };
    let Opened {
        plan,
        preflight,
        slot,
    } = match opened {
        Ok(opened) => opened,
        Err(error) => return fail_all(&database.shards, &events, &error),
    };
    types.add(plan.layout.of_database(), preflight.types.clone());
    let database = OpenDatabase { plan, ..database };
    let workers = Workers::start(database, preflight, Vec::new(), &events, &watched);
    let session = tokio::select! {
        biased;
        session = workers.finished() => session,
        _ = watched.wait_for(|wanted| *wanted == Demand::Nothing) => None,
    };
    if let Some(session) = session {
        session.close().await;
    }
    drop(slot);
}

fn fail_all(shards: &[Shard], events: &EventSender, error: &ShardError) {
    for index in 0..shards.len() {
        let task = Task {
            index,
            attempt: 0,
            purpose: Purpose::Rows,
        };
        events.say(task, ShardEvent::Failed(error.clone()));
    }
}
