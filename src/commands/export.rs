//! `shardq export`: one statement in every shard, one file that is whole or absent.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use crate::cli::export::{ExportArgs, ExportOutputArgs};
use crate::console::Console;
use crate::draft::{Draft, Existing};
use crate::error::{Error, advice};
use crate::exit::Exit;
use crate::export::manifest::Manifest;
use crate::export::{ExportError, FileFormat, Kind, OneFile, Target, Text, record};
use crate::fanout::ShardError;
use crate::footer::Footer;
use crate::interrupt::Interrupt;
use crate::merge::Order;
use crate::plan::{Instant, Limits, Plan};
use crate::render::RenderOptions;
use crate::run::{self, Ending, Outcome, Policy, Started};
use crate::settings::{Environment, Settings};
use crate::shard::Shard;
use crate::sink;
use crate::statement::Statement;
use crate::timing;
use crate::transfer::{CopyFormat, Copying, Transfer};
use crate::types::TypeNames;

use super::connect::{self, Acquaintance, Circumstances};
use super::{export_global, export_per_shard};

/// A run whose server goes away before anybody has seen anything is had again.
pub(super) const RUNS: u32 = 3;

pub async fn run(args: ExportArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.run.quiet).of_long_run();
    let kind = kind(&args.output);
    check(&args.output, kind)?;
    let plan = plan(&args, kind)?;
    let settings = Settings::resolve(&args.connection, &Environment::of_process()?)?;
    let interrupt = Interrupt::listen().map_err(Error::Signals)?;
    for warning in settings.warnings() {
        console.note(warning);
    }
    let asked = Asked {
        args: &args,
        kind,
        settings: &settings,
        plan: &plan,
        interrupt: &interrupt,
    };
    if args.global.global {
        return export_global::run(&asked, &mut console).await;
    }
    if args.run.dry_run {
        return dry_run(&asked, &mut console).await;
    }
    if args.output.per_shard {
        return export_per_shard::run(&asked, &mut console).await;
    }
    let (mut target, mut manifest) = open(&args.output)?;
    let mut acquaintance = Acquaintance::First;
    for _ in 0..RUNS {
        let began = Timestamp::now();
        let mut all = Chosen {
            order: Order::Shard,
            pick: &mut Ok,
        };
        let Some(underway) = start(&asked, acquaintance, &mut console, &mut all).await? else {
            return Ok(Exit::Interrupted);
        };
        let Begun {
            started,
            plan,
            types,
            circumstances,
        } = underway;
        let text = text(&args.output);
        let mut file = OneFile::start(
            target,
            manifest,
            kind,
            text,
            circumstances.shard_rows.clone(),
        )?;
        let outcome =
            run::drive(started, &mut file, &mut console, &interrupt, policy(&args)).await?;
        if outcome.ending != Ending::SnapshotLost {
            let ran = Ran {
                asked,
                plan,
                types,
                circumstances,
                began,
                outcome,
            };
            return tokio::select! {
                biased;
                exit = conclude(ran, file, &mut console) => exit,
                () = interrupt.requested() => Ok(Exit::Interrupted),
            };
        }
        (target, manifest) = file.rewound().await?;
        acquaintance = Acquaintance::Known;
        console.note(&"nothing is written yet: asking again, at a new snapshot");
    }
    Err(Error::Unstable(RUNS))
}

/// What the person wants, all of it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub args: &'a ExportArgs,
    pub kind: Kind,
    pub settings: &'a Settings,
    pub plan: &'a Plan,
    pub interrupt: &'a Interrupt,
}

/// Which of the shards that were asked for are asked, and in which order their rows
/// come.
pub(super) struct Chosen<'a> {
    pub order: Order,
    pub pick: &'a mut dyn FnMut(Vec<Shard>) -> Result<Vec<Shard>, Error>,
}

/// A run under way, and what the manifest will say of it.
pub(super) struct Begun {
    pub started: Started,
    /// With the statement as COPY takes it.
    pub plan: Plan,
    pub types: TypeNames,
    pub circumstances: Circumstances,
}

/// A run that has ended.
struct Ran<'a> {
    asked: Asked<'a>,
    plan: Plan,
    types: TypeNames,
    circumstances: Circumstances,
    began: Timestamp,
    outcome: Outcome,
}

/// Connects, surveys, and sets the lanes going. `None` if interrupted.
pub(super) async fn start(
    asked: &Asked<'_>,
    acquaintance: Acquaintance,
    console: &mut Console,
    chosen: &mut Chosen<'_>,
) -> Result<Option<Begun>, Error> {
    let Asked {
        args,
        settings,
        plan,
        interrupt,
        ..
    } = *asked;
    let connections = connect::connections(args.run.connections, &args.shards);
    let opened = tokio::select! {
        opened = connect::open(settings, connections, acquaintance, console) => opened?,
        () = interrupt.requested() => return Ok(None),
    };
    let server = opened.server.clone();
    let work = async {
        let mut survey = connect::survey(opened.first, plan).await?;
        let topology = connect::topology(&survey, settings).await?;
        let shards = connect::choose(&args.shards, &topology, console)?;
        let shards = (chosen.pick)(shards)?;
        let plan = connect::copyable(&mut survey.session, plan).await?;
        let circumstances = connect::circumstances(&survey.session).await?;
        let types = survey.types.clone();
        let started = Started::new(
            &plan,
            shards,
            survey,
            opened.server,
            opened.spares,
            chosen.order,
        );
        Ok(Begun {
            started,
            plan,
            types,
            circumstances,
        })
    };
    connect::or_close(&server, interrupt, work).await
}

