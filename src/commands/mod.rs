//! One file or folder per command, each reading as a table of contents.

use std::io;

use crate::cli::Command;
use crate::terminal::exit_status::Exit;
use error::Error;
use inspect::objects::ObjectKind;

mod attempt;
pub mod completions;
mod databases;
pub mod demo;
pub mod error;
pub mod export;
pub mod federate;
pub mod find;
pub mod global;
pub mod inspect;
mod interruptible;
mod keys;
pub mod man;
mod misplaced;
mod origin;
mod other_databases;
pub mod profiles;
pub mod psql;
pub mod query;
mod result_end;
mod select;
mod session_setup;
mod setup;
mod shard_lists;
pub mod shell;
pub mod verify;
pub mod watch;

/// Runs a command to its end.
///
/// # Errors
/// Why it has no result.
pub async fn run(command: Command) -> Result<Exit, Error> {
    // Boxed because the futures are large.
    match command {
        Command::Query(args) => Box::pin(query::run(*args)).await,
        Command::Find(args) => Box::pin(find::run(*args)).await,
        Command::Watch(args) => Box::pin(watch::run(*args)).await,
        Command::Export(args) => Box::pin(export::run(*args)).await,
        Command::Drift(args) => Box::pin(inspect::drift::run(*args)).await,
        Command::Tables(args) => Box::pin(inspect::tables::run(*args)).await,
        Command::Describe(args) => Box::pin(inspect::describe::run(*args)).await,
        Command::Indexes(args) => {
            Box::pin(inspect::objects::run(args.inspect, ObjectKind::Index)).await
        }
        Command::Functions(args) => {
            Box::pin(inspect::objects::run(args.inspect, ObjectKind::Function)).await
        }
        Command::Verify(args) => verify::run(&args).await,
        Command::Shards(args) => Box::pin(inspect::shards::run(*args)).await,
        Command::Activity(args) => Box::pin(inspect::activity::run(*args)).await,
        Command::Psql(args) => Box::pin(psql::run(*args)).await,
        Command::Databases(args) => Box::pin(inspect::databases::run(*args)).await,
        Command::Doctor(args) => Box::pin(inspect::doctor::run(*args)).await,
        Command::Federate(args) => Box::pin(federate::run(*args)).await,
        Command::Shell(args) => Box::pin(shell::run(*args)).await,
        Command::Profiles(args) => profiles::run(args).await,
        Command::Completions(args) => completions::run(&args).await,
        Command::Man => man::run().await,
        Command::Demo(args) => Ok(demo::run(&args, io::stdout().lock()).await?),
    }
}
