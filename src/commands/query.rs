//! `shardq query`: one statement in every shard, one merged result.

use std::path::Path;

use crate::cli::query::{OnError, OutputArgs, QueryArgs};
use crate::console::Console;
use crate::error::{Error, advice};
use crate::exit::Exit;
use crate::export::Target;
use crate::fanout::Survey;
use crate::footer::Footer;
use crate::hint;
use crate::interrupt::Interrupt;
use crate::merge::Delivery;
use crate::output::Output;
use crate::plan::{CheckFrequency, Instant, Pinned, Plan, RowSecurity};
use crate::render::{Format, RenderOptions, Renderer};
use crate::run::{self, Ending, Outcome, Policy, Started};
use crate::selection::Selection;
use crate::server::{Opened, Server, Spare};
use crate::settings::{Environment, Settings};
use crate::sink::{self, Sink, SinkError};
use crate::statement::Statement;
use crate::timing;
use crate::transfer::Transfer;

use super::connect::{self, Acquaintance};
use super::ending::then_say;
use super::origin::{Located, Looks};
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
    let settings = Settings::resolve(&(&args.connection).into(), &Environment::of_process()?)?;
    let (sink, interrupt) = open(&args)?;
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
        let (started, selection, looks) = prepared.start(&plan);
        let policy = policy(args.on_error);
        let outcome = run::drive(started, &mut output, &mut console, &interrupt, policy).await?;
        if outcome.ending != Ending::HadAgain {
            let ran = Ran {
                asked,
                plan: &plan,
                selection,
                outcome,
            };
            return conclude(&ran, looks, output, &mut console).await;
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
    selection: Selection,
    looks: Looks,
}

impl Prepared {
    fn start(self, plan: &Plan) -> (Started, Selection, Looks) {
        let started = Started::new(
            plan,
            self.selection.shards.clone(),
            self.survey,
            self.server,
            self.spares,
            Delivery::IN_ORDER,
        );
        (started, self.selection, self.looks)
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
        let selection = connect::choose(&asked.args.shards, &topology, console)?;
        let looks = Looks::send(&survey.session, selection.origins.as_ref()).await;
        Ok(Prepared {
            server: server.clone(),
            spares,
            survey,
            selection,
            looks,
        })
    };
    connect::or_close(&server, asked.interrupt, work).await
}

/// Whether anybody has got the end of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    ToTheEnd,
    /// Its reader had enough of it before.
    InPart,
}

/// Ends the result of a run that has ended so.
pub(super) async fn end(output: Output, exit: Exit) -> Result<Read, Error> {
    let ended = match exit {
        Exit::Complete => output.publish().await,
        Exit::Incomplete => output.finish_partial().await,
        // Its reader may be pausing; nobody waits for it.
        Exit::Interrupted => {
            drop(output);
            Ok(())
        }
        Exit::Failed | Exit::Usage => output.abort().await,
    };
    match ended {
        Ok(()) => Ok(Read::ToTheEnd),
        Err(SinkError::Closed) => Ok(Read::InPart),
        Err(error) => Err(error.into()),
    }
}

/// A run that has ended.
struct Ran<'a> {
    asked: Asked<'a>,
    plan: &'a Plan,
    selection: Selection,
    outcome: Outcome,
}

