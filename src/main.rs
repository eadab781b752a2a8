//! The program: parses the command line, runs the command, exits with its status.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use shardq::cli::{Cli, arguments};
use shardq::client::left_without_confirmation;
use shardq::client::read_coalescing::coalesce_reads;
use shardq::commands;
use shardq::commands::error::Error;
use shardq::config::may_hold_password;
use shardq::exec::cancel::outlive_large_files;
use shardq::terminal::color;
use shardq::terminal::console::Console;
use shardq::terminal::exit_status::Exit;
use shardq::terminal::statement_log;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if let [_, command, words @ ..] = &arguments[..]
        && command == commands::completions::VALUES
    {
        return commands::completions::print_values(words);
    }
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        arguments = arguments::with_shell_by_default(arguments);
    }
    let read = Cli::try_read(arguments.iter().cloned());
    color::choose(match &read {
        Ok(cli) => cli.color,
        Err(_) => arguments::color(&arguments),
    });
    let mut console = Console::new(false);
    let cli = match read {
        Ok(cli) => cli,
        Err(error) => {
            // clap shows what it does not understand.
            let shows = |arg: &String| may_hold_password(arg) && error.to_string().contains(arg);
            if !error.use_stderr() || !std::env::args().any(|arg| shows(&arg)) {
                let text = error.to_string();
                let Some(text) = text.strip_prefix("error: ") else {
                    // Help, or the version.
                    error.exit();
                };
                console.error(&text);
                return Exit::Usage.into();
            }
            console.error(&format!(
                "{}; the argument is not shown because it may contain a password; pass a \
                 connection URI or string with -d (see shardq --help)",
                error.kind()
            ));
            return Exit::Usage.into();
        }
    };
    let cli = match cli.with_profile(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            console.error(&error);
            return Exit::Usage.into();
        }
    };
    if cli.command.is_verbose() {
        statement_log::start();
    }
    // The server does the work; one thread is enough to ask and to listen.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(coalesce_reads)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            console.error(&error);
            return Exit::Failed.into();
        }
    };
    let done = runtime.block_on(async {
        outlive_large_files().map_err(Error::Signals)?;
        commands::run(cli.command).await
    });
    // A name that is still being looked up somewhere is not waited for.
    runtime.shutdown_background();
    match done {
        Ok(exit) => {
            if exit == Exit::Interrupted {
                console.error(&interrupted());
            }
            exit.into()
        }
        Err(error) => {
            console.error(&error);
            error.exit().into()
        }
    }
}

fn interrupted() -> &'static str {
    if left_without_confirmation() {
        "interrupted; the server did not confirm the cancellation, so a statement may keep running \
         until the server notices that the client is gone\n\
         shardq: hint: SELECT pid, query FROM pg_stat_activity WHERE application_name = 'shardq' \
         finds it, and SELECT pg_cancel_backend(pid) stops it"
    } else {
        "interrupted; nothing is left running on the server"
    }
}
