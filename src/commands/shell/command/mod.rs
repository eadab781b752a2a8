//! The commands of the shell: a closed set, read once, at the edge.

mod arguments;
mod error;
mod values;

use std::path::PathBuf;

use super::names;
use super::words::Words;
use crate::sharding::suggest;

use arguments::Arguments;
use error::CommandError;
pub use values::{ExpandedChoice, Target, Watch, switch};

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
    /// `\c`
    Connect(Target),
    /// `\shards`; without a list, which ones are asked.
    Shards(Option<String>),
    /// `\server`; without a name, which servers there are.
    Server(Option<String>),
    /// `\s`
    History(Option<PathBuf>),
    Edit(Option<PathBuf>),
    Watch(Watch),
    Again,
    Freeze,
    Thaw,
    /// `\named`: a query of the profile, and values; without a name, which ones there are.
    Named(Option<String>, Vec<String>),
    /// `\h`
    SqlHelp(Option<String>),
    /// `\psql`: a shard or a key, and arguments.
    Psql(Vec<String>),
    /// `\export`: a file, and flags.
    Export(Vec<String>),
    /// A command of shardq with these arguments.
    Tool(&'static str, Vec<String>),
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
pub enum EchoTo {
    StandardOutput,
    /// Where results go.
    Results,
    StandardError,
}

/// For completion, and for suggestions.
pub const NAMES: [&str; 50] = [
    "?",
    "a",
    "activity",
    "again",
    "c",
    "connect",
    "conninfo",
    "d",
    "databases",
    "describe",
    "df",
    "di",
    "dn",
    "doctor",
    "drift",
    "dt",
    "e",
    "echo",
    "edit",
    "export",
    "find",
    "freeze",
    "g",
    "gg",
    "gx",
    "h",
    "help",
    "i",
    "include",
    "l",
    "list",
    "named",
    "o",
    "out",
    "pset",
    "psql",
    "q",
    "qecho",
    "quit",
    "s",
    "server",
    "set",
    "shards",
    "t",
    "thaw",
    "timing",
    "unset",
    "warn",
    "watch",
    "x",
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
            "c" | "connect" => Self::Connect(arguments.target()),
            "shards" => Self::Shards(arguments.next()),
            "server" => Self::Server(arguments.next()),
            "s" => Self::History(arguments.next().map(PathBuf::from)),
            "e" | "edit" => Self::Edit(arguments.next().map(PathBuf::from)),
            "watch" => Self::Watch(arguments.watch()?),
            "again" => Self::Again,
            "freeze" => Self::Freeze,
            "thaw" => Self::Thaw,
            "h" | "help" => {
                Self::SqlHelp(Some(arguments.all().join(" ")).filter(|it| !it.is_empty()))
            }
            "named" => Self::Named(arguments.next(), arguments.all()),
            "psql" => Self::Psql(arguments.all()),
            "export" => Self::Export(arguments.all()),
            "d" | "d+" | "dt" | "dt+" if arguments.is_empty() => Self::Tool("tables", Vec::new()),
            "d" | "d+" | "describe" => Self::Tool("describe", arguments.all()),
            _ => match tool(&name) {
                Some(tool) => Self::Tool(tool, arguments.all()),
                None => return Err(unknown(&name)),
            },
        };
        match arguments.next() {
            Some(extra) => Err(CommandError::Extra(name, extra)),
            None => Ok(command),
        }
    }
}

/// The command of shardq that does it.
fn tool(name: &str) -> Option<&'static str> {
    Some(match name {
        "l" | "list" | "l+" | "databases" => "databases",
        "dn" | "dn+" => "shards",
        "dt" | "dt+" => "tables",
        "di" | "di+" => "indexes",
        "df" | "df+" => "functions",
        "find" => "find",
        "drift" => "drift",
        "activity" => "activity",
        "doctor" => "doctor",
        _ => return None,
    })
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
