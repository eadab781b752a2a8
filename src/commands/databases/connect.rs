//! Connects to the databases of a run, as many at once as `-j` allows per server.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::later::{self, LaterDatabase};
use super::targets::{Target, Targets};
use crate::client::{ConnectionPool, PoolStart};
use crate::commands::error::Error;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::exec::cancel::Interrupt;
use crate::exec::fanout::{FanoutError, OpenTransaction};
use crate::exec::plan::Plan;
use crate::sharding::unreachable::Unreachable;
use crate::terminal::console::Console;

/// Databases with at least one connection each, and those that wait for one.
pub struct Connected {
    databases: Vec<(Target, PoolStart, Option<OwnedSemaphorePermit>)>,
    later: Vec<LaterDatabase>,
    unreachable: Vec<Unreachable>,
}

/// How many connections a run has at most.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    pub per_server: usize,
    pub per_database: usize,
    /// How many databases of a server are opened at once if it has more of them than connections.
    /// The others share what is left.
    pub if_crowded: usize,
}

impl From<usize> for ConnectionLimits {
    /// Per server, all of them for its database if it is the only one.
    fn from(per_server: usize) -> Self {
        Self {
            per_server,
            per_database: per_server,
            if_crowded: per_server,
        }
    }
}

/// A database with a connection.
pub struct ConnectedDatabase {
    pub target: Target,
    pub plan: Plan,
    pub opened: PoolStart,
    /// The run's transaction, if it was opened together with those of other databases.
    pub begun: Result<Option<OpenTransaction>, FanoutError>,
    pub slot: Option<OwnedSemaphorePermit>,
}

impl Connected {
    /// The databases with their plans, those that wait, and those that could not be reached.
    pub fn into_parts(
        self,
        plan: &Plan,
    ) -> (Vec<ConnectedDatabase>, Vec<LaterDatabase>, Vec<Unreachable>) {
        let databases = self.databases.into_iter();
        let with_plan = databases.map(|(target, opened, slot)| ConnectedDatabase {
            plan: plan_of(&target, plan),
            target,
            opened,
            begun: Ok(None),
            slot,
        });
        (with_plan.collect(), self.later, self.unreachable)
    }

    /// Pools for the databases that wait, in their order.
    ///
    /// # Errors
    /// If one cannot be set up.
    pub fn later_pools(&self) -> Result<Vec<ConnectionPool>, Error> {
        // With the password that was typed, or that a command printed.
        let accepted: BTreeMap<_, _> = (self.databases.iter())
            .map(|(target, opened, _)| (target.settings.server_name(), opened.server.settings()))
            .collect();
        let pools = self.later.iter().map(|database| {
            let settings = accepted.get(&database.target.settings.server_name());
            database.pool(settings.copied())
        });
        pools.collect()
    }

    pub fn servers(&self) -> Vec<ConnectionPool> {
        let databases = self.databases.iter();
        databases
            .map(|(_, opened, _)| opened.server.clone())
            .collect()
    }
}

/// Connects to all databases at once. Databases beyond the limit of their server wait. One that cannot be reached is left out, as long as there are others. `None` if
/// interrupted.
///
/// # Errors
/// If no database can be reached: why, of the first.
pub async fn connect(
    targets: &Targets,
    plan: &Plan,
    limits: impl Into<ConnectionLimits>,
    connect_retry: ConnectRetry,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Option<Connected>, Error> {
    tokio::select! {
        connected = open(targets, plan, limits.into(), connect_retry, console) => {
            connected.map(Some)
        }
        () = interrupt.requested() => Ok(None),
    }
}

async fn open(
    targets: &Targets,
    plan: &Plan,
    limits: ConnectionLimits,
    connect_retry: ConnectRetry,
    console: &mut Console,
) -> Result<Connected, Error> {
    let connections = limits.per_server;
    let mut connected = Connected {
        databases: Vec::new(),
        later: Vec::new(),
        unreachable: targets.unreachable.clone(),
    };
    let mut now: Vec<(&Target, _, _)> = Vec::new();
    for targets in targets.by_server() {
        let crowd = targets.len() > connections;
        let slots = Arc::new(Semaphore::new(connections));
        let share = (connections / targets.len()).clamp(1, limits.per_database);
        let at_once = if crowd {
            limits.if_crowded
        } else {
            targets.len()
        };
        let (first, rest) = targets.split_at(at_once);
        for &target in first {
            let slot = Arc::clone(&slots).try_acquire_owned().ok();
            now.push((target, share, slot.filter(|_| crowd)));
        }
        let rest = rest.iter();
        let rest = rest.map(|&target| (target.clone(), plan_of(target, plan)));
        let (later, unreachable) = later::discover(rest.collect(), connections, &slots).await;
        connected.later.extend(later);
        connected.unreachable.extend(unreachable);
    }
    let console = &RefCell::new(console);
    let opened = join_all(now.iter().map(|(target, share, _)| {
        session_setup::open_beside(&target.settings, *share, connect_retry, console)
    }));
    let mut first_error = None;
    for (opened, (target, _, slot)) in opened.await.into_iter().zip(now) {
        match opened {
            Ok(opened) => connected.databases.push((target.clone(), opened, slot)),
            Err(error) => {
                connected.unreachable.push(Unreachable {
                    place: target.place(),
                    reason: error.to_string(),
                });
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if connected.databases.is_empty() => Err(error),
        _ => Ok(connected),
    }
}

fn plan_of(target: &Target, plan: &Plan) -> Plan {
    Plan {
        layout: target.layout(&plan.layout),
        snapshot: target.snapshot.clone(),
        ..plan.clone()
    }
}
