//! `shardq query --global`: one answer, as if all shards were one database.

use super::NEW_SNAPSHOT;
use super::output::Output;
use super::request::{self, ReaderEnd};
use crate::cli::query::{OutputArgs, QueryArgs};
use crate::commands::error::Error;
use crate::commands::global::{self, GlobalAttempt, GlobalRequest, StartResult};
use crate::commands::setup;
use crate::exec::driver::{self, OnShardError, RunReport, RunStatus};
use crate::exec::fanout::ShardStats;
use crate::exec::plan::Plan;
use crate::global::ExecutionPlan;
use crate::output::format::{Format, RenderOptions, Renderer};
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::Summary;

pub async fn run(args: QueryArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.run.quiet);
    check(&args)?;
    let plan = request::plan(&args)?;
    console.start_clock();
    let format = args.output.format()?;
    let settings = setup::settings(&args.connection)?;
    let (sink, interrupt) = request::open(&args)?;
    setup::say_warnings(&settings, &mut console);
    let asked = GlobalRequest {
        global: &args.global,
        shards: &args.shards,
        connections: args.run.connections,
        settings: &settings,
        plan: &plan,
        interrupt: &interrupt,
    };
    let Some(sink) = sink else {
        return match global::explain(&asked, &mut console).await? {
            Some(text) => setup::print(text, &interrupt).await,
            None => Ok(Exit::Interrupted),
        };
    };
    let mut output = Output::new(renderer(&args.output, format), None, sink, console.progress_line());
    let mut attempt = GlobalAttempt::first(&args.global);
    loop {
        attempt.attempts.begin()?;
        let plan = attempt.attempts.plan(&plan);
        let asked = GlobalRequest {
            plan: &plan,
            ..asked
        };
        let Some(prepared) = global::prepare(&asked, &attempt, &mut console).await? else {
            return Ok(Exit::Interrupted);
        };
        let going = match prepared.start(&asked, &mut console).await? {
            StartResult::Started(going) => *going,
            other => match attempt.not_started(other, "--timeout", NEW_SNAPSHOT, &mut console)? {
                Some(exit) => return Ok(exit),
                None => continue,
            },
        };
        let driving = driver::drive(
            going.started,
            &mut output,
            &mut console,
            &interrupt,
            OnShardError::Stop,
        );
        let outcome = driving.await?;
        if outcome.status != RunStatus::Retry {
            let ran = FinishedRun {
                args: &args,
                plan: &plan,
                way: going.way,
                selection: going.selection,
                parts: going.parts,
                outcome,
            };
            return tokio::select! {
                biased;
                exit = conclude(ran, output, &mut console) => exit,
                // The rest of the result may wait for a reader that pauses.
                () = interrupt.requested() => Ok(Exit::Interrupted),
            };
        }
        attempt
            .attempts
            .retry(outcome.rewritten, NEW_SNAPSHOT, &mut console);
        output.restart(renderer(&args.output, format)).await;
    }
}

fn renderer(args: &OutputArgs, format: Format) -> Renderer {
    let options = RenderOptions {
        shard_column: false,
        ..request::render_options(args)
    };
    Renderer::new(format, options)
}

/// Refuses flags that have no meaning for a global query.
fn check(args: &QueryArgs) -> Result<(), Error> {
    global::refuse(&[
        (args.run.no_snapshot, "--no-snapshot", global::ONE_INSTANT),
        (
            !args.shards.search_path.begins_with_shard(),
            "a schema before {shard} in --search-path",
            global::SHARDED_FIRST,
        ),
        (
            args.output.no_shard_column,
            "--no-shard-column",
            global::NO_COLUMN,
        ),
        (
            args.output.shard_column.is_some(),
            "--shard-column",
            global::NAME_THE_COLUMN,
        ),
    ])
}

/// A finished run.
struct FinishedRun<'a> {
    args: &'a QueryArgs,
    plan: &'a Plan,
    way: ExecutionPlan,
    /// The selected shards.
    selection: Selection,
    parts: Vec<(Shard, ShardStats)>,
    outcome: RunReport,
}

/// Ends the result and reports the outcome.
async fn conclude(
    ran: FinishedRun<'_>,
    output: Output,
    console: &mut Console,
) -> Result<Exit, Error> {
    let taking_part = &ran.way.catalog().shards;
    let footer = Summary {
        rows: output.rows_so_far(),
        answered: taking_part.len(),
        expected: ran.selection.expected(),
        missing: ran.selection.missing(|shard| taking_part.contains(&shard)),
        origins: ran.selection.origins.clone(),
        instants: ran.plan.instant.into(),
        elapsed: console.elapsed(),
    };
    let exit = match ran.outcome.status {
        RunStatus::Interrupted => Exit::Interrupted,
        RunStatus::Completed if ran.outcome.failures.is_empty() => Exit::Complete,
        _ => Exit::Failed,
    };
    let ended = request::end(output, exit).await;
    let notices = &ran.outcome.notices;
    notices.say(footer.answered, &ran.plan.statement, console);
    if let Some(error) = ran.outcome.failures.first() {
        if let Some(file) = &ran.args.output.output {
            request::not_written(file, console);
        }
        return Err(global::failure(
            error.clone(),
            &ran.way,
            ran.plan,
            "--timeout",
        ));
    }
    if ended? == ReaderEnd::InPart {
        return Ok(Exit::Complete);
    }
    if ran.outcome.status == RunStatus::Interrupted {
        return Ok(Exit::Interrupted);
    }
    if ran.args.run.timing {
        console.note(&global::timing(&ran.parts));
    }
    console.note(&footer);
    Ok(global::exit(&ran.way, &ran.selection.shards))
}
