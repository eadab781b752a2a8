//! What a command that asks a server begins with: the server's settings, and Ctrl-C. Once,
//! for all commands.

use super::error::Error;
use crate::cli::connection::ConnectionArgs;
use crate::config::{Environment, Settings};
use crate::exec::cancel::Interrupt;
use crate::output::sink;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

/// # Errors
/// If flags, environment and files do not make a server's address.
pub(super) fn settings(args: &ConnectionArgs) -> Result<Settings, Error> {
    Ok(Settings::resolve(
        &args.into(),
        &Environment::of_process()?,
    )?)
}

/// # Errors
/// If the system cannot tell of signals.
pub(super) fn listen() -> Result<Interrupt, Error> {
    Interrupt::listen().map_err(Error::Signals)
}

pub(super) fn say_warnings(settings: &Settings, console: &mut Console) {
    for warning in settings.warnings() {
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
