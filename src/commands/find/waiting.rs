//! A database beyond those that a search has open: it is opened when a connection of its server is
//! free, searched, and closed for the next one.

use crate::client::ConnectionPool;
use crate::commands::databases::{LaterDatabase, Listed};
use crate::commands::error::Error;
use crate::find::lookup::LookupError;

/// A database that waits for its turn.
pub struct WaitingDatabase<'a> {
    pub database: &'a LaterDatabase,
    /// For one connection.
    pub pool: &'a ConnectionPool,
}

impl WaitingDatabase<'_> {
    /// Does this once it is open. The inner error is that of opening it.
    ///
    /// # Errors
    /// That of the work.
    pub async fn visit<T>(
        &self,
        work: impl AsyncFnOnce(&Listed<'_>) -> Result<T, LookupError>,
    ) -> Result<Result<T, Error>, LookupError> {
        let opened = match self.database.open_at_turn(self.pool).await {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error)),
        };
        let listed = Listed {
            target: &self.database.target,
            plan: &self.database.plan,
            preflight: &opened.preflight,
        };
        let connection = opened.preflight.session.connection();
        connection.wait_at_most(self.database.plan.limits.patience());
        let done = work(&listed).await;
        opened.preflight.session.close().await;
        done.map(Ok)
    }
}
