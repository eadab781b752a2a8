//! `shardq demo`: the main job, on a throwaway server with sample data.
//!
//! It runs what it shows: this executable, with the printed arguments.

use std::io::{self, IsTerminal as _, Write};
use std::process::{Command, ExitStatus};
use std::{env, iter};

use crate::cli::demo::DemoArgs;
use crate::exec::cancel::Interrupt;
use crate::sandbox::{Options, Sandbox, SandboxError, sample};
use crate::terminal::color::ColorChoice;
use crate::terminal::exit_status::Exit;
use crate::text::io_reason::io_reason;

const SHOWN: [&[&str]; 3] = [
    &["find", "core"],
    &[
        "query",
        "SELECT o.name, count(*) AS packages FROM origins o \
         JOIN origin_packages p ON p.origin_id = o.id GROUP BY o.name HAVING count(*) > 150",
    ],
    &[
        "query",
        "--csv",
        "--shards",
        "0-31",
        "SELECT id, name, created_at FROM origins WHERE name LIKE '%-otter'",
    ],
];

/// With `--drift`.
const SHOWN_OF_DRIFT: [&[&str]; 3] = [
    &["shards", "--map", "--by", "rows"],
    &["drift"],
    &["drift", "--sql", "-q"],
];

/// Suppresses the superuser note: on a throwaway server, a superuser does no harm.
pub const APPLICATION_NAME: &str = "shardq demo";

#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error("could not load the sample data: {}", .0.as_db_error().map_or_else(|| .0.to_string(), ToString::to_string))]
    Load(#[from] tokio_postgres::Error),
    #[error("{command} failed: {status}")]
    Command { command: String, status: ExitStatus },
    #[error("standard output: {}", io_reason(.0))]
    Output(#[from] io::Error),
    #[error("could not run shardq itself: {}", io_reason(.0))]
    Again(io::Error),
    #[error("signals: {}", io_reason(.0))]
    Signals(io::Error),
}

/// Runs the demo and writes its headings to `out`. The commands that it runs print to this
/// process's own stdout and stderr.
pub async fn run(args: &DemoArgs, mut out: impl Write) -> Result<Exit, DemoError> {
    match tell(args, &mut out).await {
        // The reader closed the pipe.
        Err(DemoError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        told => told?,
    }
    Ok(Exit::Complete)
}

async fn tell(args: &DemoArgs, out: &mut impl Write) -> Result<(), DemoError> {
    writeln!(out, "Starting a private, throwaway Postgres …")?;
    out.flush()?;
    let server = Sandbox::start(Options::default())?;
    writeln!(
        out,
        "Loading sample data: 128 shards, 5,001 origins, 40,001 packages …"
    )?;
    out.flush()?;
    sample::create(&server).await?;
    let mut shown = SHOWN.to_vec();
    if args.drift {
        writeln!(out, "Changing the schema of one shard …")?;
        sample::drift(&server).await?;
        shown = SHOWN_OF_DRIFT.to_vec();
    }
    for arguments in shown {
        show(&server, arguments, out)?;
    }
    if args.keep {
        hold(&server, out).await?;
    } else if io::stdin().is_terminal() && io::stdout().is_terminal() {
        ask_on(&server, out).await?;
    }
    drop(server);
    writeln!(out, "\nThe server and its data are gone.")?;
    Ok(())
}

/// Leaves the keyboard to whoever watches.
async fn ask_on(server: &Sandbox, out: &mut impl Write) -> Result<(), DemoError> {
    // Ctrl-C is for a statement of the shell.
    let interrupt = Interrupt::listen().map_err(DemoError::Signals)?;
    let _ignored = interrupt.ignore_ctrl_c();
    writeln!(
        out,
        "\n$ shardq\nYour turn: ask all 128 shards, and leave with \\q."
    )?;
    out.flush()?;
    let mut shell = tokio::process::Command::from(this_program(server).map_err(DemoError::Again)?);
    let mut shell = shell.arg("shell").spawn().map_err(DemoError::Again)?;
    tokio::select! {
        ended = shell.wait() => ended.map(drop).map_err(DemoError::Again),
        // The signal is for the shell too.
        () = interrupt.requested() => shell.wait().await.map(drop).map_err(DemoError::Again),
    }
}

/// This executable, on the server with the sample.
fn this_program(server: &Sandbox) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command
        .arg(format!("--color={}", ColorChoice::of_process()))
        .envs(server.env(sample::DATABASE))
        .env("PGAPPNAME", APPLICATION_NAME);
    Ok(command)
}

fn show(server: &Sandbox, arguments: &[&str], out: &mut impl Write) -> Result<(), DemoError> {
    let command = as_typed(arguments);
    writeln!(out, "\n$ {command}")?;
    out.flush()?;
    let status = this_program(server)
        .and_then(|mut program| {
            // It runs on without anybody at the keyboard.
            program.args(arguments).env("PSQL_PAGER", "").status()
        })
        .map_err(DemoError::Again)?;
    // Differences are what is shown.
    let is_drift = arguments[0] == "drift" && status.code() == Some(1);
    if status.success() || is_drift {
        Ok(())
    } else {
        Err(DemoError::Command { command, status })
    }
}

/// Quoted for a shell.
fn as_typed(arguments: &[&str]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,".contains(c);
    let quoted = arguments.iter().map(|argument| {
        if argument.chars().all(plain) {
            (*argument).to_owned()
        } else {
            format!("\"{argument}\"")
        }
    });
    let words: Vec<_> = iter::once("shardq".to_owned()).chain(quoted).collect();
    words.join(" ")
}

async fn hold(server: &Sandbox, out: &mut impl Write) -> Result<(), DemoError> {
    // Before the prompt: Ctrl-C may follow at once.
    let interrupt = Interrupt::listen().map_err(DemoError::Signals)?;
    let [host, _, user, database] = server.env(sample::DATABASE);
    writeln!(
        out,
        "\nPress Ctrl-C to stop. To connect from another terminal:\n\
         \n    psql -h {0} -U {1} {2}\n\
         \nor, for shardq and psql alike:\n\
         \n    export PGHOST={0} PGUSER={1} PGDATABASE={2}\n    shardq",
        host.1, user.1, database.1
    )?;
    out.flush()?;
    interrupt.requested().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_pasted_into_a_shell() {
        for arguments in SHOWN.iter().chain(&SHOWN_OF_DRIFT) {
            let typed = as_typed(arguments);
            let printed = typed.replacen("shardq", "printf '%s\\n'", 1);
            let output = Command::new("sh").args(["-c", &printed]).output().unwrap();
            let back = String::from_utf8(output.stdout).unwrap();
            assert_eq!(back.lines().collect::<Vec<_>>(), *arguments, "{typed}");
        }
    }
}
