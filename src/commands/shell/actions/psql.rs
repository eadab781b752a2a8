//! `\psql`: psql in one shard, and back.

use super::tools;
use crate::cli::Command;
use crate::commands::psql;
use crate::commands::shell::shell::Shell;
use crate::commands::shell::state::Next;

pub async fn run(shell: &mut Shell, arguments: &[String]) -> Next {
    let is_shard = |it: &String| {
        let name = it.strip_prefix("shard_").unwrap_or(it);
        // Longer ones are ids.
        name.len() < 6 && name.chars().all(|c| c.is_ascii_digit())
    };
    let mut words = arguments.to_vec();
    if arguments.first().is_some_and(is_shard) {
        words.insert(0, "--shards".to_owned());
    }
    let command = match tools::read(shell, "psql", &words).await {
        Ok(Command::Psql(args)) => psql::prepare(*args).await,
        Ok(_) => return Next::GoOn,
        Err(next) => return next,
    };
    let command = match command {
        Ok(Ok(command)) => command,
        Ok(Err(_)) => return Next::Failed,
        Err(error) => return shell.failed(&error),
    };
    // Ctrl-C is psql's meanwhile.
    match tokio::process::Command::from(command).status().await {
        Ok(_) => Next::GoOn,
        Err(error) => shell.failed(&psql::not_started(error)),
    }
}
