//! Preprocesses arguments before clap, and explains psql flags that shardq does not have.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, ValueEnum};

use super::Cli;
use crate::terminal::color::ColorChoice;

/// Flags of psql that somebody may be used to, and what to use here.
const PSQL: [(&[&str], &str); 13] = [
    (
        &["-A", "--no-align"],
        "--tsv and --csv print values unaligned",
    ),
    (
        &["-F", "--field-separator"],
        "use --csv with --delimiter, or --tsv",
    ),
    (
        &["-R", "--record-separator"],
        "--csv, --tsv and --jsonl end each row with a line break",
    ),
    (
        &[
            "-z",
            "--field-separator-zero",
            "-0",
            "--record-separator-zero",
        ],
        "use --jsonl, which can hold any text",
    ),
    (
        &["--pset"],
        "use --format for the format and --null for the text of NULL",
    ),
    (&["-H", "--html"], "use --markdown, --csv or --json"),
    (&["-X", "--no-psqlrc"], "shardq reads no psqlrc: omit it"),
    (
        &["-1", "--single-transaction"],
        "every run is one read-only transaction: omit it",
    ),
    (&["-l", "--list"], "use shardq databases"),
    (
        &["-e", "--echo-queries", "-a", "--echo-all"],
        "use -E, which prints every statement that is sent",
    ),
    (
        &["-b", "--echo-errors"],
        "errors are always printed: omit it",
    ),
    (&["-L", "--log-file"], "redirect stderr to a file: 2> FILE"),
    (
        &[
            "-n",
            "--no-readline",
            "-s",
            "--single-step",
            "-S",
            "--single-line",
        ],
        "shardq shell takes no such flag: omit it",
    ),
];

impl Cli {
    /// Reads a command line.
    ///
    /// # Errors
    /// What is wrong with it, or the help that it asks for.
    pub fn try_read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments = with_sql_last(arguments.into_iter().collect());
        let command = Self::command().color(match color(&arguments) {
            ColorChoice::Auto => clap::ColorChoice::Auto,
            ColorChoice::Always => clap::ColorChoice::Always,
            ColorChoice::Never => clap::ColorChoice::Never,
        });
        let matches = command.try_get_matches_from(arguments);
        let read = matches.and_then(|matches| Self::from_arg_matches(&matches));
        read.map_err(instead_of_flag)
    }
}

/// The value of `--color`, for the help and for errors about the others.
pub fn color(arguments: &[OsString]) -> ColorChoice {
    let mut rest = arguments.iter().take_while(|argument| *argument != "--");
    let mut found = None;
    while let Some(argument) = rest.next() {
        let value = match argument.to_str() {
            Some(COLOR) => rest.next().and_then(|value| value.to_str()),
            Some(argument) => argument
                .strip_prefix(COLOR)
                .and_then(|it| it.strip_prefix('=')),
            None => None,
        };
        found = value
            .and_then(|value| ColorChoice::from_str(value, false).ok())
            .or(found);
    }
    found.unwrap_or_default()
}

const COLOR: &str = "--color";

/// What is in front of the command.
fn is_color(argument: &OsString) -> bool {
    argument
        .to_str()
        .is_some_and(|text| text.starts_with(COLOR))
}

/// Without a command, somebody at a terminal gets the shell. So does one who only says where to
/// connect, as for psql.
pub fn with_shell_by_default(mut arguments: Vec<OsString>) -> Vec<OsString> {
    const OF_NO_COMMAND: [&str; 4] = ["--help", "-?", "--version", "-V"];
    let place = command_place(&arguments);
    let is_left = arguments.get(place).is_none_or(|argument| {
        let text = argument.to_string_lossy();
        text.starts_with('-') && !OF_NO_COMMAND.contains(&&*text)
    });
    if is_left {
        arguments.insert(place.min(arguments.len()), "shell".into());
    }
    arguments
}

/// Where the command is among the arguments.
fn command_place(arguments: &[OsString]) -> usize {
    let mut place = 1;
    while let Some(flag) = arguments.get(place).filter(|argument| is_color(argument)) {
        // Its value may be an argument of its own.
        place += 1 + usize::from(flag == COLOR);
    }
    place
}

/// Puts SQL that begins with a comment where nothing is taken for a flag: behind `--`.
pub(super) fn with_sql_last(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let takes_sql = arguments
        .get(command_place(&arguments))
        .is_some_and(|command| command == "query" || command == "export");
    if !takes_sql {
        return arguments;
    }
    let end = arguments.iter().position(|argument| argument == "--");
    let end = end.unwrap_or(arguments.len());
    let mut sql = Vec::new();
    let mut rest = arguments.drain(..end).peekable();
    let mut flags = Vec::new();
    while let Some(argument) = rest.next() {
        let takes_value = argument == "--command" || is_command_flag(&argument);
        if is_commented_sql(&argument) {
            sql.push(argument);
            continue;
        }
        flags.push(argument);
        // Its value is SQL, whatever it looks like.
        if takes_value {
            flags.extend(rest.next());
        }
    }
    drop(rest);
    if !sql.is_empty() && arguments.is_empty() {
        flags.push("--".into());
    }
    flags.append(&mut arguments);
    flags.append(&mut sql);
    flags
}

/// `-c`, or a cluster of flags like psql's `-Atc` that ends in it.
fn is_command_flag(argument: &OsStr) -> bool {
    /// Flags without a value: behind another, `c` is the value.
    const SWITCHES: &[u8] = b"gqtwWx";
    let flags = argument.as_bytes().strip_prefix(b"-");
    let before = flags.and_then(|flags| flags.strip_suffix(b"c"));
    before.is_some_and(|before| before.iter().all(|flag| SWITCHES.contains(flag)))
}

