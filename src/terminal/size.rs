//! The size of a terminal, asked for whenever it is needed: windows are resized.

use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// In characters; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: usize,
    pub rows: usize,
}

impl Size {
    /// `None` if it is no terminal, or one that does not know its size, as a serial line.
    pub fn of(stream: impl AsFd) -> Option<Self> {
        let size = tcgetwinsize(stream).ok()?;
        (size.ws_col > 0 && size.ws_row > 0).then_some(Self {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
        })
    }
}

impl Default for Size {
    /// That of a VT100, for terminals that do not know theirs.
    fn default() -> Self {
        Self {
            columns: 80,
            rows: 24,
        }
    }
}
