//! What rustyline asks while somebody types: colors, completion, and the history's suggestion.

use std::borrow::Cow;

use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};

use super::highlight::highlighted;
use super::keywords::KEYWORDS;
use crate::commands::shell::command;

pub struct ShellHelper {
    history: HistoryHinter,
}

impl ShellHelper {
    pub fn new() -> Self {
        Self {
            history: HistoryHinter::new(),
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
        let before = &line[..pos];
        let start = before.rfind(|c: char| c.is_whitespace() || "(),;".contains(c));
        let start = start.map_or(0, |at| at + 1);
        let word = &before[start..];
        if let Some(name) = word.strip_prefix('\\') {
            let commands = command::NAMES.iter().filter(|it| it.starts_with(name));
            return Ok((start, commands.map(|name| format!("\\{name}")).collect()));
        }
        if word.is_empty() {
            return Ok((start, Vec::new()));
        }
        let lower = word.to_ascii_lowercase();
        let is_upper = word.chars().all(|c| !c.is_ascii_lowercase());
        let keywords = KEYWORDS.iter().filter(|it| it.starts_with(&lower));
        let spelled = keywords.map(|keyword| match is_upper {
            true => keyword.to_ascii_uppercase(),
            false => (*keyword).to_owned(),
        });
        Ok((start, spelled.collect()))
    }
}
