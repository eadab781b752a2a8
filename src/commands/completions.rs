//! `shardq completions`: a completion script, generated from the clap definitions.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::commands::error::Error;
use crate::output::sink;
use crate::terminal::exit_status::Exit;

pub async fn run(args: &CompletionsArgs) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "shardq", &mut script);
    sink::print(script).await?;
    Ok(Exit::Complete)
}
