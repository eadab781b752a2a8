//! The pager: a program that shows a long result page by page, chosen and started as by psql.
//!
//! Source: `PageOutput` in Postgres's `src/fe_utils/print.c`.

use std::env;
use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// What the shell runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagerCommand(String);

/// An open pager, for the thread that writes to it.
#[derive(Debug)]
pub struct Pager {
    command: PagerCommand,
    child: Child,
    /// `None` once it reads no more.
    input: Option<ChildStdin>,
    /// Of the terminal before the pager: one that is killed does not restore them.
    modes: Option<Termios>,
    state: Arc<State>,
}

/// An open pager, for whoever waits for its end. Dropping it before ends the pager.
#[derive(Debug)]
pub struct PagerHandle {
    process: Option<Pid>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    reads_no_more: AtomicBool,
    has_ended: AtomicBool,
}

#[derive(Debug, thiserror::Error)]
pub enum PagerError {
    #[error("cannot start the pager \"{}\": {source}; printed without it", .command.0)]
    Shell {
        command: PagerCommand,
        source: io::Error,
    },
    /// The shell's status says that it found no such program, or could not run it.
    #[error("cannot start the pager \"{}\" ({status}); printed without it", .command.0)]
    NotStarted {
        command: PagerCommand,
        status: ExitStatus,
    },
}

impl PagerCommand {
    /// From `PSQL_PAGER` or else `PAGER`; without them, less or more. `None` if the variable is
    /// blank, or no pager is installed.
    pub fn of_environment() -> Option<Self> {
        let variable = |name| env::var(name).ok();
        let command = variable("PSQL_PAGER").or_else(|| variable("PAGER"));
        let command = command.or_else(|| {
            let mut defaults = ["less", "more"].into_iter();
            defaults.find(|name| is_installed(name)).map(str::to_owned)
        })?;
        (!command.trim().is_empty()).then_some(Self(command))
    }
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

impl Pager {
    /// Colors, long lines that can be scrolled sideways, and a result that stays on the screen. Not
    /// `F`, which leaves at once if all lines fit, even those that are cut.
    const LESS: &str = "RSX";

    /// # Errors
    /// If there is no shell. That a shell does not find the pager shows when it has ended.
    pub fn start(command: PagerCommand) -> Result<(Self, PagerHandle), PagerError> {
        let mut shell = Command::new("sh");
        shell.args(["-c", &command.0]).stdin(Stdio::piped());
        if env::var_os("LESS").is_none() {
            shell.env("LESS", Self::LESS);
        }
        let modes = tcgetattr(io::stdin()).ok();
        let mut child = match shell.spawn() {
            Ok(child) => child,
            Err(source) => return Err(PagerError::Shell { command, source }),
        };
        let state = Arc::new(State::default());
        let handle = PagerHandle {
            process: Pid::from_child(&child).into(),
            state: Arc::clone(&state),
        };
        let pager = Self {
            command,
            input: child.stdin.take(),
            child,
            modes,
            state,
        };
        Ok((pager, handle))
    }

    /// Waits while the pager reads nothing. If it reads no more, it has shown what was wanted.
    pub fn write(&mut self, block: &[u8]) {
        let written = self.input.as_mut().map(|input| input.write_all(block));
        if !matches!(written, Some(Ok(()))) {
            self.input = None;
            self.state.reads_no_more.store(true, Ordering::Relaxed);
        }
    }

    /// Waits until somebody has ended the pager.
    ///
    /// # Errors
    /// If it was not started.
    pub fn wait(mut self) -> Result<(), PagerError> {
        drop(self.input.take());
        let status = self.child.wait();
        if let Some(modes) = &self.modes {
            // The terminal may be gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, modes);
        }
        self.state.has_ended.store(true, Ordering::Release);
        match status {
            Ok(status) if matches!(status.code(), Some(126 | 127)) => Err(PagerError::NotStarted {
                command: self.command,
                status,
            }),
            // Whatever else it ends with, it was there.
            _ => Ok(()),
        }
    }
}

impl PagerHandle {
    /// Whether there is no use in writing more.
    pub fn reads_no_more(&self) -> bool {
        self.state.reads_no_more.load(Ordering::Relaxed)
    }
}

impl Drop for PagerHandle {
    fn drop(&mut self) {
        /// A pager restores the terminal at once.
        const PATIENCE: Duration = Duration::from_millis(500);
        let has_ended = || self.state.has_ended.load(Ordering::Acquire);
        let Some(process) = self.process.filter(|_| !has_ended()) else {
            return;
        };
        // It may have ended just now.
        let _ = kill_process(process, Signal::TERM);
        let begun = Instant::now();
        while !has_ended() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
