//! `shardq shell`.

use std::time::Duration;

use clap::Args;

use super::connection::ConnectionArgs;
use super::limits::LimitArgs;
use super::query::{GlobalArgs, OnError, OutputArgs, QueryArgs, ShardArgs, ShardColumnArgs};
use super::run::RunArgs;
use super::statement::{StatementArgs, VariableArgs};
use super::values;

/// Ask one question after the other, in a shell like psql's
///
/// Statements end with a semicolon, and each runs in every shard as with shardq query. \? lists the
/// commands. Connections stay open between statements, outside of any transaction. On a terminal,
/// this is what shardq does without a command.
///
/// If standard input is not a terminal, statements are read from it, and the first error ends the
/// shell, unless -v `ON_ERROR_STOP=0`.
///
/// Exit status: 0 ended, 1 failed, 2 usage error, 3 a statement of a script failed, or not all
/// shards answered it, 130 interrupted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  shardq
  shardq shell -P live
  shardq shell --global --shards 0-15
  shardq shell < report.sql")]
pub struct ShellArgs {
    #[command(flatten)]
    pub variables: VariableArgs,

    #[command(flatten)]
    pub global: GlobalArgs,

    #[command(flatten)]
    pub shards: ShardArgs,

    #[command(flatten)]
    pub output: OutputArgs,

    #[command(flatten)]
    pub shard_column: ShardColumnArgs,

    #[command(flatten)]
    pub limits: LimitArgs,

    /// Continue or stop when a shard fails
    #[arg(
        long,
        value_enum,
        default_value_t,
        conflicts_with = "global",
        help_heading = "Run"
    )]
    pub on_error: OnError,

    #[command(flatten)]
    pub run: RunArgs,

    /// Close connections that were not used for TIME (0: keep them)
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = values::duration, help_heading = "Run")]
    pub idle: Duration,

    /// End a snapshot that is kept for several statements after TIME (0: never)
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = values::duration, help_heading = "Run")]
    pub freeze_limit: Duration,

    /// Do not read the start-up file (~/.shardqrc)
    #[arg(short = 'X', long, help_heading = "Run")]
    pub no_shardqrc: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl ShellArgs {
    /// How statements run, without any.
    pub fn query(&self) -> QueryArgs {
        QueryArgs {
            statement: StatementArgs {
                sources: Vec::new(),
                variables: self.variables.variables(),
            },
            global: self.global.clone(),
            shards: self.shards.clone(),
            output: self.output.clone(),
            shard_column: self.shard_column.clone(),
            limits: self.limits,
            on_error: self.on_error,
            run: self.run.clone(),
            connection: self.connection.clone(),
        }
    }
}
