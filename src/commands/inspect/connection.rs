//! A connection to each database, without a transaction or shards of its own, for what looks at whole
//! servers.

use std::cell::RefCell;
use std::ops::AsyncFn;

use futures::future::join_all;
use futures::{StreamExt as _, stream};

use super::error::InspectError;
use crate::client::{Connection, ConnectionPool};
use crate::commands::databases::{self, Target, Targets};
use crate::commands::error::Error;
use crate::commands::interruptible;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::exec::cancel::Interrupt;
use crate::sharding::unreachable::Unreachable;
use crate::terminal::console::Console;
use crate::terminal::summary::Location;

/// Databases of a server that are read at once.
const AT_ONCE: usize = 4;

/// What was read, and where.
pub struct Answers<T> {
    /// Server by server.
    pub of_databases: Vec<(Target, T)>,
    /// Databases and servers that could not be read.
    pub unreachable: Vec<Unreachable>,
    pub location: Location,
}

/// Connects, reads, and closes the connections. All servers are read at once. `None` if interrupted.
///
/// # Errors
/// If no database can be read: why, of the first.
pub async fn read<T>(
    targets: &Targets,
    interrupt: &Interrupt,
    console: &mut Console,
    read: impl AsyncFn(&Target, &Connection, &ConnectionPool) -> Result<T, InspectError>,
) -> Result<Option<Answers<T>>, Error> {
    let console = RefCell::new(console);
    let servers = targets.by_server().into_iter().map(|of_server| {
        let answers = of_server.into_iter().map(|target| async {
            let answer = read_one(target, interrupt, &console, &read).await;
            (target.clone(), answer)
        });
        stream::iter(answers).buffered(AT_ONCE).collect::<Vec<_>>()
    });
    let mut answers = Answers {
        of_databases: Vec::new(),
        unreachable: targets.unreachable.clone(),
        location: Location::default(),
    };
    let mut first_error = None;
    for (target, answer) in join_all(servers).await.into_iter().flatten() {
        match answer {
            Ok(Some((data, location))) => {
                answers.location = location;
                answers.of_databases.push((target, data));
            }
            Ok(None) => return Ok(None),
            Err(error) => {
                let reason = error.to_string();
                answers.unreachable.push(Unreachable {
                    place: target.place(),
                    reason: reason.lines().next().unwrap_or_default().to_owned(),
                });
                first_error.get_or_insert(error);
            }
        }
    }
    if targets.databases.len() > 1 {
        answers.location = databases::location_of(targets.databases.iter());
    }
    match (first_error, answers.of_databases.is_empty()) {
        (Some(error), true) => Err(error),
        (None, true) => Err(Error::NoneReachable),
        _ => Ok(Some(answers)),
    }
}

async fn read_one<T>(
    target: &Target,
    interrupt: &Interrupt,
    console: &RefCell<&mut Console>,
    read: impl AsyncFn(&Target, &Connection, &ConnectionPool) -> Result<T, InspectError>,
) -> Result<Option<(T, Location)>, Error> {
    let retry = ConnectRetry::FailFast;
    let opened = tokio::select! {
        opened = session_setup::open_beside(&target.settings, 1, retry, console) => opened?,
        () = interrupt.requested() => return Ok(None),
    };
    let server = opened.server;
    let work = async { Ok(read(target, &opened.first, &server).await?) };
    let Some(data) = interruptible::run(&server, interrupt, work).await? else {
        return Ok(None);
    };
    let location = session_setup::location(&server);
    drop(opened.first);
    server.close().await;
    Ok(Some((data, location)))
}
