//! `shardq completions`: a completion script, generated from the clap definitions, and the values
//! that it asks for while somebody types: databases, shards, origins and profiles.

mod candidates;
mod script;
mod words;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap_complete::Shell;

use crate::cli::CompletionsArgs;
use crate::commands::error::Error;
use crate::output::sink;
use crate::terminal::exit_status::Exit;

/// What scripts call, with the words of the command line up to the cursor: a command that is in no
/// help, since only scripts need it.
pub const VALUES: &str = "__complete";

/// A shell waits for it, and so does whoever pressed Tab.
const WITHIN: Duration = Duration::from_secs(1);

pub async fn run(args: &CompletionsArgs) -> Result<Exit, Error> {
    let script = match args.shell {
        Shell::Bash => script::bash(),
        Shell::Zsh => script::zsh(),
        Shell::Fish => script::fish(),
        other => script::of(other),
    };
    sink::print(script.into_bytes()).await?;
    Ok(Exit::Complete)
}

/// Prints the values that fit, one per line. Never fails and never says why there are none: its
/// output is between somebody's keystrokes.
pub fn print_values(words: &[OsString]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if let (Ok(runtime), Some(asked)) = (runtime, words::asked(words)) {
        let found = runtime.block_on(async {
            let found = tokio::time::timeout(WITHIN, candidates::of(&asked)).await;
            found.unwrap_or_default()
        });
        // Neither a name that is being looked up nor a connection that is being closed is waited
        // for.
        runtime.shutdown_background();
        let lines = found.into_iter().filter(|value| !value.contains('\n'));
        let text: String = lines.map(|value| value + "\n").collect();
        let _ = io::stdout().write_all(text.as_bytes());
    }
    ExitCode::SUCCESS
}
