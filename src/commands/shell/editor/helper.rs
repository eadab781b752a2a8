//! What rustyline asks while somebody types: colors, completion, and the history's suggestion.

use std::borrow::Cow;

use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};

use super::completion::{NameSource, candidates};
use super::highlight::highlighted;

pub struct ShellHelper {
    history: HistoryHinter,
    names: NameSource,
}

impl ShellHelper {
    pub fn new(names: NameSource) -> Self {
        Self {
            history: HistoryHinter::new(),
            names,
        }
    }
}

impl Helper for ShellHelper {}

impl Validator for ShellHelper {}

impl Hinter for ShellHelper {
    type Hint = String;

    fn hint(&self, line: &str, pos: usize, ctx: &Context<'_>) -> Option<String> {
        // A suggestion of several lines would hide what is typed.
        let hint = self.history.hint(line, pos, ctx)?;
        (!hint.contains('\n')).then_some(hint)
    }
}

impl Highlighter for ShellHelper {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        Cow::Owned(highlighted(line, pos))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}

impl Completer for ShellHelper {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> Result<(usize, Vec<String>)> {
        Ok(candidates(&line[..pos], &self.names))
    }
}
