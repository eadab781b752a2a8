//! Standard error: notices, errors, the progress line and the footer. Results
//! never come here, and nothing but results goes anywhere else.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::text::escape::{for_stderr, one_line};

/// What a person sees besides the result.
#[derive(Debug)]
pub struct Console {
    quiet: bool,
    terminal: bool,
    began: Instant,
    /// Whether a progress line stands there now.
    showing: bool,
    /// When the next line is due where no line can be overwritten; `None` for never.
    next_line: Option<Duration>,
}

impl Console {
    /// A run that is done by then needs no progress line.
    const PATIENCE: Duration = Duration::from_millis(500);

    /// A log is read afterwards.
    const BETWEEN_LINES: Duration = Duration::from_secs(10);

    pub fn new(quiet: bool) -> Self {
        Self {
            quiet,
            terminal: io::stderr().is_terminal(),
            began: Instant::now(),
            showing: false,
            next_line: None,
        }
    }

    /// For runs that may last: says where they are now and then in a log as well.
    #[must_use]
    pub fn with_periodic_log(mut self) -> Self {
        self.next_line = Some(Self::BETWEEN_LINES);
        self
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Something that went wrong. Said also when quiet.
    pub fn error(&mut self, text: &impl Display) {
        self.clear();
        Self::line(&format!("shardq: error: {text}"));
    }

    /// Something that may be wrong with the answer. Said also when quiet.
    pub fn warning(&mut self, text: &impl Display) {
        self.clear();
        Self::line(&format!("shardq: warning: {text}"));
    }

    /// What the server said, in its own words. Said also when quiet, as by psql.
    pub fn server(&mut self, text: &impl Display) {
        self.clear();
        Self::line(&text.to_string());
    }

    /// Something worth knowing, about which nothing has to be done.
    pub fn note(&mut self, text: &impl Display) {
        if !self.quiet {
            self.clear();
            Self::line(&text.to_string());
        }
    }

    /// Something for a person to do another time: on a terminal, and not in a log.
    pub fn aside(&mut self, text: &impl Display) {
        if self.terminal {
            self.note(&format!("shardq: hint: {text}"));
        }
    }

    /// Where the run is, on a terminal, once it has lasted for a while.
    pub fn progress(&mut self, text: &impl Display) {
        let elapsed = self.began.elapsed();
        if self.quiet || elapsed < Self::PATIENCE {
            return;
        }
        if !self.terminal {
            if self.next_line.is_some_and(|due| elapsed >= due) {
                Self::line(&text.to_string());
                self.next_line = Some(elapsed + Self::BETWEEN_LINES);
            }
            return;
        }
        // Back to the start, and clear to the end of the line.
        Self::write(&format!(
            "\r{}\x1b[K",
            one_line(&for_stderr(&text.to_string()))
        ));
        self.showing = true;
    }

    pub fn clear(&mut self) {
        if std::mem::take(&mut self.showing) {
            Self::write("\r\x1b[K");
        }
    }

    fn line(text: &str) {
        Self::write(&format!("{}\n", for_stderr(text.trim_end())));
    }

    fn write(text: &str) {
        // There is nobody left to tell if stderr is closed.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// What is said next may be said by somebody who knows of no progress line: a result on
/// the same terminal, or the error that ended the run.
impl Drop for Console {
    fn drop(&mut self) {
        self.clear();
    }
}
