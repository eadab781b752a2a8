//! The steps before a run, which Ctrl-C ends.

use futures::future::join_all;

use crate::client::ConnectionPool;
use crate::commands::error::Error;
use crate::commands::inspect::error::InspectError;
use crate::exec::cancel::Interrupt;
use crate::exec::fanout::FanoutError;
use crate::find::lookup::LookupError;

/// Runs a step before the run. `None` if interrupted. If it does not succeed, nothing is left
/// running on the server, and connections are closed properly, so that the server logs nothing.
pub async fn run<T>(
    server: &ConnectionPool,
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Error> {
    run_in_all(std::slice::from_ref(server), interrupt, work).await
}

/// The same over several databases.
pub async fn run_in_all<T>(
    servers: &[ConnectionPool],
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Error> {
    // Boxed because the steps of a run are large, and would be in this future twice.
    let work = Box::pin(work);
    let done = tokio::select! {
        done = work => done.map(Some),
        () = interrupt.requested() => Ok(None),
    };
    // A connection closed because of silence looks lost, and a loss would be retried.
    let is_lost = matches!(
        done,
        Err(Error::Fanout(FanoutError::Lost(_))
            | Error::Lookup(LookupError::Lost(_))
            | Error::Inspect(InspectError::Lost(_)))
    );
    let silence = servers.iter().find_map(ConnectionPool::silence);
    let silence = silence.filter(|_| is_lost);
    if !matches!(done, Ok(Some(_))) {
        join_all(servers.iter().map(ConnectionPool::close)).await;
    }
    match silence {
        Some(silence) => Err(Error::Fanout(FanoutError::Silent(silence))),
        None => done,
    }
}