impl Ran<'_> {
    /// Whether nothing is known to be missing.
    fn is_whole(&self, located: &Located) -> bool {
        self.outcome.failures.is_empty()
            && self.selection.doubt.is_none()
            && !located.is_elsewhere()
    }

    fn exit(&self, located: &Located) -> Exit {
        match self.outcome.ending {
            Ending::Interrupted => Exit::Interrupted,
            Ending::Heard if self.is_whole(located) => Exit::Complete,
            Ending::Heard if !self.outcome.answers.is_empty() => Exit::Incomplete,
            _ => Exit::Failed,
        }
    }

    /// What keeps the answer from being complete.
    fn say_what_is_missing(&self, located: &Located, console: &mut Console) {
        let Outcome {
            asked, failures, ..
        } = &self.outcome;
        if !failures.is_empty() {
            let explained = self.outcome.explanation.as_ref();
            let advice = |error: &_| {
                explained
                    .and_then(|it| it.of(error))
                    .or_else(|| advice(error))
            };
            console.error(&failures.describe(*asked, &self.plan.statement, advice));
        }
        if let Some(doubt) = &self.selection.doubt {
            console.error(&format!("shards may be missing: {doubt}"));
        }
        located.say(console);
    }

    fn footer(&self, rows: u64, console: &Console) -> Footer {
        let answers = &self.outcome.answers;
        let answered = |shard| answers.iter().any(|(answered, _)| *answered == shard);
        Footer {
            rows,
            answered: answers.len(),
            expected: self.selection.expected(),
            missing: self.selection.missing(answered),
            origins: self.selection.origins.clone(),
            instants: self.plan.instant.into(),
            elapsed: console.elapsed(),
        }
    }
}

/// Finishes the result as the run has ended, and says behind it how it went.
async fn conclude(
    ran: &Ran<'_>,
    looks: Looks,
    output: Output,
    console: &mut Console,
) -> Result<Exit, Error> {
    let Asked {
        args, interrupt, ..
    } = ran.asked;
    let footer = ran.footer(output.rows_so_far(), console);
    let Some(located) = located(ran, looks, console).await else {
        return Ok(Exit::Interrupted);
    };
    let exit = ran.exit(&located);
    let say = || {
        let Outcome { asked, notices, .. } = &ran.outcome;
        notices.say(*asked, &ran.plan.statement, console);
        ran.say_what_is_missing(&located, console);
    };
    let Some(read) = then_say(end(output, exit), interrupt, say).await else {
        return Ok(Exit::Interrupted);
    };
    if read? == Read::InPart {
        return Ok(if ran.is_whole(&located) {
            Exit::Complete
        } else {
            Exit::Incomplete
        });
    }
    if !ran.outcome.filtered.is_empty() {
        console.warning(&hint::filtered(&ran.outcome.filtered));
    }
    if ![Exit::Complete, Exit::Interrupted].contains(&exit)
        && let Some(file) = &args.output.output
    {
        not_written(file, console);
    }
    if args.run.timing {
        console.note(&timing::describe(&ran.outcome.answers));
    }
    if let Some(hint) = hint::lone_aggregate(&ran.plan.statement, &ran.outcome.answers) {
        console.note(&hint);
    }
    console.note(&footer);
    Ok(exit)
}

/// Where the origins are that were asked for, if not where they belong. `None` if
/// interrupted.
async fn located(ran: &Ran<'_>, looks: Looks, console: &mut Console) -> Option<Located> {
    let is_told = [Ending::Heard, Ending::WriterFailed].contains(&ran.outcome.ending);
    let (Some(origins), true) = (&ran.selection.origins, is_told) else {
        return Some(Located::default());
    };
    Located::anew(
        looks,
        origins.modulus,
        ran.plan.limits,
        ran.asked.settings,
        ran.asked.interrupt,
        console,
    )
    .await
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
        selection,
        looks,
    } = prepared;
    drop((spares, survey, looks));
    server.close().await;
    let text = plan.describe(&selection.shards);
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
/// Where the result goes. A file's draft is removed after Ctrl-C, whenever that comes; a
/// pipe opens when somebody reads it, which may be never, so until then Ctrl-C ends all.
pub(super) fn open(args: &QueryArgs) -> Result<(Option<Sink>, Interrupt), Error> {
    let listen = || Interrupt::listen().map_err(Error::Signals);
    if args
        .output
        .output
        .as_deref()
        .is_some_and(Target::names_a_stream)
    {
        return Ok((sink(args)?, listen()?));
    }
    let interrupt = listen()?;
    Ok((sink(args)?, interrupt))
}

fn sink(args: &QueryArgs) -> Result<Option<Sink>, Error> {
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
