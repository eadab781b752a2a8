//! The progress line of a terminal: one line of stderr that is overwritten until something else is
//! printed. Rows that go to the same terminal end it.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::terminal::size::Size;
use crate::text::escape::{for_stderr, one_line};
use crate::text::width::fitting;

/// A handle; all clones are of the same line.
#[derive(Debug, Clone, Default)]
pub struct ProgressLine(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_shown: AtomicBool,
    is_ended: AtomicBool,
}

impl ProgressLine {
    /// Shows a text in place of the previous one, cut to the present width of the terminal: the
    /// rest of a longer line would stay on the screen.
    pub fn paint(&self, text: &str) {
        if self.0.is_ended.load(Ordering::Relaxed) {
            return;
        }
        // With the last column in use, some terminals erase it with the rest of the line.
        let room = Size::of(io::stderr()).unwrap_or_default().columns - 1;
        let text = one_line(&for_stderr(text));
        write(&format!("\r{}\x1b[K", fitting(&text, room)));
        self.0.is_shown.store(true, Ordering::Relaxed);
    }

    pub fn clear(&self) {
        if self.0.is_shown.swap(false, Ordering::Relaxed) {
            write("\r\x1b[K");
        }
    }

    /// Allows it again, for another run.
    pub fn begin(&self) {
        self.0.is_ended.store(false, Ordering::Relaxed);
    }

    /// Clears the line until the next run: what follows on the terminal is the result.
    pub fn end(&self) {
        self.0.is_ended.store(true, Ordering::Relaxed);
        self.clear();
    }
}

fn write(text: &str) {
    // If stderr is closed, there is nowhere to report it.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
