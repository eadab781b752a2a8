//! Fills in what the command line leaves to the profile: where to connect, and the flags that it
//! sets and the user does not.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, Parser};

use super::arguments::with_sql_last;
use super::{Cli, Command};
use crate::cli::connection::ConnectionArgs;
use crate::config::profile::{Profile, ProfileError};
use crate::config::{Environment, SettingsError};

/// Flags that replace or rule out others: with the first on the command line, the profile's values
/// of the others do not count.
const REPLACED: [(&str, &[&str]); 4] = [
    ("schemas", &["exclude_schemas", "schemas_from"]),
    ("schemas_from", &["schemas", "exclude_schemas"]),
    ("no_shard_column", &["shard_column"]),
    // It has no such column.
    ("global", &["shard_column"]),
];

#[derive(Debug, thiserror::Error)]
pub enum ReadProfileError {
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Environment(#[from] SettingsError),
    /// A flag's value, in clap's words.
    #[error("profile \"{profile}\": {reason}")]
    Flag { profile: String, reason: String },
}

impl Cli {
    /// Applies the selected profile, if any. `arguments` are those that this was read from.
    ///
    /// # Errors
    /// If there is no such profile, or it is not valid.
    pub fn with_profile(mut self, arguments: Vec<OsString>) -> Result<Self, ReadProfileError> {
        let Some(connection) = self.command.connection() else {
            return Ok(self);
        };
        let selection = connection.profile_selection();
        let Some(profile) = selection.load(&Environment::of_process()?)? else {
            return Ok(self);
        };
        let arguments = with_sql_last(arguments);
        if let Some(with_flags) = with_flags(&arguments, &profile) {
            self = Self::try_parse_from(with_flags).map_err(|error| ReadProfileError::Flag {
                profile: profile.name.clone(),
                reason: reason(&error),
            })?;
        }
        match &mut self.command {
            Command::Query(args) => args.shards.key_kinds = profile.keys.clone(),
            Command::Export(args) => args.shards.key_kinds = profile.keys.clone(),
            Command::Shell(args) => args.shards.key_kinds = profile.keys.clone(),
            _ => {}
        }
        if let Some(connection) = self.command.connection() {
            connection.selected = Some(profile);
        }
        Ok(self)
    }
}

impl Command {
    /// Of commands that connect to a server of the user's.
    fn connection(&mut self) -> Option<&mut ConnectionArgs> {
        match self {
            Self::Query(args) => Some(&mut args.connection),
            Self::Shell(args) => Some(&mut args.connection),
            Self::Find(args) => Some(&mut args.connection),
            Self::Watch(args) => Some(&mut args.connection),
            Self::Export(args) => Some(&mut args.connection),
            Self::Shards(args) => Some(&mut args.inspect.connection),
            Self::Activity(args) => Some(&mut args.inspect.connection),
            Self::Psql(args) => Some(&mut args.connection),
            Self::Databases(args) => Some(&mut args.connection),
            Self::Doctor(args) => Some(&mut args.connection),
            Self::Federate(args) => Some(&mut args.connection),
            Self::Drift(args) => Some(&mut args.inspect.connection),
            Self::Tables(args) => Some(&mut args.inspect.connection),
            Self::Describe(args) => Some(&mut args.inspect.connection),
            Self::Indexes(args) => Some(&mut args.inspect.connection),
            Self::Functions(args) => Some(&mut args.inspect.connection),
            // Of `profiles init`, -P would be what it writes.
            Self::Profiles(_)
            | Self::Verify(_)
            | Self::Demo(_)
            | Self::Completions(_)
            | Self::Man => None,
        }
    }
}

/// The arguments with the profile's flags behind the command. `None` if it adds none.
fn with_flags(arguments: &[OsString], profile: &Profile) -> Option<Vec<OsString>> {
    let matches = Cli::command().try_get_matches_from(arguments).ok()?;
    let (command, given) = matches.subcommand()?;
    let mut flags = Vec::new();
    for (flag, values) in &profile.flags {
        if is_left(flag, given) {
            flags.extend(
                values
                    .iter()
                    .map(|value| format!("--{flag}={value}").into()),
            );
        }
    }
    let behind = 1 + arguments.iter().position(|argument| argument == command)?;
    let (before, after) = arguments.split_at(behind);
    (!flags.is_empty()).then(|| [before, &flags, after].concat())
}

/// Whether the command has the flag, and neither it nor one that rules it out is given.
fn is_left(flag: &str, given: &ArgMatches) -> bool {
    let id = flag.replace('-', "_");
    let is_given = |id: &str| {
        given.try_contains_id(id).is_ok()
            && given.value_source(id) == Some(ValueSource::CommandLine)
    };
    let is_replaced = REPLACED
        .iter()
        .any(|(by, replaced)| replaced.contains(&id.as_str()) && is_given(by));
    given.try_contains_id(&id).is_ok() && !is_given(&id) && !is_replaced
}

/// The first line of clap's message, without what belongs to a command line.
fn reason(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("error: ").unwrap_or(first).to_owned()
}
