//! `query`: statements in every shard, or one answer over all of them.

mod discover;
mod ended;
mod finished_run;
pub(super) mod frozen;
mod global;
pub(super) mod lead_columns;
pub(super) mod names;
pub(super) mod output;
mod per_shard;
pub(super) mod repeated;
mod request;
pub(super) mod series;

use super::error::Error;
use super::federate::{Via, servers_or_hub};
use super::{databases, setup};
use crate::cli::query::QueryArgs;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

use ended::Ended;
use output::Output;
use request::{Position, QueryRequest};

/// Runs one statement after the other. The first failure ends the run.
pub async fn run(mut args: QueryArgs) -> Result<Exit, Error> {
    args.shards.layout.substitute(&args.statement.variables)?;
    if args.global.global {
        global::check(&args)?;
    }
    let format = args.output.format()?;
    let plans = request::plans(&args, format)?;
    let layout = &args.shards.layout;
    let via = Via::of(args.global.via.as_deref(), &args.connection, layout)?;
    let servers = servers_or_hub(via.as_ref(), &args.connection)?;
    let mut console = Console::new(args.run.quiet);
    let (mut output, interrupt) = request::open(&args, format, &console)?;
    setup::say_warnings(&servers, &mut console);
    let (patterns, layout) = (&args.shards.layout.patterns.databases, args.shards.layout());
    let targets = databases::targets(&servers, patterns, &layout, None, &interrupt);
    let Some(targets) = targets.await? else {
        return Ok(Exit::Interrupted);
    };
    let is_run = output.is_some();
    let mut worst = Exit::Complete;
    for (index, plan) in plans.iter().enumerate() {
        let position = Position {
            index,
            count: plans.len(),
        };
        let request = QueryRequest {
            args: &args,
            format,
            targets: &targets,
            interrupt: &interrupt,
            plan,
            position,
            via: via.as_ref(),
            collected: None,
        };
        let ended = match statement(request, output.take(), &mut console).await {
            Err(error) if plans.len() > 1 => {
                console.error(&error);
                Ended::finally(error.exit())
            }
            ended => ended?,
        };
        worst = worst.or_worse(ended.exit);
        output = ended.output;
        let goes_on = if is_run {
            output.is_some()
        } else {
            ended.exit == Exit::Complete
        };
        if !goes_on {
            let is_silent = [Exit::Complete, Exit::Interrupted].contains(&ended.exit);
            if !is_silent && !position.is_last() {
                console.error(&position);
            }
            break;
        }
    }
    if worst == Exit::Interrupted
        && let Some(file) = args.output.file()
    {
        ended::not_written(file, &mut console);
    }
    Ok(worst)
}

/// Without an output, nothing is run, but what would be is printed.
async fn statement(
    request: QueryRequest<'_>,
    output: Option<Output>,
    console: &mut Console,
) -> Result<Ended, Error> {
    console.start_clock();
    let is_global = request.args.global.global;
    let Some(mut output) = output else {
        let text = if is_global {
            global::explain(&request, console).await?
        } else {
            per_shard::dry_run(&request, console).await?
        };
        let exit = match text {
            Some(text) if request.position.is_first() => {
                setup::print(text, request.interrupt).await?
            }
            Some(text) => setup::print(format!("\n{text}"), request.interrupt).await?,
            None => Exit::Interrupted,
        };
        return Ok(Ended::finally(exit));
    };
    if !request.position.is_first() {
        output.next_result(request.renderer(), request.format.separator());
    }
    // Boxed because the futures are large.
    if is_global {
        Box::pin(global::run(request, output, console)).await
    } else {
        Box::pin(per_shard::run(request, output, console)).await
    }
}
