//! The command line: clap structs only. Their doc comments are the help, the completions and
//! the man page; other modules implement what they mean.

pub mod activity;
pub mod arguments;
pub mod completions;
pub mod connection;
pub mod databases;
pub mod demo;
pub mod describe;
pub mod doctor;
pub mod drift;
pub mod export;
pub mod federate;
pub mod find;
pub mod inspect;
pub mod layout;
pub mod limits;
pub mod objects;
pub mod profile;
pub mod profiles;
pub mod psql;
pub mod query;
pub mod run;
mod scope;
pub mod select;
pub mod shards;
pub mod shell;
pub mod statement;
pub mod tables;
pub mod values;
pub mod verify;
pub mod watch;

use clap::{ArgAction, Parser, Subcommand};

use profiles::ProfilesCommand;

use crate::terminal::color::ColorChoice;

pub use activity::ActivityArgs;
pub use completions::CompletionsArgs;
pub use databases::DatabasesArgs;
pub use demo::DemoArgs;
pub use describe::DescribeArgs;
pub use doctor::DoctorArgs;
pub use drift::DriftArgs;
pub use export::ExportArgs;
pub use federate::FederateArgs;
pub use find::FindArgs;
pub use objects::{FunctionsArgs, IndexesArgs};
pub use profiles::ProfilesArgs;
pub use psql::PsqlArgs;
pub use query::QueryArgs;
pub use shards::ShardsArgs;
pub use shell::ShellArgs;
pub use tables::TablesArgs;
pub use verify::VerifyArgs;
pub use watch::WatchArgs;

/// Run one SQL query on every shard of a Postgres database and get one complete, consistent answer.
///
/// A shard is a schema named `shard_N`, or as `--schemas` says. All shards are read at one snapshot, in READ ONLY
/// transactions, and every run states how many of them answered.
#[derive(Parser)]
#[command(
    version,
    about,
    max_term_width = 100,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Color messages and NULL
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub color: ColorChoice,

    /// Print help (also -?; -h is the host, as in psql)
    // Not visible: fish takes the question mark in a completion script for a pattern.
    #[arg(long, short_alias = '?', action = ArgAction::Help, global = true)]
    help: Option<bool>,

    /// Print version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

#[derive(Subcommand)]
pub enum Command {
    Query(Box<QueryArgs>),
    Shell(Box<ShellArgs>),
    Find(Box<FindArgs>),
    Export(Box<ExportArgs>),
    Verify(VerifyArgs),
    Shards(Box<ShardsArgs>),
    Tables(Box<TablesArgs>),
    Describe(Box<DescribeArgs>),
    Indexes(Box<IndexesArgs>),
    Functions(Box<FunctionsArgs>),
    Drift(Box<DriftArgs>),
    Activity(Box<ActivityArgs>),
    Watch(Box<WatchArgs>),
    Databases(Box<DatabasesArgs>),
    Doctor(Box<DoctorArgs>),
    Federate(Box<FederateArgs>),
    Psql(Box<PsqlArgs>),
    Profiles(ProfilesArgs),
    Demo(DemoArgs),
    Completions(CompletionsArgs),
    /// Print the man page (shardq man | man -l -)
    Man,
}

impl Command {
    /// Whether to print the statements that are sent.
    pub fn is_verbose(&self) -> bool {
        match self {
            Self::Query(args) => args.connection.verbose,
            Self::Shell(args) => args.connection.verbose,
            Self::Find(args) => args.connection.verbose,
            Self::Watch(args) => args.connection.verbose,
            Self::Export(args) => args.connection.verbose,
            Self::Shards(args) => args.inspect.connection.verbose,
            Self::Activity(args) => args.inspect.connection.verbose,
            Self::Psql(args) => args.connection.verbose,
            Self::Databases(args) => args.connection.verbose,
            Self::Doctor(args) => args.connection.verbose,
            Self::Federate(args) => args.connection.verbose,
            Self::Drift(args) => args.inspect.connection.verbose,
            Self::Tables(args) => args.inspect.connection.verbose,
            Self::Describe(args) => args.inspect.connection.verbose,
            Self::Indexes(args) => args.inspect.connection.verbose,
            Self::Functions(args) => args.inspect.connection.verbose,
            Self::Profiles(args) => match &args.command {
                Some(ProfilesCommand::Init(args)) => args.connection.verbose,
                None => false,
            },
            Self::Verify(_) | Self::Demo(_) | Self::Completions(_) | Self::Man => false,
        }
    }
}
