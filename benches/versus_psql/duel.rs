//! Runs two or more ways of doing the same job in turns.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::measure::{Milliseconds, median, time, time_into};

pub struct Way<'a> {
    pub name: &'a str,
    pub command: Box<dyn Fn() -> Command + 'a>,
    pub output: Output,
}

/// Where the output goes. Its file is removed before each turn.
pub enum Output {
    Nowhere,
    /// Standard output is redirected into this file.
    Into(PathBuf),
    /// The command writes these files itself.
    Its(Vec<PathBuf>),
}

impl Way<'_> {
    fn turn(&self) -> Milliseconds {
        match &self.output {
            Output::Nowhere => time((self.command)()),
            Output::Into(file) => {
                let _ = fs::remove_file(file);
                time_into((self.command)(), file)
            }
            Output::Its(files) => {
                for file in files {
                    let _ = fs::remove_file(file);
                }
                time((self.command)())
            }
        }
    }
}

/// The medians, and a table of all times with their ratio to the first way.
pub fn duel<const N: usize>(rounds: usize, ways: &[Way<'_>; N]) -> ([Milliseconds; N], String) {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (way, times) in ways.iter().zip(&mut times) {
            times.push(way.turn());
        }
    }
    let medians = times.each_ref().map(|times| median(times));
    let mut text =
        String::from("| | median | fastest – slowest | |\n| --- | ---: | ---: | ---: |\n");
    for ((way, times), took) in ways.iter().zip(&times).zip(medians) {
        let fastest = times.iter().copied().fold(f64::INFINITY, f64::min);
        let slowest = times.iter().copied().fold(0.0, f64::max);
        let line = format!(
            "| {} | {took:.0} ms | {fastest:.0} – {slowest:.0} | {:.2} |",
            way.name,
            took / medians[0]
        );
        println!("{line}");
        writeln!(text, "{line}").unwrap();
    }
    (medians, text)
}
