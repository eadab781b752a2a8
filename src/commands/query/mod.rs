//! `query`: one statement in every shard, or one answer over all of them.

mod global;
mod output;
mod per_shard;
mod request;

use super::error::Error;
use crate::cli::query::QueryArgs;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

pub(super) use request::print;

/// Attempts before a run gives up: each lost its snapshot before anything was printed.
pub(super) const RUNS: u32 = 3;

const NEW_SNAPSHOT: &str = "nothing printed yet: retrying at a new snapshot";

pub async fn run(args: QueryArgs) -> Result<Exit, Error> {
    let file = args.output.output.clone();
    let exit = if args.global.global {
        global::run(args).await?
    } else {
        per_shard::run(args).await?
    };
    if exit == Exit::Interrupted
        && let Some(file) = file
    {
        request::not_written(&file, &mut Console::new(false));
    }
    Ok(exit)
}
