//! `shardq query --global`: one answer, as if all shards were one set of tables.

use crate::cli::query::{QueryArgs, Strategy};
use crate::console::Console;
use crate::error::Error;
use crate::exit::Exit;
use crate::fanout::{ShardError, Survey};
use crate::footer::Footer;
use crate::global::partial::{Gathered, gather, may_apply};
use crate::global::{self, Catalog, Differing, Joined, Look, Refusal, Strings, Text, Way};
use crate::interrupt::Interrupt;
use crate::merge::Order;
use crate::output::Output;
use crate::plan::Plan;
use crate::run::{self, Ending, Outcome, Policy, Started};
use crate::server::{Server, Spare};
use crate::settings::{Environment, Settings};
use crate::shard::Shard;
use crate::sink::{Sink, SinkError};
use crate::types::TypeNames;

use super::connect::{self, Acquaintance};
use super::query::{self, RUNS};

pub async fn run(args: QueryArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.run.quiet);
    let plan = query::plan(&args)?;
    let settings = Settings::resolve(&args.connection, &Environment::of_process()?)?;
    let sink = query::sink(&args.output)?;
    let interrupt = Interrupt::listen().map_err(Error::Signals)?;
    for warning in settings.warnings() {
        console.note(warning);
    }
    let mut strategy = args.global.strategy;
    if args.global.explain || args.run.dry_run {
        return explain(&args, &settings, &plan, sink, &mut console, &interrupt).await;
    }
    let mut output = Output::new(query::renderer(&args.output), None, sink);
    let mut acquaintance = Acquaintance::First;
    for _ in 0..RUNS {
        let asking = prepare(
            &args,
            &settings,
            &plan,
            strategy,
            acquaintance,
            &mut console,
            &interrupt,
        );
        let Some(Prepared {
            way,
            shards,
            survey,
            server,
            spares,
        }) = asking.await?
        else {
            return Ok(Exit::Interrupted);
        };
        // The one statement is asked as if it were a shard's turn.
        let turn = vec![shards[0]];
        let started = match start(&way, turn, survey, server, spares, &interrupt).await {
            Start::Going(started) => *started,
            Start::Failed(why) if strategy == Strategy::Partial => {
                return Err(Refusal::NotInParts(why).into());
            }
            // What is wrong, if anything is, one statement tells in terms of the
            // user's text.
            Start::Failed(_) => {
                strategy = Strategy::One;
                continue;
            }
            Start::Interrupted => return Ok(Exit::Interrupted),
        };
        let outcome =
            run::drive(started, &mut output, &mut console, &interrupt, Policy::Stop).await?;
        if outcome.ending != Ending::SnapshotLost {
            return conclude(&args, &plan, &way, &shards, outcome, output, &mut console).await;
        }
        acquaintance = Acquaintance::Known;
        console.note(&"nothing was printed yet: asking again, at a new snapshot");
        output.restart(query::renderer(&args.output));
    }
    Err(Error::Unstable(RUNS))
}

/// What came of setting the one statement going.
enum Start {
    Going(Box<Started>),
    /// The shards' parts could not be had.
    Failed(String),
    Interrupted,
}

/// At once, or behind the shards' parts.
async fn start(
    way: &Way,
    turn: Vec<Shard>,
    survey: Survey,
    server: Server,
    spares: Vec<Spare>,
    interrupt: &Interrupt,
) -> Start {
    let (plan, survey) = match way {
        Way::One(checked, _) => {
            drop(spares);
            (checked.plan.clone(), survey)
        }
        Way::Parts(in_parts) => {
            let round_trip = survey.round_trip;
            let asked = in_parts.catalog.shards.clone();
            let parts = in_parts.parts.clone();
            let there = server.clone();
            let gathering = gather(
                &in_parts.plan,
                asked,
                survey,
                there,
                spares,
                parts,
                interrupt,
            );
            let (parts, session) = match gathering.await {
                Gathered::All(all) => *all,
                Gathered::Failed(why) => return Start::Failed(why),
                Gathered::Interrupted => return Start::Interrupted,
            };
            let survey = Survey {
                session,
                shards: Vec::new(),
                types: TypeNames::default(),
                round_trip,
            };
            (in_parts.final_plan(&parts), survey)
        }
    };
    let order = Order::Shard;
    let started = Started::new(&plan, turn, survey, server, Vec::new(), order);
    Start::Going(Box::new(started))
}

/// Prints the way and the SQL. The statement is checked, and not run.
async fn explain(
    args: &QueryArgs,
    settings: &Settings,
    plan: &Plan,
    sink: Sink,
    console: &mut Console,
    interrupt: &Interrupt,
) -> Result<Exit, Error> {
    let (strategy, first) = (args.global.strategy, Acquaintance::First);
    let asking = prepare(args, settings, plan, strategy, first, console, interrupt);
    let Some(prepared) = asking.await? else {
        return Ok(Exit::Interrupted);
    };
    sink.write(prepared.way.explain().into_bytes()).await;
    drop((prepared.survey, prepared.spares));
    prepared.server.close().await;
    sink.publish().await?;
    Ok(Exit::Complete)
}

