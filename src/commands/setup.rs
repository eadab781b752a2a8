//! The prologue of all commands that connect: settings and signals.

use std::collections::BTreeSet;

use super::databases;
use super::error::Error;
use crate::cli::connection::ConnectionArgs;
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::output::sink;
use crate::sharding::pattern::Pattern;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

/// For what runs in one database. `databases` are the patterns of `--databases`.
///
/// # Errors
/// If flags, environment and files are not valid connection settings, or name several databases.
pub(super) fn settings(args: &ConnectionArgs, databases: &[Pattern]) -> Result<Settings, Error> {
    let mut servers = databases::servers(args)?;
    match (servers.pop(), servers.is_empty() && databases.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Error::Usage(
            "this works in one database at a time; name its server with -h or -d, and do not use \
             --databases"
                .to_owned(),
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
