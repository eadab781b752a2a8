//! The retry loop of all commands. An attempt whose snapshot is lost, or does not cover a table, is
//! repeated at a new snapshot as long as nothing was printed.

use std::fmt::Display;

use super::error::Error;
use super::session_setup::ConnectRetry;
use crate::exec::plan::{Plan, TableName};
use crate::terminal::console::Console;

/// Attempts before a command gives up.
const MOST: u32 = 3;

/// Makes attempts until one does not lose its snapshot.
///
/// # Errors
/// The attempt's own, or that no attempt kept its snapshot.
pub(super) async fn repeat<T>(
    console: &mut Console,
    mut attempt: impl AsyncFnMut(ConnectRetry, &mut Console) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        match attempt(attempts.connect, console).await {
            Err(error) if error.is_transient() => attempts.retry_after(&error, console),
            done => return done,
        }
    }
}

/// The attempts made so far, and what the next one must do differently.
#[derive(Debug)]
pub(super) struct Attempts {
    made: u32,
    pub connect: ConnectRetry,
    /// Tables that were rewritten during an attempt: locked before the next snapshot is taken.
    lock: Vec<TableName>,
}

impl Attempts {
    pub fn new() -> Self {
        Self {
            made: 0,
            connect: ConnectRetry::FailFast,
            lock: Vec::new(),
        }
    }

    /// # Errors
    /// If the last attempt has been made.
    pub fn begin(&mut self) -> Result<(), Error> {
        if self.made == MOST {
            return Err(Self::error());
        }
        self.made += 1;
        Ok(())
    }

    /// The error after the last attempt.
    pub fn error() -> Error {
        Error::Unstable(MOST)
    }

    pub fn is_first(&self) -> bool {
        self.made <= 1
    }

    pub fn is_last(&self) -> bool {
        self.made == MOST
    }

    /// The plan of this attempt.
    pub fn plan(&self, plan: &Plan) -> Plan {
        Plan {
            lock: self.lock.clone(),
            ..plan.clone()
        }
    }

    /// Prepares another attempt. The reason was reported; `note` states that there is one.
    pub fn retry(&mut self, rewritten: Vec<TableName>, note: &str, console: &mut Console) {
        self.connect = ConnectRetry::ServerRestarting;
        self.lock.extend(rewritten);
        if self.made < MOST {
            console.note(&note);
        }
    }

    /// Prepares another attempt after an error that may pass.
    pub fn retry_after(&mut self, error: &impl Display, console: &mut Console) {
        console.note(error);
        self.retry(Vec::new(), "retrying at a new snapshot", console);
    }
}