/// Ready to be asked.
struct Prepared {
    way: Way,
    /// The shards that were asked for, whether or not all can take part.
    shards: Vec<Shard>,
    survey: Survey,
    server: Server,
    spares: Vec<Spare>,
}

/// Connects, looks at the catalog, chooses the way and has the statement checked.
async fn prepare(
    args: &QueryArgs,
    settings: &Settings,
    plan: &Plan,
    strategy: Strategy,
    acquaintance: Acquaintance,
    console: &mut Console,
    interrupt: &Interrupt,
) -> Result<Option<Prepared>, Error> {
    let sql = plan.statement.as_str();
    let [conforming, escaped] = [Strings::Conforming, Strings::Escaped].map(|s| Text::new(sql, s));
    // Which of the two it is, the server tells in the same round trip.
    let names = &conforming.table_names() | &escaped.table_names();
    let connections = match strategy {
        Strategy::Auto | Strategy::Partial if may_apply(&conforming) => {
            connect::connections(args.run.connections, &args.shards)
        }
        _ => 1,
    };
    let opened = tokio::select! {
        opened = connect::open(settings, connections, acquaintance, console) => opened?,
        () = interrupt.requested() => return Ok(None),
    };
    let server = opened.server.clone();
    let work = async {
        let look = Look::take(opened.first, plan, &names)
            .await
            .map_err(|error| Error::fanout(error, &plan.statement))?;
        let survey = Survey {
            session: look.session,
            shards: look.shards,
            types: TypeNames::default(),
            round_trip: look.round_trip,
        };
        let topology = connect::topology(&survey, settings).await?;
        let shards = connect::choose(&args.shards, &topology, console)?;

        let text = match look.strings {
            Strings::Conforming => &conforming,
            Strings::Escaped => &escaped,
        };
        global::check(text)?;
        let differing = if args.global.skip_missing {
            Differing::Skip
        } else {
            Differing::Refuse
        };
        let mut catalog = Catalog::new(
            &look.relations,
            &shards,
            |name| text.mentions(name),
            differing,
        )
        .map_err(Refusal::Differ)?;
        if args.global.colocated {
            catalog.joined = Joined::Stated;
        }
        for deviation in &catalog.deviations {
            console.warning(&format!("left out: {deviation}"));
        }
        global::check_tables(text, &catalog, look.version)?;
        let session = &survey.session;
        let way = match strategy {
            Strategy::Auto => Way::choose(session, plan, text, &catalog, look.strings).await,
            Strategy::One => {
                Way::one(session, plan, text, &catalog, look.strings, "as asked").await
            }
            Strategy::Partial => Way::parts(session, plan, text, &catalog, look.strings).await,
        };
        Ok(Prepared {
            way: way.map_err(|refused| refused.into_error(&plan.statement))?,
            shards,
            survey,
            server: server.clone(),
            spares: opened.spares,
        })
    };
    connect::or_close(&server, interrupt, work).await
}

/// Says how it went, and finishes the result accordingly.
async fn conclude(
    args: &QueryArgs,
    plan: &Plan,
    way: &Way,
    shards: &[Shard],
    outcome: Outcome,
    output: Output,
    console: &mut Console,
) -> Result<Exit, Error> {
    let footer = Footer {
        rows: output.rows_so_far(),
        answered: way.catalog().shards.len(),
        expected: shards.len(),
        instant: plan.instant,
        elapsed: console.elapsed(),
    };
    let failed = outcome.failures.first().cloned();
    let written = match (outcome.ending, &failed) {
        (Ending::Heard, None) => output.publish().await,
        // Its reader may be pausing; nobody waits for it.
        (Ending::Interrupted, _) => {
            drop(output);
            Ok(())
        }
        _ => output.abort().await,
    };
    match written {
        Ok(()) => {}
        Err(SinkError::Closed) => return Ok(Exit::Complete),
        Err(error) => return Err(error.into()),
    }
    if let Some(error) = failed {
        if let Some(file) = &args.output.output {
            console.error(&format!("{} was not written", file.display()));
        }
        return Err(match (error, way) {
            (ShardError::Server(report), Way::One(checked, _)) => {
                checked.refused(plan, report).into_error(&plan.statement)
            }
            (error, _) => Error::Incomplete(error),
        });
    }
    if outcome.ending == Ending::Interrupted {
        return Ok(Exit::Interrupted);
    }
    console.note(&footer);
    Ok(Exit::Complete)
}
