//! `query`: one statement in every shard, or one answer over all of them.

mod global;
mod output;
mod per_shard;
mod request;

use super::error::Error;
use crate::cli::query::QueryArgs;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

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
