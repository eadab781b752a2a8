//! The prologue of all commands that connect: settings and signals.

use super::error::Error;
use crate::cli::connection::ConnectionArgs;
use crate::config::{Environment, Settings};
use crate::exec::cancel::Interrupt;
use crate::output::sink;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

/// # Errors
/// If flags, environment and files are not valid connection settings.
pub(super) fn settings(args: &ConnectionArgs) -> Result<Settings, Error> {
    Ok(Settings::resolve(
        &args.into(),
        &Environment::of_process()?,
    )?)
}

/// # Errors
/// If signal handlers cannot be installed.
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
