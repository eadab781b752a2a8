//! `shardq shell`: one statement after the other, in a shell like psql's. Statements and commands run
//! by the code of the other commands; here is what is between them.

mod actions;
mod command;
mod conversation;
mod editor;
mod elsewhere;
mod freeze;
mod input;
mod names;
mod prompt;
#[allow(clippy::module_inception, reason = "it is what the folder is about")]
mod shell;
mod start_file;
mod state;
mod statement_reader;
mod statements;
mod words;

use super::error::Error;
use super::setup;
use crate::cli::shell::ShellArgs;
use crate::client::kept;
use crate::exec::cancel;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use input::Input;
use shell::Shell;
use state::State;

/// Reads statements and commands until the end, from a terminal or from standard input.
///
/// # Errors
/// If there are no shards to ask, or a script cannot be read.
pub async fn run(args: ShellArgs) -> Result<Exit, Error> {
    kept::keep_connections();
    cancel::outlive_ctrl_c();
    let console = Console::new(args.run.quiet);
    // Ctrl-C is for the statement that runs. These signals end the shell.
    let end = setup::listen()?;
    let _ignored = end.ignore_ctrl_c();
    let state = State::new(&args, console)?;
    let input = Input::of_process(&args)?;
    let mut shell = Shell::new(state, input, end);
    let ended = shell.run(&args).await;
    shell.close().await;
    kept::close_kept().await;
    ended
}
