//! What the commands of the shell do: one file per kind.

mod connection;
mod display;
mod files;
mod go;
mod help;
mod variables;

use super::command::Command;
use super::shell::{Next, Shell};
use crate::commands::error::Error;
use crate::output::sink;

pub async fn run(shell: &mut Shell, command: Command) -> Next {
    let done = match command {
        Command::Quit => return Next::Quit,
        Command::Go(go) => return go::run(shell, go).await,
        Command::Help => help::print().await,
        Command::Global(on) => display::set_global(shell, on).await,
        Command::Expanded(choice) => display::set_expanded(shell, choice).await,
        Command::TuplesOnly(on) => display::set_tuples_only(shell, on).await,
        Command::ToggleAligned => display::toggle_aligned(shell).await,
        Command::Timing(on) => display::set_timing(shell, on).await,
        Command::Pset(name, value) => display::pset(shell, name, value).await,
        Command::Out(path) => shell.state.set_out(path),
        Command::Include(path) => files::include(shell, &path),
        Command::Echo(to, words) => files::echo(shell, to, &words).await,
        Command::Set(name, values) => variables::set(shell, name, &values).await,
        Command::Unset(name) => variables::unset(shell, &name),
        Command::ConnectionInfo => connection::info(shell).await,
    };
    match done {
        Ok(()) => Next::GoOn,
        Err(error) => shell.failed(&error),
    }
}

/// Says what was changed, as psql does.
async fn say(shell: &Shell, text: String) -> Result<(), Error> {
    if shell.state.is_quiet() {
        return Ok(());
    }
    print(text).await
}

/// Prints a line to standard output.
async fn print(text: String) -> Result<(), Error> {
    Ok(sink::print(format!("{text}\n")).await?)
}
