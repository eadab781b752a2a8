//! Writes `docs/benchmarks.md`: the environment, the results, the goals.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use crate::contenders::Contender;
use crate::measure::{Milliseconds, median};

pub fn machine(postgres: &str) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or("unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let memory: u64 = field(&memory, "MemTotal")
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "# Benchmarks\n\n\
         Written by `make bench`: medians of whole processes, from start to exit, with their output \
         thrown away. The contenders take turns, on a private server of the default configuration \
         without fsync. The 20 ms round trip is a proxy on this machine that delays every byte by \
         10 ms.\n\n\
         | | |\n| --- | --- |\n\
         | processor | {cores} × {} |\n| memory | {} GiB |\n| system | {} |\n\
         | PostgreSQL | {postgres} |\n| shardq | {} |\n| date | {} |\n\n",
        field(&cpu, "model name"),
        memory.div_ceil(1024 * 1024),
        said_by("uname", &["-srm"]),
        said_by("git", &["describe", "--always", "--dirty"]),
        said_by("date", &["-u", "+%Y-%m-%d"]),
    )
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or("unknown".to_owned(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}

pub fn race_table(race: &[(Contender, Vec<Milliseconds>)]) -> String {
    let shardq = race
        .iter()
        .find(|(contender, _)| *contender == Contender::Shardq);
    let base = shardq.map_or(f64::NAN, |(_, times)| median(times));
    let mut text =
        String::from("| | median | fastest – slowest | × shardq |\n| --- | ---: | ---: | ---: |\n");
    for (contender, times) in race {
        let took = median(times);
        let fastest = times.iter().copied().fold(f64::INFINITY, f64::min);
        let slowest = times.iter().copied().fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "| {contender} | {took:.1} ms | {fastest:.1} – {slowest:.1} | {:.2} |",
            took / base
        );
    }
    text
}

/// A goal, and the measurement for it.
#[derive(Debug)]
pub struct Goal {
    what: String,
    measured: f64,
    bound: Bound,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    pub fn at_least(what: impl Into<String>, measured: f64, bound: f64) -> Self {
        let bound = Bound::AtLeast(bound);
        Self {
            what: what.into(),
            measured,
            bound,
        }
    }

    pub fn at_most(what: impl Into<String>, measured: f64, bound: f64) -> Self {
        let bound = Bound::AtMost(bound);
        Self {
            what: what.into(),
            measured,
            bound,
        }
    }
}

pub fn goals(goals: &[Goal]) -> String {
    let mut text =
        String::from("## Goals\n\n| | measured | goal | |\n| --- | ---: | ---: | --- |\n");
    for Goal {
        what,
        measured,
        bound,
    } in goals
    {
        let (goal, reached) = match bound {
            Bound::AtLeast(bound) => (format!("≥ {bound}"), measured >= bound),
            Bound::AtMost(bound) => (format!("≤ {bound}"), measured <= bound),
        };
        let verdict = if reached { "reached" } else { "**missed**" };
        let _ = writeln!(text, "| {what} | {measured:.2} | {goal} | {verdict} |");
    }
    text
}
