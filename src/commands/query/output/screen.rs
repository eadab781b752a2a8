//! How a result for people uses the screen.

use std::io::{self, IsTerminal as _};

use crate::cli::query::{Expanded, OutputArgs};

/// When a result goes through a pager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    Never,
    /// If it is longer or wider than the screen.
    IfNeeded,
    Always,
}

/// How a result for people uses the screen.
#[derive(Debug, Clone, Copy)]
pub struct ScreenOptions {
    pub paging: Paging,
    pub table: TableFit,
}

/// What becomes of a table that is wider than the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFit {
    Unchanged,
    Expanded,
}

impl ScreenOptions {
    pub fn of(args: &OutputArgs) -> Self {
        let has_screen = args.file().is_none() && io::stdout().is_terminal();
        Self {
            // As in psql, a pager needs a keyboard, too.
            paging: match has_screen && io::stdin().is_terminal() {
                true if args.pager => Paging::Always,
                true if !args.no_pager => Paging::IfNeeded,
                _ => Paging::Never,
            },
            table: match args.expanded {
                Some(Expanded::Auto) if has_screen => TableFit::Expanded,
                _ => TableFit::Unchanged,
            },
        }
    }
}
