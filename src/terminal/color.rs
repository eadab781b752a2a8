//! Color, for people at a terminal: never in a file or in a format that programs read.

use std::env;
use std::fmt;
use std::io::IsTerminal;
use std::sync::OnceLock;

use clap::ValueEnum;

use crate::config::profile::LabelColor;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[expect(
    clippy::doc_markdown,
    reason = "the help of the values, of which shells would drop backticks"
)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb
    #[default]
    Auto,
    /// Also into a pipe
    Always,
    /// Nowhere
    Never,
}

/// Whether a text may have escape sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    #[default]
    Plain,
    Ansi,
}

/// What a text means, and so its color: those of cargo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Error,
    Warning,
    Hint,
    Null,
    /// The name of an environment.
    Label(Option<LabelColor>),
}

static CHOICE: OnceLock<ColorChoice> = OnceLock::new();

/// For all streams of this process. Calling it again has no effect.
pub fn choose(choice: ColorChoice) {
    // It fails only if it was set before.
    let _ = CHOICE.set(choice);
}

impl ColorChoice {
    pub fn of_process() -> Self {
        CHOICE.get().copied().unwrap_or_default()
    }
}

const fn label(color: Option<LabelColor>) -> &'static str {
    match color {
        None => "\x1b[1m",
        Some(LabelColor::Red) => "\x1b[1;31m",
        Some(LabelColor::Green) => "\x1b[1;32m",
        Some(LabelColor::Yellow) => "\x1b[1;33m",
        Some(LabelColor::Blue) => "\x1b[1;34m",
        Some(LabelColor::Magenta) => "\x1b[1;35m",
        Some(LabelColor::Cyan) => "\x1b[1;36m",
    }
}

/// As the flag takes it.
impl fmt::Display for ColorChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        })
    }
}

impl Paint {
    /// What was chosen for a stream of this process.
    pub fn on(stream: &impl IsTerminal) -> Self {
        let variable = |name| env::var(name).unwrap_or_default();
        let is_colored = match ColorChoice::of_process() {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                stream.is_terminal()
                    && variable("NO_COLOR").is_empty()
                    && !["", "dumb"].contains(&variable("TERM").as_str())
            }
        };
        if is_colored { Self::Ansi } else { Self::Plain }
    }

    /// What to write in front of a text and behind it. Neither takes a column.
    pub const fn around(self, style: Style) -> (&'static str, &'static str) {
        match (self, style) {
            (Self::Plain, _) => ("", ""),
            (Self::Ansi, Style::Error) => ("\x1b[1;31m", RESET),
            (Self::Ansi, Style::Warning) => ("\x1b[1;33m", RESET),
            (Self::Ansi, Style::Hint) => ("\x1b[1;36m", RESET),
            (Self::Ansi, Style::Null) => ("\x1b[2m", RESET),
            (Self::Ansi, Style::Label(color)) => (label(color), RESET),
        }
    }

    pub fn text(self, style: Style, text: &str) -> String {
        let (before, after) = self.around(style);
        format!("{before}{text}{after}")
    }

    /// A message whose lines begin as ours do, with these words colored.
    pub fn message(self, text: &str) -> String {
        let lines = text.split('\n').map(|line| self.line(line));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn line(self, line: &str) -> String {
        const NAME: &str = "shardq: ";
        const WORDS: [(&str, Style); 3] = [
            ("error:", Style::Error),
            ("warning:", Style::Warning),
            ("hint:", Style::Hint),
        ];
        let found = line.strip_prefix(NAME).and_then(|message| {
            let mut words = WORDS.into_iter();
            words.find_map(|(word, style)| Some((word, style, message.strip_prefix(word)?)))
        });
        match found {
            Some((word, style, rest)) => format!("{NAME}{}{rest}", self.text(style, word)),
            None => line.to_owned(),
        }
    }
}

const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_in_front_of_a_message_are_colored() {
        let message = "shardq: error: no\nerror: as it is\nshardq: hint: add -x\nshardq: 3";
        assert_eq!(
            Paint::Ansi.message(message),
            "shardq: \x1b[1;31merror:\x1b[0m no\nerror: as it is\n\
             shardq: \x1b[1;36mhint:\x1b[0m add -x\nshardq: 3"
        );
        assert_eq!(Paint::Plain.message(message), message);
    }
}
