//! Programs: starting, watching and signalling them. No wait is without a deadline. `result` is what
//! came out, and how it is checked; `captured` what has come through a pipe so far.

mod captured;
mod result;

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::Db;

pub(super) use captured::Captured;
use result::dump;
pub use result::{ANY, Ran, Text, has, has_all, without_location};

/// No test needs this long; one that hangs must fail.
const DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// Waits until a condition holds; fails if it never does.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    assert!(wait_until(condition), "not within {DEADLINE:?}: {what}");
}

fn wait_until(mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if condition() {
            return true;
        }
        // Most things happen at once.
        thread::sleep(if start.elapsed() < POLL * 10 {
            POLL / 5
        } else {
            POLL
        });
    }
    false
}

/// A program to run, with an environment that holds only what it was given.
#[derive(Debug)]
pub struct Program {
    command: Command,
    stdin: Input,
}

#[derive(Debug)]
enum Input {
    Empty,
    Text(Vec<u8>),
    Open,
}

impl Program {
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            // No psqlrc, passfile or service file of the user who runs the tests. Not even root can
            // make this folder.
            .env("HOME", "/dev/null/home")
            .env("LC_ALL", "C.UTF-8");
        Self {
            command,
            stdin: Input::Empty,
        }
    }

    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Points it at a database with `PGHOST` and the other variables.
    pub fn db(mut self, db: &Db) -> Self {
        self.command.envs(db.env().iter().map(|(k, v)| (k, v)));
        self
    }

    /// Its standard input; empty by default.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Input::Text(text.into());
        self
    }

    /// As a shell would take it, without the environment.
    pub fn command_line(&self) -> String {
        let words = [Path::new(self.command.get_program()).file_name().unwrap()]
            .into_iter()
            .chain(self.command.get_args());
        words
            .map(|word| quoted(&word.to_string_lossy()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[track_caller]
    pub fn run(self) -> Ran {
        self.spawn().finish()
    }

    /// Runs it, but reads only some lines of its output and then closes the pipe, like `| head`.
    #[track_caller]
    pub fn run_reading(self, lines: usize) -> Ran {
        self.start(Reading::Lines(lines)).finish()
    }

    pub fn spawn(self) -> Running {
        self.start(Reading::All)
    }

    /// Starts it with a reader that pauses until [`Running::resume`].
    pub fn spawn_unread(self) -> Running {
        self.start(Reading::Paused)
    }

    /// Starts it with its input held open, for [`Running::feed`].
    pub fn spawn_interactive(mut self) -> Running {
        self.stdin = Input::Open;
        self.start(Reading::All)
    }

    /// Starts it on a terminal, by a program that takes it as its arguments.
    pub(super) fn start_below(self, program: &str, args: &[&str], terminal: &File) -> Child {
        let mut command = Command::new(program);
        command
            .args(args)
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .env_clear()
            .env("TERM", "xterm")
            .envs(self.command.get_envs().filter_map(|(k, v)| Some((k, v?))))
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(terminal.try_clone().unwrap());
        command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    fn start(mut self, reading: Reading) -> Running {
        let mut child = self
            .command
            .stdin(match self.stdin {
                Input::Empty => Stdio::null(),
                Input::Text(_) | Input::Open => Stdio::piped(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        let stdin = match (self.stdin, child.stdin.take()) {
            (Input::Text(text), Some(mut pipe)) => {
                // It may not read to the end.
                thread::spawn(move || pipe.write_all(&text));
                None
            }
            (_, pipe) => pipe,
        };
        let stdout = child.stdout.take().unwrap();
        let (stdout, unread) = match reading {
            Reading::All => (Captured::all_of(stdout), None),
            Reading::Lines(count) => (Captured::lines_of(stdout, count), None),
            Reading::Paused => (Captured::nothing(), Some(stdout)),
        };
        Running {
            stdout,
            unread,
            stderr: Captured::all_of(child.stderr.take().unwrap()),
            stdin,
            started: Instant::now(),
            peak_memory_kib: 0,
            child,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Reading {
    All,
    Lines(usize),
    Paused,
}

/// Waits until a text is as wanted, and returns it.
#[track_caller]
pub(super) fn wait_for(what: &str, text: &Captured, wanted: impl Fn(&str) -> bool) -> String {
    assert!(
        wait_until(|| wanted(&text.so_far()) || text.is_complete()) && wanted(&text.so_far()),
        "{what} never came to be as wanted\n{:?}",
        text.so_far(),
    );
    text.so_far()
}

/// Waits for the end of a program all of whose output is one text.
#[track_caller]
pub(super) fn collect(child: &mut Child, output: &Captured, started: Instant) -> Ran {
    let mut status = None;
    let ended = wait_until(|| {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    let elapsed = started.elapsed();
    assert!(ended, "still running\n{:?}", output.so_far());
    wait_until(|| output.is_complete());
    Ran {
        status: status.map_or(-1, shell_status),
        stdout: output.so_far(),
        stderr: String::new(),
        elapsed,
        peak_memory_kib: 0,
    }
}

/// As in a shell: 130 for SIGINT.
fn shell_status(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// A running program. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Captured,
    /// Output not read yet.
    unread: Option<ChildStdout>,
    stderr: Captured,
    started: Instant,
    peak_memory_kib: u64,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends `INT`, `TERM`, `KILL`, `STOP` …
    pub fn signal(&self, name: &str) -> &Self {
        let status = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status();
        assert!(status.unwrap().success(), "kill -s {name}");
        self
    }

    /// Writes to its input; for [`Program::spawn_interactive`].
    pub fn feed(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
    }

    /// Resumes the reader of [`Program::spawn_unread`].
    pub fn resume(&mut self) {
        self.stdout = Captured::all_of(self.unread.take().unwrap());
    }

    /// Waits until its output so far is as wanted, and returns it.
    #[track_caller]
    pub fn wait_for_stdout(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_for("stdout", &self.stdout, wanted)
    }

    #[track_caller]
    pub fn wait_for_stderr(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_for("stderr", &self.stderr, wanted)
    }

    #[track_caller]
    fn wait_for(&self, what: &str, text: &Captured, wanted: impl Fn(&str) -> bool) -> String {
        assert!(
            wait_until(|| wanted(&text.so_far()) || text.is_complete()) && wanted(&text.so_far()),
            "{what} never came to be as wanted\n{}",
            dump(None, &self.stdout.so_far(), &self.stderr.so_far()),
        );
        text.so_far()
    }

    /// From the kernel's signal mask, one bit per signal; SIGINT is the second.
    pub fn catches_interrupts(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|caught| u64::from_str_radix(caught.trim(), 16).ok());
        caught.is_some_and(|caught| caught & 0b10 != 0)
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    #[track_caller]
    pub fn finish(mut self) -> Ran {
        drop(self.stdin.take());
        let mut status = None;
        let ended = wait_until(|| {
            self.note_memory();
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let elapsed = self.started.elapsed();
        if ended {
            // A surviving child may hold the pipes open.
            wait_until(|| self.stdout.is_complete() && self.stderr.is_complete());
        }
        let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
        let Some(status) = status else {
            panic!("still running\n{}", dump(None, &stdout, &stderr));
        };
        Ran {
            status: shell_status(status),
            stdout,
            stderr,
            elapsed,
            peak_memory_kib: self.peak_memory_kib,
        }
    }

    /// Peak resident memory so far, in KiB.
    pub fn peak_memory_kib(&mut self) -> u64 {
        self.note_memory();
        self.peak_memory_kib
    }

    /// The kernel keeps the peak only while the process exists.
    fn note_memory(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()));
        let peak = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        });
        self.peak_memory_kib = self.peak_memory_kib.max(peak.unwrap_or(0));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=,:@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