/// No flag has a blank behind its dashes.
fn is_commented_sql(argument: &OsStr) -> bool {
    let text = argument.as_bytes().strip_prefix(b"--");
    text.and_then(<[u8]>::first)
        .is_some_and(u8::is_ascii_whitespace)
}

/// Flags that no version had but that are easily expected, and what to use instead.
const EXPECTED: [(&[&str], &str); 7] = [
    (
        &["--limit", "--where", "--order-by"],
        "write WHERE, ORDER BY and LIMIT in the SQL",
    ),
    (&["--colour", "--colors", "--colours"], "use --color"),
    (
        &["--database", "--db"],
        "use -d (--dbname) for the database",
    ),
    (
        &["--jobs", "--parallel", "--threads"],
        "use -j (--connections) for the number of connections",
    ),
    (
        &["--no-header", "--no-headers", "--noheader"],
        "use -t (--tuples-only) to print rows only",
    ),
    (
        &["--json", "--expanded", "-x", "--markdown", "--table"],
        "export writes --csv, --tsv, --jsonl and --parquet; for other formats use shardq query -o FILE",
    ),
    (
        &["--sql", "--query", "--execute"],
        "use -c SQL, or the SQL alone",
    ),
];

/// A flag that shardq does not have is answered with what to use.
fn instead_of_flag(error: clap::Error) -> clap::Error {
    let name = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) if error.kind() == ErrorKind::UnknownArgument => {
            flag.split('=').next().unwrap_or_default().to_owned()
        }
        _ => return error,
    };
    let find = |known: &[(&[&str], &'static str)]| {
        let found = known
            .iter()
            .find(|(flags, _)| flags.contains(&name.as_str()));
        found.map(|(_, instead)| *instead)
    };
    let message = if let Some(instead) = find(&PSQL) {
        format!("shardq does not have psql's {name}; {instead}")
    } else if let Some(instead) = find(&EXPECTED) {
        format!("shardq does not have {name} here; {instead}")
    } else {
        return error;
    };
    Cli::command().error(ErrorKind::UnknownArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Command;
    use crate::sharding::script::Source;
    use proptest::prelude::*;

    fn read(arguments: &[&str]) -> Result<Cli, clap::Error> {
        let all = ["shardq", "query"].iter().chain(arguments);
        Cli::try_read(all.map(OsString::from))
    }

    fn sql(arguments: &[&str]) -> Option<String> {
        match read(arguments).map(|cli| cli.command) {
            Ok(Command::Query(args)) => match args.statement.sources.as_slice() {
                [Source::Text(sql)] => Some(sql.clone()),
                _ => None,
            },
            Ok(_) => None,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn sql_may_begin_with_a_comment_wherever_it_stands() {
        for text in ["-- how many\nSELECT 1", "--\nSELECT 1", "--\t\nSELECT 1"] {
            for arguments in [
                [text, "--csv", "-q"].as_slice(),
                &["--csv", text, "-q"],
                &["--csv", "-q", text],
                &["--csv", "-q", "--", text],
                &["-c", text, "-q"],
                &["-qc", text],
                &["--command", text],
            ] {
                assert_eq!(sql(arguments).as_deref(), Some(text), "{arguments:?}");
            }
        }
        assert!(read(&["--null", "-- "]).is_err(), "no value, and SQL");
        assert!(read(&["-- a\nSELECT 1", "SELECT 2"]).is_err());
    }

    #[test]
    fn color_is_known_in_front_of_the_command_and_behind_it() {
        for arguments in [
            ["--color", "always", "query", "-- a\nSELECT 1"].as_slice(),
            &["--color=always", "query", "-- a\nSELECT 1"],
            &["query", "-- a\nSELECT 1", "--color=always"],
            &["query", "--color", "always", "-- a\nSELECT 1"],
        ] {
            let all = ["shardq"].iter().chain(arguments).map(OsString::from);
            let all: Vec<_> = all.collect();
            assert_eq!(color(&all), ColorChoice::Always, "{arguments:?}");
            let read = Cli::try_read(all).map(|cli| cli.color);
            assert_eq!(read.ok(), Some(ColorChoice::Always), "{arguments:?}");
        }
        let all = ["shardq", "query", "--", "--color=always"].map(OsString::from);
        assert_eq!(color(&all), ColorChoice::Auto);
    }

    #[test]
    fn every_flag_of_psql_is_answered_with_what_to_use() {
        for (flags, instead) in PSQL {
            for flag in flags {
                let Err(error) = read(&[flag, "SELECT 1"]) else {
                    panic!("{flag} is a flag of ours")
                };
                let error = error.to_string();
                assert!(error.contains(instead), "{flag}: {error}");
            }
        }
        let Err(error) = read(&["-Atc", "SELECT 1"]) else {
            panic!("-A is a flag of ours")
        };
        assert!(error.to_string().contains("not have psql's -A"));
    }

    proptest! {
        #[test]
        fn nothing_else_is_moved(arguments in prop::collection::vec("-{0,2}[a-z]{0,3}", 0..6)) {
            let all: Vec<OsString> = ["shardq", "query"]
                .iter()
                .map(OsString::from)
                .chain(arguments.iter().map(OsString::from))
                .collect();
            prop_assert_eq!(with_sql_last(all.clone()), all);
        }
    }
}
