//! `shardq query`: one statement in every shard, one merged result.

use std::path::Path;

use crate::cli::query::{OnError, OutputArgs, QueryArgs};
use crate::console::Console;
use crate::error::{Error, advice};
use crate::exit::Exit;
use crate::fanout::Survey;
use crate::footer::Footer;
use crate::hint;
use crate::interrupt::Interrupt;
use crate::merge::Delivery;
use crate::output::Output;
use crate::plan::{CheckFrequency, Instant, Pinned, Plan, RowSecurity};
use crate::render::{Format, RenderOptions, Renderer};
use crate::run::{self, Ending, Outcome, Policy, Started};
use crate::server::{Opened, Server, Spare};
use crate::settings::{Environment, Settings};
use crate::shard::Shard;
use crate::sink::{self, Sink, SinkError};
use crate::statement::Statement;
use crate::timing;
use crate::transfer::Transfer;

use super::connect::{self, Acquaintance};
use super::query_global;

/// A run whose server goes away before anything was printed is had again.
pub(super) const RUNS: u32 = 3;

pub(super) const NEW_SNAPSHOT: &str = "nothing was printed yet: retrying at a new snapshot";

pub async fn run(args: QueryArgs) -> Result<Exit, Error> {
    let file = args.output.output.clone();
    let exit = if args.global.global {
        query_global::run(args).await?
    } else {
        each_shard(args).await?
    };
    if exit == Exit::Interrupted
        && let Some(file) = file
    {
        not_written(&file, &mut Console::new(false));
    }
    Ok(exit)
}

/// Of a run that ended before its result was whole, whenever that was.
pub(super) fn not_written(file: &Path, console: &mut Console) {
    console.error(&format!("{} was not written", file.display()));
}

async fn each_shard(args: QueryArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.run.quiet);
    let mut plan = plan(&args)?;
    let format = args.output.format()?;
    let settings = Settings::resolve(&args.connection, &Environment::of_process()?)?;
    // While Ctrl-C still ends all: it may wait for whoever reads a pipe.
    let sink = sink(&args)?;
    let interrupt = Interrupt::listen().map_err(Error::Signals)?;
    for warning in settings.warnings() {
        console.note(warning);
    }
    let asked = Asked {
        args: &args,
        settings: &settings,
        interrupt: &interrupt,
    };
    let Some(sink) = sink else {
        return dry_run(&asked, &plan, &mut console).await;
    };
    let mut output = Output::new(
        renderer(&args.output, format),
        shard_column(&args.output),
        sink,
    );
    let mut acquaintance = Acquaintance::First;
    for _ in 0..RUNS {
        let connections = connect::connections(args.run.connections, &args.shards, &plan);
        let prepared = match prepare(&asked, &plan, connections, acquaintance, &mut console).await {
            Ok(Some(prepared)) => prepared,
            Ok(None) => return Ok(Exit::Interrupted),
            Err(error) if error.is_transient() => {
                acquaintance = Acquaintance::Known;
                console.note(&format!("{error}: asking again"));
                continue;
            }
            Err(error) => return Err(error),
        };
        let started = prepared.start(&plan);
        let policy = policy(args.on_error);
        let outcome = run::drive(started, &mut output, &mut console, &interrupt, policy).await?;
        if outcome.ending != Ending::HadAgain {
            return tokio::select! {
                biased;
                exit = conclude(&args, &plan, outcome, output, &mut console) => exit,
                // The reader pauses, and the rest of the result waits for it.
                () = interrupt.requested() => Ok(Exit::Interrupted),
            };
        }
        acquaintance = Acquaintance::Known;
        plan.lock.extend(outcome.rewritten);
        console.note(&NEW_SNAPSHOT);
        output.restart(renderer(&args.output, format)).await;
    }
    Err(Error::Unstable(RUNS))
}

/// What the person wants, all of it.
#[derive(Clone, Copy)]
struct Asked<'a> {
    args: &'a QueryArgs,
    settings: &'a Settings,
    interrupt: &'a Interrupt,
}

/// A server that was surveyed, and the shards of it to ask.
struct Prepared {
    server: Server,
    spares: Vec<Spare>,
    survey: Survey,
    shards: Vec<Shard>,
}

impl Prepared {
    fn start(self, plan: &Plan) -> Started {
        Started::new(
            plan,
            self.shards,
            self.survey,
            self.server,
            self.spares,
            Delivery::IN_ORDER,
        )
    }
}

/// Connects, surveys, and picks the shards. `None` if interrupted.
async fn prepare(
    asked: &Asked<'_>,
    plan: &Plan,
    connections: usize,
    acquaintance: Acquaintance,
    console: &mut Console,
) -> Result<Option<Prepared>, Error> {
    let opened = tokio::select! {
        opened = connect::open(asked.settings, connections, acquaintance, console) => opened?,
        () = asked.interrupt.requested() => return Ok(None),
    };
    let Opened {
        server,
        first,
        spares,
        ..
    } = opened;
    // Takes the spares in, so that a server that is closed waits for none of them.
    let work = async {
        let survey = connect::survey(first, plan).await?;
        let topology = connect::topology(&survey, asked.settings).await?;
        let shards = connect::choose(&asked.args.shards, &topology, console)?;
        Ok(Prepared {
            server: server.clone(),
            spares,
            survey,
            shards,
        })
    };
    connect::or_close(&server, asked.interrupt, work).await
}

