//! A suite: a number of runs, and their outcomes.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once};
use std::time::Instant;
use std::{env, thread};

use crate::dice::Dice;

const DEFAULT_SEED: u64 = 20_261_127;

/// The allowed outcomes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole answer, exit status 0.
    Complete,
    /// Part of the answer, with what is missing named.
    Incomplete,
    /// No answer, with the reason.
    Failed,
    /// Ended by a signal.
    Interrupted,
}

/// The outcomes that are never allowed.
#[derive(Debug)]
pub enum Fault {
    Wrong(String),
    Hung(String),
    Leftover(String),
}

impl Fault {
    /// Adds the circumstances.
    pub fn with(self, server_info: &str) -> Self {
        let add = |text| format!("{server_info}\n{text}");
        match self {
            Self::Wrong(text) => Self::Wrong(add(text)),
            Self::Hung(text) => Self::Hung(add(text)),
            Self::Leftover(text) => Self::Leftover(add(text)),
        }
    }
}

pub type Verdict = Result<Outcome, Fault>;

pub fn wrong<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Wrong(what.into()))
}

/// Settings from the environment.
struct Settings {
    seed: u64,
    /// All runs, not only the first few.
    full: bool,
    /// Only this run.
    only: Option<u32>,
}

impl Settings {
    fn from_env() -> Self {
        let number = |name| {
            env::var(name).ok().map(|text| {
                text.parse::<u64>()
                    .unwrap_or_else(|_| panic!("{name}={text}"))
            })
        };
        Self {
            seed: number("FAULTS_SEED").unwrap_or(DEFAULT_SEED),
            full: env::var_os("FAULTS").is_some_and(|how| how == "full"),
            only: number("FAULTS_RUN").map(|run| run.try_into().unwrap()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Suite {
    pub name: &'static str,
    pub runs: u32,
    /// How many of them the short form runs.
    pub short: u32,
    /// How many run in parallel in the long form.
    pub workers: u32,
}

impl Suite {
    /// Creates a setting for each worker, and runs the scenario in it repeatedly.
    pub fn run<S>(
        self,
        setting: impl Fn() -> S + Sync,
        scenario: impl Fn(&mut S, &mut Dice, u32) -> Verdict + Sync,
    ) {
        let settings = Settings::from_env();
        let (first, last, workers) = match settings {
            Settings {
                only: Some(run), ..
            } => (run, run + 1, 1),
            Settings { full: true, .. } => (0, self.runs, self.workers),
            Settings { full: false, .. } => (0, self.short, 1),
        };
        let started = Instant::now();
        let next = AtomicU32::new(first);
        let tally = Mutex::new(Tally::default());
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    let mut own = None;
                    loop {
                        let run = next.fetch_add(1, Ordering::Relaxed);
                        if run >= last {
                            break;
                        }
                        let own = own.get_or_insert_with(&setting);
                        let mut dice = Dice::new(settings.seed, self.name, run);
                        let ended =
                            catch_unwind(AssertUnwindSafe(|| scenario(own, &mut dice, run)));
                        let verdict = ended.unwrap_or_else(|_| wrong("the scenario panicked"));
                        if let Err(fault) = &verdict {
                            self.report(settings.seed, run, fault);
                        }
                        tally.lock().unwrap().add(&verdict);
                    }
                });
            }
        });
        let tally = tally.into_inner().unwrap();
        tally.print(self.name, settings.seed, started);
        assert_eq!(
            tally.faults(),
            0,
            "{}: runs that may not end so, see above",
            self.name
        );
    }

    #[allow(clippy::print_stderr, reason = "a test reports what it found")]
    fn report(self, seed: u64, run: u32, fault: &Fault) {
        eprintln!(
            "\nfault: {} run {run}, seed {seed}\n  again: FAULTS_SEED={seed} FAULTS_RUN={run} \
             cargo test --locked --test faults {} -- --nocapture",
            self.name, self.name
        );
        let (kind, text) = match fault {
            Fault::Wrong(text) => ("wrong", text),
            Fault::Hung(text) => ("hung", text),
            Fault::Leftover(text) => ("left something", text),
        };
        eprintln!("{kind}: {text}");
    }
}

const COLUMNS: &str = "\
| suite | runs | complete | incomplete | failed | interrupted | wrong | hung | leftovers | time |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

static HEADER: Once = Once::new();

/// A row of the table in `docs/reliability.md`.
#[derive(Debug, Default)]
struct Tally {
    complete: u32,
    incomplete: u32,
    failed: u32,
    interrupted: u32,
    wrong: u32,
    hung: u32,
    leftovers: u32,
}

impl Tally {
    fn add(&mut self, verdict: &Verdict) {
        let count = match verdict {
            Ok(Outcome::Complete) => &mut self.complete,
            Ok(Outcome::Incomplete) => &mut self.incomplete,
            Ok(Outcome::Failed) => &mut self.failed,
            Ok(Outcome::Interrupted) => &mut self.interrupted,
            Err(Fault::Wrong(_)) => &mut self.wrong,
            Err(Fault::Hung(_)) => &mut self.hung,
            Err(Fault::Leftover(_)) => &mut self.leftovers,
        };
        *count += 1;
    }

    fn faults(&self) -> u32 {
        self.wrong + self.hung + self.leftovers
    }

    #[allow(clippy::print_stdout, reason = "the figures are the result")]
    fn print(&self, suite: &str, seed: u64, started: Instant) {
        let counts = [
            self.complete,
            self.incomplete,
            self.failed,
            self.interrupted,
            self.wrong,
            self.hung,
            self.leftovers,
        ];
        let runs: u32 = counts.iter().sum();
        let mut row = format!("| {suite} | {runs} |");
        for count in counts {
            write!(row, " {count} |").unwrap();
        }
        HEADER.call_once(|| println!("\nseed {seed}\n\n{COLUMNS}"));
        println!("\n{row} {:.0} s |", started.elapsed().as_secs_f64());
    }
}
