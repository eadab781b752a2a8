//! One connection, without a transaction or shards of its own, for what looks at a whole server.

use std::ops::AsyncFnOnce;

use super::error::InspectError;
use crate::cli::connection::ConnectionArgs;
use crate::cli::layout::LayoutArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::error::Error;
use crate::commands::session_setup::{self, ConnectRetry};
use crate::commands::setup;
use crate::exec::cancel::Interrupt;
use crate::terminal::console::Console;
use crate::terminal::summary::Location;

/// What was read, and where.
pub struct Answer<T> {
    pub data: T,
    pub location: Location,
    /// Listened to since before the connection.
    pub interrupt: Interrupt,
}

/// Connects, reads, and closes the connection. `None` if interrupted.
pub async fn read<T>(
    args: &ConnectionArgs,
    layout: &LayoutArgs,
    console: &mut Console,
    read: impl AsyncFnOnce(&Connection, &ConnectionPool) -> Result<T, InspectError>,
) -> Result<Option<Answer<T>>, Error> {
    let settings = setup::settings(args, &layout.databases)?;
    let interrupt = setup::listen()?;
    setup::say_warnings([&settings], console);
    let opened = tokio::select! {
        opened = session_setup::open(&settings, 1, ConnectRetry::FailFast, console) => opened?,
        () = interrupt.requested() => return Ok(None),
    };
    let server = opened.server;
    let work = async { Ok(read(&opened.first, &server).await?) };
    let Some(data) = session_setup::run_or_cancel(&server, &interrupt, work).await? else {
        return Ok(None);
    };
    let location = session_setup::location(&server);
    drop(opened.first);
    server.close().await;
    Ok(Some(Answer {
        data,
        location,
        interrupt,
    }))
}
