//! Where the SQL of `query` and `export` comes from, and its variables.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::pg::variables::Variables;
use crate::sharding::script::Source;

/// The sources in the order in which they are given.
#[derive(Clone)]
pub struct StatementArgs {
    pub sources: Vec<Source>,
    pub variables: Variables,
}

#[derive(Args)]
struct StatementFlags {
    /// Run this statement [default: read it from a pipe]
    #[arg(value_name = "SQL", conflicts_with_all = ["command", "file"])]
    sql: Option<String>,

    /// Run this statement (repeatable for query, also with -f)
    #[arg(
        short = 'c',
        long,
        value_name = "SQL",
        action = clap::ArgAction::Append,
        allow_hyphen_values = true
    )]
    command: Vec<String>,

    /// Run the statements in FILE (- for standard input; repeatable for query)
    #[arg(short = 'f', long, value_name = "FILE", action = clap::ArgAction::Append)]
    file: Vec<PathBuf>,

    #[command(flatten)]
    variables: VariableArgs,
}

#[derive(Args)]
pub struct VariableArgs {
    /// Set a variable, which the SQL names as :NAME (repeatable)
    ///
    /// As in psql: :'NAME' is the value as a string, :"NAME" as an identifier, :NAME as it is,
    /// and :{?NAME} is TRUE or FALSE. An undefined variable is left as it is. Unlike in psql,
    /// this also works in -c.
    #[arg(
        short = 'v',
        long = "variable",
        visible_alias = "set",
        value_name = "NAME=VALUE",
        value_parser = assignment
    )]
    variables: Vec<(String, Option<String>)>,
}

impl VariableArgs {
    pub fn variables(&self) -> Variables {
        Variables::new(self.variables.clone())
    }
}

impl FromArgMatches for StatementArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = StatementFlags::from_arg_matches(matches)?;
        let positions = |id| matches.indices_of(id).into_iter().flatten();
        let commands = positions("command").zip(flags.command.into_iter().map(Source::Text));
        let files = positions("file").zip(flags.file.into_iter().map(Source::File));
        let mut given: Vec<_> = commands.chain(files).collect();
        given.sort_by_key(|(position, _)| *position);
        let given = given.into_iter().map(|(_, source)| source);
        let sql = flags.sql.map(Source::Text);
        Ok(Self {
            sources: sql.into_iter().chain(given).collect(),
            variables: flags.variables.variables(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for StatementArgs {
    fn augment_args(command: Command) -> Command {
        StatementFlags::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        StatementFlags::augment_args_for_update(command)
    }
}

/// `NAME=VALUE`. As in psql, a name alone makes it undefined.
fn assignment(text: &str) -> Result<(String, Option<String>), String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    if !Variables::is_name(name) {
        return Err("expected NAME=VALUE; a name has letters, digits and underscores".to_owned());
    }
    Ok((name.to_owned(), value))
}
