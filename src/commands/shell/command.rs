//! The commands of the shell: a closed set, read once, at the edge.

use std::path::PathBuf;

use super::names;
use super::words::{Words, WordsError};
use crate::sharding::suggest;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Quit,
    /// `\?`
    Help,
    Go(Go),
    /// `\g on`
    Global(bool),
    /// `None` toggles, as below.
    Expanded(Option<ExpandedChoice>),
    TuplesOnly(Option<bool>),
    /// `\a`
    ToggleAligned,
    Timing(Option<bool>),
    Pset(Option<String>, Option<String>),
    /// `\o`; without a file, standard output.
    Out(Option<PathBuf>),
    Include(PathBuf),
    Echo(EchoTo, Vec<String>),
    /// Without a name, all variables are listed.
    Set(Option<String>, Vec<String>),
    Unset(String),
    ConnectionInfo,
}

/// Runs what was typed, or else the last statement again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Go {
    pub form: GoForm,
    pub file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoForm {
    AsSet,
    /// `\gx`
    Expanded,
    /// `\gg`
    Global,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpandedChoice {
    On,
    Off,
    Auto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoTo {
    StandardOutput,
    /// Where results go.
    Results,
    StandardError,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Words(#[from] WordsError),
    #[error("invalid command \\{}; try \\? for help{}", .name, meant(*.nearest))]
    Unknown {
        name: String,
        nearest: Option<&'static str>,
    },
    #[error("the shell does not have psql's \\{0}; {1}")]
    OfPsql(String, &'static str),
    #[error("\\{0}: missing required argument")]
    Missing(String),
    #[error("\\{0}: extra argument \"{1}\"")]
    Extra(String, String),
    #[error("unrecognized value \"{value}\" for \"\\{name}\": expected {expected}")]
    Value {
        name: String,
        value: String,
        expected: &'static str,
    },
}

/// For completion, and for suggestions.
pub const NAMES: [&str; 21] = [
    "?", "a", "conninfo", "echo", "g", "gg", "gx", "i", "include", "o", "out", "pset", "q",
    "qecho", "quit", "set", "t", "timing", "unset", "warn", "x",
];

impl Command {
    pub fn read(words: Words) -> Result<Self, CommandError> {
        let Words {
            name, arguments, ..
        } = words;
        let mut arguments = Arguments {
            name: &name,
            rest: arguments.into_iter(),
        };
        let command = match name.as_str() {
            "q" | "quit" => Self::Quit,
            "?" => {
                arguments.ignore();
                Self::Help
            }
            "g" => go(GoForm::AsSet, &mut arguments),
            "gx" => go(GoForm::Expanded, &mut arguments),
            "gg" => go(GoForm::Global, &mut arguments),
            "x" => Self::Expanded(arguments.expanded()?),
            "t" => Self::TuplesOnly(arguments.switch()?),
            "a" => Self::ToggleAligned,
            "timing" => Self::Timing(arguments.switch()?),
            "pset" => Self::Pset(arguments.next(), arguments.next()),
            "o" | "out" => Self::Out(arguments.next().map(PathBuf::from)),
            "i" | "include" => Self::Include(arguments.required()?.into()),
            "echo" => Self::Echo(EchoTo::StandardOutput, arguments.all()),
            "qecho" => Self::Echo(EchoTo::Results, arguments.all()),
            "warn" => Self::Echo(EchoTo::StandardError, arguments.all()),
            "set" => Self::Set(arguments.next(), arguments.all()),
            "unset" => Self::Unset(arguments.required()?),
            "conninfo" => Self::ConnectionInfo,
            _ => return Err(unknown(&name)),
        };
        match arguments.next() {
            Some(extra) => Err(CommandError::Extra(name, extra)),
            None => Ok(command),
        }
    }
}

fn unknown(name: &str) -> CommandError {
    if let Some(instead) = names::instead_of(name) {
        return CommandError::OfPsql(name.to_owned(), instead);
    }
    let nearest = suggest::nearest(name, NAMES.into_iter());
    CommandError::Unknown {
        name: name.to_owned(),
        nearest,
    }
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean \\{name}?"))
}

fn go(form: GoForm, arguments: &mut Arguments<'_>) -> Command {
    let file = arguments.next();
    match (form, file.as_deref()) {
        (GoForm::AsSet, Some("on")) => Command::Global(true),
        (GoForm::AsSet, Some("off")) => Command::Global(false),
        _ => Command::Go(Go {
            form,
            file: file.map(PathBuf::from),
        }),
    }
}

struct Arguments<'a> {
    name: &'a str,
    rest: std::vec::IntoIter<String>,
}

impl Arguments<'_> {
    fn next(&mut self) -> Option<String> {
        self.rest.next()
    }

    fn required(&mut self) -> Result<String, CommandError> {
        let missing = || CommandError::Missing(self.name.to_owned());
        self.rest.next().ok_or_else(missing)
    }

    fn all(&mut self) -> Vec<String> {
        self.rest.by_ref().collect()
    }

    fn ignore(&mut self) {
        self.rest.by_ref().for_each(drop);
    }

    fn invalid(&self, value: String, expected: &'static str) -> CommandError {
        CommandError::Value {
            name: self.name.to_owned(),
            value,
            expected,
        }
    }

    fn switch(&mut self) -> Result<Option<bool>, CommandError> {
        let Some(value) = self.next() else {
            return Ok(None);
        };
        match switch(&value) {
            Some(on) => Ok(Some(on)),
            None => Err(self.invalid(value, "on or off")),
        }
    }

    fn expanded(&mut self) -> Result<Option<ExpandedChoice>, CommandError> {
        let Some(value) = self.next() else {
            return Ok(None);
        };
        match (value.as_str(), switch(&value)) {
            ("auto", _) => Ok(Some(ExpandedChoice::Auto)),
            (_, Some(true)) => Ok(Some(ExpandedChoice::On)),
            (_, Some(false)) => Ok(Some(ExpandedChoice::Off)),
            (_, None) => Err(self.invalid(value, "on, off or auto")),
        }
    }
}

/// psql's booleans.
pub fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" | "t" | "y" => Some(true),
        "off" | "false" | "no" | "0" | "f" | "n" => Some(false),
        _ => None,
    }
}
