//! The attempts of a command: one whose snapshot is lost, or does not cover a table, before
//! anything was printed is repeated at a new snapshot. Once, for all commands.

use super::error::Error;
use super::session_setup::ConnectRetry;
use crate::exec::plan::{Plan, TableName};
use crate::terminal::console::Console;

/// After which a command gives up.
const MOST: u32 = 3;

/// Which attempt it is, and what those before it have taught.
#[derive(Debug)]
pub(super) struct Attempts {
    made: u32,
    pub connect: ConnectRetry,
    /// Tables that were rewritten meanwhile: locked in front of the next snapshot.
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
    /// If there were enough of them.
    pub fn begin(&mut self) -> Result<(), Error> {
        if self.made == MOST {
            return Err(Self::error());
        }
        self.made += 1;
        Ok(())
    }

    /// There were enough of them.
    pub fn error() -> Error {
        Error::Unstable(MOST)
    }

    pub fn is_first(&self) -> bool {
        self.made <= 1
    }

    /// The plan as this attempt runs it.
    pub fn plan(&self, plan: &Plan) -> Plan {
        Plan {
            lock: self.lock.clone(),
            ..plan.clone()
        }
    }

    /// Tells why there is another.
    pub fn retry(&mut self, rewritten: Vec<TableName>, note: &str, console: &mut Console) {
        self.connect = ConnectRetry::ServerRestarting;
        self.lock.extend(rewritten);
        console.note(&note);
    }
}