/// Ends the result as the run has ended. With what to exit, if nobody reads on.
pub(super) async fn end(output: Output, outcome: &Outcome) -> Result<Option<Exit>, Error> {
    let ended = match outcome.ending {
        Ending::Heard if outcome.failures.is_empty() => output.publish().await,
        Ending::Heard if !outcome.answers.is_empty() => output.finish_partial().await,
        // Its reader may be pausing; nobody waits for it.
        Ending::Interrupted => {
            drop(output);
            Ok(())
        }
        _ => output.abort().await,
    };
    match ended {
        Ok(()) => Ok(None),
        Err(SinkError::Closed) if outcome.failures.is_empty() => Ok(Some(Exit::Complete)),
        Err(SinkError::Closed) => Ok(Some(Exit::Incomplete)),
        Err(error) => Err(error.into()),
    }
}

/// Says how it went, and finishes the result accordingly.
async fn conclude(
    args: &QueryArgs,
    plan: &Plan,
    outcome: Outcome,
    output: Output,
    console: &mut Console,
) -> Result<Exit, Error> {
    let footer = Footer {
        rows: output.rows_so_far(),
        answered: outcome.answers.len(),
        expected: outcome.asked,
        instant: plan.instant,
        elapsed: console.elapsed(),
    };
    // Before the result ends, for its reader may be gone or pause.
    if !outcome.failures.is_empty() {
        let explained = outcome.explanation.as_ref();
        let advice = |error: &_| {
            explained
                .and_then(|it| it.of(error))
                .or_else(|| advice(error))
        };
        console.error(
            &outcome
                .failures
                .describe(outcome.asked, &plan.statement, advice),
        );
    }
    let ended = end(output, &outcome).await;
    let notices = &outcome.notices;
    notices.say(outcome.asked, &plan.statement, console);
    if let Some(exit) = ended? {
        return Ok(exit);
    }
    if !outcome.filtered.is_empty() {
        console.warning(&hint::filtered(&outcome.filtered));
    }
    let exit = match outcome.ending {
        Ending::Interrupted => Exit::Interrupted,
        Ending::Heard if outcome.failures.is_empty() => Exit::Complete,
        Ending::Heard if !outcome.answers.is_empty() => Exit::Incomplete,
        _ => Exit::Failed,
    };
    if ![Exit::Complete, Exit::Interrupted].contains(&exit)
        && let Some(file) = &args.output.output
    {
        not_written(file, console);
    }
    if args.run.timing {
        console.note(&timing::describe(&outcome.answers));
    }
    if let Some(hint) = hint::lone_aggregate(&plan.statement, &outcome.answers) {
        console.note(&hint);
    }
    console.note(&footer);
    Ok(exit)
}

/// Prints what would be sent. The statement is checked, and run nowhere.
async fn dry_run(asked: &Asked<'_>, plan: &Plan, console: &mut Console) -> Result<Exit, Error> {
    let Some(prepared) = prepare(asked, plan, 1, Acquaintance::First, console).await? else {
        return Ok(Exit::Interrupted);
    };
    let Prepared {
        server,
        spares,
        survey,
        shards,
    } = prepared;
    drop((spares, survey));
    server.close().await;
    let text = plan.describe(&shards);
    print(text, asked.interrupt).await
}

/// Prints a text about the run, wherever its result would go.
pub(super) async fn print(text: String, interrupt: &Interrupt) -> Result<Exit, Error> {
    tokio::select! {
        printed = sink::print(text) => {
            printed?;
            Ok(Exit::Complete)
        }
        () = interrupt.requested() => Ok(Exit::Interrupted),
    }
}

fn policy(on_error: OnError) -> Policy {
    match on_error {
        OnError::Continue => Policy::Continue,
        OnError::Stop => Policy::Stop,
    }
}

pub(super) fn plan(args: &QueryArgs) -> Result<Plan, Error> {
    if args.output.delimiter.is_some() && args.output.format()? != Format::Csv {
        let reason = "--delimiter is for CSV; leave it out, or add --csv";
        return Err(Error::Usage(reason.to_owned()));
    }
    let statement = Statement::given(args.sql.as_deref(), &args.command, args.file.as_deref())?;
    Ok(Plan {
        statement,
        search_path: args.shards.search_path.clone(),
        instant: if args.run.no_snapshot {
            Instant::PerShard
        } else {
            Instant::Shared
        },
        pinned: Pinned::Nothing,
        limits: args.limits.into(),
        transfer: Transfer::Rows,
        check: CheckFrequency::Batches,
        row_security: match (args.run.row_security, args.global.global) {
            (true, _) => RowSecurity::Apply,
            (false, true) => RowSecurity::Fail,
            (false, false) => RowSecurity::Warn,
        },
        lock: Vec::new(),
    })
}

/// Where the result goes; none if there is to be none.
pub(super) fn sink(args: &QueryArgs) -> Result<Option<Sink>, Error> {
    if args.run.dry_run || args.global.explain {
        return Ok(None);
    }
    Ok(Some(match &args.output.output {
        Some(file) => Sink::file(file)?,
        None => Sink::stdout()?,
    }))
}

fn renderer(args: &OutputArgs, format: Format) -> Renderer {
    Renderer::new(format, render_options(args))
}

pub(super) fn render_options(args: &OutputArgs) -> RenderOptions {
    RenderOptions {
        tuples_only: args.tuples_only,
        null: args.null.clone(),
        bigint_as_string: args.bigint_as_string,
        delimiter: args.delimiter.unwrap_or_default(),
        shard_column: !args.no_shard_column,
    }
}

fn shard_column(args: &OutputArgs) -> Option<String> {
    (!args.no_shard_column).then(|| args.shard_column().to_owned())
}
