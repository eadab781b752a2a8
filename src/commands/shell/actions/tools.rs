//! Commands that shardq has outside of the shell too: the same command lines, in the shell's scope.

use std::future::Future;
use std::pin::Pin;

use crate::cli::{Cli, Command};
use crate::client::kept;
use crate::commands;
use crate::commands::error::Error;
use crate::commands::shell::freeze;
use crate::commands::shell::shell::Shell;
use crate::commands::shell::state::Next;
use crate::output::sink;
use crate::sharding::script::Source;
use crate::terminal::exit_status::Exit;

/// Runs `shardq NAME ARGUMENTS`.
pub async fn run(shell: &mut Shell, name: &str, arguments: &[String]) -> Next {
    if let Err(reason) = freeze::check(&mut shell.state).await {
        return shell.failed(&reason);
    }
    match read(shell, name, arguments).await {
        Ok(command) => {
            let ended = tool(command).await;
            end(shell, ended)
        }
        Err(next) => next,
    }
}

/// Exports the last statement.
pub async fn export_last(shell: &mut Shell, arguments: &[String]) -> Next {
    let Some(sql) = shell.reader.take().or_else(|| shell.state.last.clone()) else {
        return shell.failed(&"there is no statement to export; run it first");
    };
    let Some((file, flags)) = arguments.split_first() else {
        return shell.failed(&"\\export: missing required argument");
    };
    if let Err(reason) = freeze::check(&mut shell.state).await {
        return shell.failed(&reason);
    }
    let mut all = vec!["-o".to_owned(), file.clone()];
    all.extend_from_slice(flags);
    let mut command = match read(shell, "export", &all).await {
        Ok(command) => command,
        Err(next) => return next,
    };
    if let Command::Export(args) = &mut command {
        args.statement.sources = vec![Source::Text(sql)];
        args.statement.variables = shell.state.variables().clone();
    }
    let ended = tool(command).await;
    end(shell, ended)
}

/// The command in the shell's scope; what follows, if there is none to run.
pub async fn read(shell: &mut Shell, name: &str, arguments: &[String]) -> Result<Command, Next> {
    let words = ["shardq", name].into_iter().map(str::to_owned);
    let words = words.chain(arguments.iter().cloned()).map(Into::into);
    let error = match Cli::try_read(words) {
        Ok(cli) => return Ok(cli.command.in_scope(&shell.state.query)),
        Err(error) => error,
    };
    let text = error.to_string();
    match text.strip_prefix("error: ") {
        Some(text) => Err(shell.failed(&text)),
        // Help.
        None => match sink::print(text).await {
            Ok(()) => Err(Next::GoOn),
            Err(error) => Err(shell.failed(&error)),
        },
    }
}

/// Runs a command. Boxed as what it does, because it could be a shell again.
fn tool(command: Command) -> Pin<Box<dyn Future<Output = Result<Exit, Error>>>> {
    let lists_databases = matches!(command, Command::Databases(_));
    Box::pin(async move {
        let known = kept::databases();
        let ended = commands::run(command).await;
        if lists_databases {
            // It looks into every database of the server, once.
            kept::close_beyond(known);
        }
        ended
    })
}

fn end(shell: &mut Shell, ended: Result<Exit, Error>) -> Next {
    match ended {
        Ok(Exit::Complete) => Next::GoOn,
        // Whoever watches something ends it so.
        Ok(Exit::Interrupted) => Next::Interrupted,
        Ok(Exit::Failed | Exit::Incomplete | Exit::Usage) => Next::Failed,
        Err(error) => shell.failed(&error),
    }
}