/// Says how it went, and gives the file its name if it is what was asked for.
async fn conclude(ran: Ran<'_>, file: OneFile, console: &mut Console) -> Result<Exit, Error> {
    let args = ran.asked.args;
    let outcome = &ran.outcome;
    let heard = outcome.ending == Ending::Heard;
    let whole = heard && outcome.failures.is_empty();
    let partial = heard && args.output.allow_partial && !outcome.answers.is_empty();
    let mut exit = match outcome.ending {
        Ending::Interrupted => Exit::Interrupted,
        _ if whole => Exit::Complete,
        _ if partial => Exit::Incomplete,
        _ => Exit::Failed,
    };
    let written = if whole || partial {
        publish(&ran, file, whole).await.map(Some)
    } else if outcome.ending == Ending::Interrupted {
        // Its reader may be pausing; nobody waits for it.
        drop(file);
        Ok(None)
    } else {
        file.abandon().await.map_or(Ok(None), Err)
    };
    let written = match written {
        Err(ExportError::Closed) => return Ok(Exit::Complete),
        written => written,
    };
    if !outcome.failures.is_empty() {
        let advice = |error: &_| advised(error, &ran.plan);
        let told = outcome
            .failures
            .describe(outcome.asked, &ran.plan.statement, advice);
        console.error(&told);
    }
    if let Err(error) = &written {
        console.error(error);
        exit = Exit::Failed;
    }
    if args.run.timing {
        console.note(&timing::describe(&outcome.answers));
    }
    match written {
        Ok(Some(line)) => console.note(&line),
        _ if args.output.output != Path::new("-") => {
            console.error(&format!("{} was not written", args.output.output.display()));
        }
        _ => {}
    }
    console.note(&footer(&ran, console));
    Ok(exit)
}

/// What may help a shard that failed; the flags are not all those of a query.
pub(super) fn advised(error: &ShardError, plan: &Plan) -> Option<String> {
    use tokio_postgres::error::SqlState;
    match error {
        ShardError::Server(report) if report.code == SqlState::QUERY_CANCELED => Some(
            "raise --statement-timeout (0 for none) if the statement may take longer".to_owned(),
        ),
        _ => advice(error, plan.search_path.is_shard_alone()),
    }
}

fn footer(ran: &Ran<'_>, console: &Console) -> Footer {
    Footer {
        rows: rows(&ran.outcome),
        answered: ran.outcome.answers.len(),
        expected: ran.outcome.asked,
        instant: ran.plan.instant,
        elapsed: console.elapsed(),
    }
}

fn rows(outcome: &Outcome) -> u64 {
    outcome.answers.iter().map(|(_, answer)| answer.rows).sum()
}

/// Ends the file, and gives it its name. What was written, in a line.
async fn publish(ran: &Ran<'_>, file: OneFile, whole: bool) -> Result<String, ExportError> {
    let mut finished = file.finish().await?;
    if !whole {
        finished.rename(Kind::partial(&ran.asked.args.output.output))?;
    }
    let particulars = particulars(
        &ran.asked,
        &ran.plan,
        &ran.types,
        &ran.circumstances,
        ran.began,
        &ran.outcome,
    );
    let record = record::of_file(&particulars, finished.path(), &finished.written);
    let line = finished.describe();
    finished.publish(&record).await?;
    Ok(line)
}

pub(super) fn particulars<'a>(
    asked: &Asked<'a>,
    plan: &'a Plan,
    types: &'a TypeNames,
    circumstances: &'a Circumstances,
    began: Timestamp,
    outcome: &'a Outcome,
) -> record::Particulars<'a> {
    let args = asked.args;
    record::Particulars {
        plan,
        settings: asked.settings,
        types,
        circumstances,
        began,
        outcome,
        kind: asked.kind,
        header: asked.kind.has_header() && !args.output.tuples_only,
        shard_column: shard_column(&args.output),
        options: options(args),
    }
}

/// Prints what would be sent. The statement is checked, and run nowhere.
async fn dry_run(asked: &Asked<'_>, console: &mut Console) -> Result<Exit, Error> {
    let Asked {
        args,
        settings,
        plan,
        interrupt,
        ..
    } = *asked;
    let opened = tokio::select! {
        opened = connect::open(settings, 1, Acquaintance::First, console) => opened?,
        () = interrupt.requested() => return Ok(Exit::Interrupted),
    };
    let work = async {
        let mut survey = connect::survey(opened.first, plan).await?;
        let topology = connect::topology(&survey, settings).await?;
        let shards = connect::choose(&args.shards, &topology, console)?;
        let plan = connect::copyable(&mut survey.session, plan).await?;
        Ok(plan.describe(&shards))
    };
    let Some(described) = connect::or_close(&opened.server, interrupt, work).await? else {
        return Ok(Exit::Interrupted);
    };
    opened.server.close().await;
    sink::print(described).await?;
    Ok(Exit::Complete)
}

