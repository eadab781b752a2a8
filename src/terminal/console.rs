//! Standard error: notices, errors, the progress line and the summary. Results never go here,
//! and everything else does.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::terminal::color::Paint;
use crate::terminal::progress_line::ProgressLine;
use crate::terminal::size::Size;
use crate::terminal::summary::SummaryLine;
use crate::text::escape::for_stderr;

#[derive(Debug)]
pub struct Console {
    quiet: bool,
    terminal: bool,
    paint: Paint,
    began: Instant,
    line: ProgressLine,
    /// When the next line is due if lines cannot be overwritten; `None` for never.
    next_line: Option<Duration>,
    /// The tips that were given.
    asides: BTreeSet<String>,
}

impl Console {
    /// A run that takes less needs no progress line.
    const PATIENCE: Duration = Duration::from_millis(500);

    /// Interval of progress lines in a log.
    const BETWEEN_LINES: Duration = Duration::from_secs(10);

    pub fn new(quiet: bool) -> Self {
        Self {
            quiet,
            terminal: io::stderr().is_terminal(),
            paint: Paint::on(&io::stderr()),
            began: Instant::now(),
            line: ProgressLine::default(),
            next_line: None,
            asides: BTreeSet::new(),
        }
    }

    /// For long runs: also logs progress periodically if stderr is not a terminal.
    #[must_use]
    pub fn with_periodic_log(mut self) -> Self {
        self.next_line = Some(Self::BETWEEN_LINES);
        self
    }

    /// How long the run has taken, without what somebody typed before or during it.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A run begins now: its statement may have been typed, or another ran before.
    pub fn start_clock(&mut self) {
        self.began = Instant::now();
        self.line.begin();
    }

    /// Subtracts the time in which a password was typed.
    pub fn exclude(&mut self, typing: Duration) {
        self.began += typing;
    }

    /// For output that appears on the same terminal.
    pub fn progress_line(&self) -> ProgressLine {
        self.line.clone()
    }

    /// An error. Shown even if quiet.
    pub fn error(&mut self, text: &impl Display) {
        self.clear();
        self.line(&format!("shardq: error: {text}"));
    }

    /// Something that may make the result wrong. Shown even if quiet.
    pub fn warning(&mut self, text: &impl Display) {
        self.clear();
        self.line(&format!("shardq: warning: {text}"));
    }

    /// A message from the server, unchanged. Shown even if quiet, as in psql.
    pub fn server(&mut self, text: &impl Display) {
        self.clear();
        Self::write(&for_stderr(text.to_string().trim_end()));
    }

    /// Information that needs no action.
    pub fn note(&mut self, text: &impl Display) {
        if !self.quiet {
            self.clear();
            self.line(&text.to_string());
        }
    }

    /// The last line of a run, as long as the terminal has room for.
    pub fn summary(&mut self, line: &SummaryLine) {
        if !self.quiet {
            self.clear();
            let size = Size::of(io::stderr()).filter(|_| self.terminal);
            Self::write(&line.fitted(size.map(|size| size.columns), self.paint));
        }
    }

    /// A tip for later: once per run, and only on a terminal, not in a log.
    pub fn aside(&mut self, text: &impl Display) {
        if self.terminal && self.asides.insert(text.to_string()) {
            self.note(&format!("shardq: hint: {text}"));
        }
    }

    /// Shows the progress on a terminal, once the run has lasted a while.
    pub fn progress(&mut self, text: &impl Display) {
        let elapsed = self.began.elapsed();
        if self.quiet || elapsed < Self::PATIENCE {
            return;
        }
        if !self.terminal {
            if self.next_line.is_some_and(|due| elapsed >= due) {
                self.line(&text.to_string());
                self.next_line = Some(elapsed + Self::BETWEEN_LINES);
            }
            return;
        }
        self.line.paint(&text.to_string());
    }

    pub fn clear(&mut self) {
        self.line.clear();
    }

    fn line(&self, text: &str) {
        Self::write(&self.paint.message(&for_stderr(text.trim_end())));
    }

    /// Text that is escaped.
    fn write(text: &str) {
        let line = format!("{text}\n");
        // If stderr is closed, there is nowhere to report it.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

/// The next output may not know about the progress line: a result on the same terminal, or the
/// error that ended the run.
impl Drop for Console {
    fn drop(&mut self) {
        self.clear();
    }
}
