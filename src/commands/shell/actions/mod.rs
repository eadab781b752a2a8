//! What the commands of the shell do: one file per kind.

mod again;
mod connection;
mod display;
mod edit;
mod files;
mod go;
mod help;
mod named;
mod psql;
mod scope;
mod tools;
mod variables;
mod watch;

use super::command::Command;
use super::freeze;
use super::shell::Shell;
use super::state::Next;
use crate::commands::error::Error;
use crate::output::sink;

pub async fn run(shell: &mut Shell, command: Command) -> Next {
    let done = match command {
        Command::Quit => return Next::Quit,
        Command::Go(go) => return go::run(shell, go).await,
        Command::Again => return again::run(shell).await,
        Command::Watch(watch) => return watch::run(shell, watch).await,
        Command::Tool(name, arguments) => return tools::run(shell, name, &arguments).await,
        Command::Export(arguments) => return tools::export_last(shell, &arguments).await,
        Command::Named(name, values) => return named::run(shell, name, &values).await,
        Command::Psql(arguments) => return psql::run(shell, &arguments).await,
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
        Command::Connect(target) => connection::connect(shell, target).await,
        Command::Shards(list) => scope::set_shards(shell, list).await,
        Command::Server(name) => scope::set_server(shell, name).await,
        Command::History(path) => edit::history(shell, path).await,
        Command::Edit(path) => edit::edit(shell, path).await,
        Command::Freeze => freeze::freeze(&mut shell.state).await,
        Command::Thaw => freeze::thaw(&mut shell.state).await,
        Command::SqlHelp(name) => help::sql(name.as_deref()).await,
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