/// Without --allow-partial nothing can come of a run once a shard has failed.
fn policy(args: &ExportArgs) -> Policy {
    if args.output.allow_partial {
        Policy::Continue
    } else {
        Policy::Stop
    }
}

fn kind(args: &ExportOutputArgs) -> Kind {
    args.format
        .or_else(|| Kind::of(&args.output))
        .unwrap_or(Kind::CSV)
}

/// What does not go together.
fn check(args: &ExportOutputArgs, kind: Kind) -> Result<(), Error> {
    let usage = |text: &str| Err(Error::Usage(text.to_owned()));
    if args.excel && kind.format != FileFormat::Csv {
        return usage("--excel is a way to write CSV; leave it out, or write to a .csv");
    }
    if args.allow_partial && kind.format == FileFormat::Parquet {
        return usage(
            "--allow-partial has to take back the rows of a shard that fails half-way, \
             which Parquet cannot",
        );
    }
    if args.allow_partial && args.output == Path::new("-") {
        return usage("--allow-partial names a file; standard output has no name");
    }
    Ok(())
}

/// The file and its manifest, open for writing: what cannot be written is said
/// before anything is asked.
pub(super) fn open(args: &ExportOutputArgs) -> Result<(Target, Option<Draft>), Error> {
    let existing = if args.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    let target = Target::open(&args.output, existing)?;
    let manifest = if args.no_manifest || target.is_stream() {
        None
    } else {
        Some(Target::draft(&Manifest::path_of(&args.output), existing)?)
    };
    Ok((target, manifest))
}

fn plan(args: &ExportArgs, kind: Kind) -> Result<Plan, Error> {
    let statement = match (&args.sql, &args.file) {
        (Some(sql), _) => Statement::new(sql)?,
        (None, Some(file)) => Statement::read(file)?,
        // clap asks for one of the two.
        (None, None) => Statement::new("")?,
    };
    let copy = |format| {
        Transfer::Copy(Copying {
            format,
            null: args.output.null.clone(),
            shard_column: shard_column(&args.output).is_some(),
        })
    };
    Ok(Plan {
        statement: statement.unterminated()?,
        search_path: args.shards.search_path.clone(),
        instant: if args.run.no_snapshot {
            Instant::PerShard
        } else {
            Instant::Shared
        },
        limits: Limits {
            statement_timeout: args.run.statement_timeout,
            lock_timeout: args.run.lock_timeout,
        },
        transfer: match kind.format {
            FileFormat::Csv if !args.output.excel => copy(CopyFormat::Csv),
            FileFormat::Tsv => copy(CopyFormat::Text),
            FileFormat::Csv | FileFormat::Jsonl | FileFormat::Parquet => Transfer::Rows,
        },
    })
}

pub(super) fn text(args: &ExportOutputArgs) -> Text {
    Text {
        options: RenderOptions {
            tuples_only: args.tuples_only,
            null: args.null.clone(),
            bigint_as_string: args.bigint_as_string,
            shard_column: shard_column(args).is_some(),
        },
        shard_column: shard_column(args),
        excel: args.excel,
        revocable: args.allow_partial,
    }
}

fn shard_column(args: &ExportOutputArgs) -> Option<String> {
    // Readers of such folders take it from the names of the folders in it.
    (!args.no_shard_column && !args.per_shard)
        .then(|| args.shard_column.as_deref().unwrap_or("shard").to_owned())
}

/// For the manifest: what was asked for, as the flags are called.
pub(super) fn options(args: &ExportArgs) -> BTreeMap<String, serde_json::Value> {
    let milliseconds = |time: std::time::Duration| format!("{} ms", time.as_millis()).into();
    let mut options: BTreeMap<String, serde_json::Value> = BTreeMap::from([
        ("connections".to_owned(), args.run.connections.into()),
        (
            "statement-timeout".to_owned(),
            milliseconds(args.run.statement_timeout),
        ),
        (
            "lock-timeout".to_owned(),
            milliseconds(args.run.lock_timeout),
        ),
    ]);
    let flags = [
        ("no-snapshot", args.run.no_snapshot),
        ("allow-partial", args.output.allow_partial),
        ("excel", args.output.excel),
        ("tuples-only", args.output.tuples_only),
        ("bigint-as-string", args.output.bigint_as_string),
        ("per-shard", args.output.per_shard),
        ("no-shard-column", args.output.no_shard_column),
    ];
    for (name, _) in flags.iter().filter(|(_, given)| *given) {
        options.insert((*name).to_owned(), true.into());
    }
    let values = [
        (
            "shards",
            args.shards.shards.as_ref().map(ToString::to_string),
        ),
        ("origin", args.shards.origin.clone()),
        ("null", args.output.null.clone()),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            options.insert(name.to_owned(), value.into());
        }
    }
    if let Some(expected) = args.shards.expect_shards {
        options.insert("expect-shards".to_owned(), expected.into());
    }
    options
}
