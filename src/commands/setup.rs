//! The prologue of all commands that connect: settings and signals.

use std::collections::BTreeSet;

use super::databases;
use super::error::Error;
use crate::cli::connection::ConnectionArgs;
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::output::sink;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

/// For what runs on one server.
///
/// # Errors
/// If flags, environment and files are not valid connection settings, or name several servers.
pub(super) fn settings(args: &ConnectionArgs) -> Result<Settings, Error> {
    let mut servers = databases::servers(args)?;
    match (servers.pop(), servers.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Error::Usage(
            "this works on one server at a time; name one with -d or -h".to_owned(),
        )),
    }
}

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
