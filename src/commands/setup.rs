//! The prologue of all commands that connect: settings and signals.

use std::collections::BTreeSet;

use super::error::Error;
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::output::sink;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

/// # Errors
/// If signal handlers cannot be installed.
pub(super) fn listen() -> Result<Interrupt, Error> {
    Interrupt::listen().map_err(Error::Signals)
}

/// Each once: servers share files and variables.
pub(super) fn say_warnings<'a>(
    servers: impl IntoIterator<Item = &'a Settings>,
    console: &mut Console,
) {
    let warnings = servers.into_iter().flat_map(Settings::warnings);
    for warning in warnings.collect::<BTreeSet<_>>() {
        console.note(warning);
    }
}

/// Prints a text about the run (`--dry-run`, `--explain`) where its result would go.
pub(super) async fn print(text: String, interrupt: &Interrupt) -> Result<Exit, Error> {
    tokio::select! {
        printed = sink::print(text) => {
            printed?;
            Ok(Exit::Complete)
        }
        () = interrupt.requested() => Ok(Exit::Interrupted),
    }
}
