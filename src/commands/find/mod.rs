//! `shardq find`: finds the shard that holds a key, and verifies it.

mod batch;
mod batch_report;
mod batch_search;
pub mod lookup_plan;
pub mod search;

use jiff::Timestamp;

use super::{select, session_setup};
use crate::cli::find::FindArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::attempt::Attempts;
use crate::commands::error::Error;
use crate::commands::setup;
use crate::commands::shard_lists::{self, StandardInput};
use crate::config::Settings;
use crate::exec::plan::Plan;
use crate::find::batch::input::InputFile;
use crate::find::lookup::Lookup;
use crate::find::report::{FindReport, FindVerdict};
use crate::output::sink;
use crate::sharding::numbering::Numbering;
use crate::sharding::routing::key::{Key, NoRoute, Route};
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::sharding::topology::TopologyError;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{Location, SummaryLine, SummaryPart};
use crate::text::humanize::HumanDuration;

use search::{Everywhere, ExpectedShardResult, Search, Unanswered};

pub async fn run(args: FindArgs) -> Result<Exit, Error> {
    if let Some(file) = &args.from {
        // Boxed because the future is large.
        return Box::pin(batch::run(&args, InputFile::new(file))).await;
    }
    let mut console = Console::new(args.quiet);
    let key = key(&args)?;
    let found = if args.no_verify {
        Some(FindOutcome {
            report: compute(&args, key)?,
            unanswered: None,
            location: None,
        })
    } else {
        let settings = setup::settings(&args.connection)?;
        verify(&args, &key, &settings, &mut console).await?
    };
    let Some(FindOutcome {
        report: find_report,
        unanswered,
        location,
    }) = found
    else {
        return Ok(Exit::Interrupted);
    };
    let printed = sink::print(find_report.render(args.form())).await;
    if let Some(unanswered) = &unanswered {
        unanswered.say(&mut console);
    }
    printed?;
    if let Some(trouble) = find_report.stderr_message(args.form()) {
        console.error(&trouble);
    }
    if let Some(hint) = find_report.hint() {
        console.note(&hint);
    }
    if let (Some(searched), Some(location)) = (&find_report.searched, location) {
        let elapsed = HumanDuration(console.elapsed());
        console.summary(&SummaryLine {
            before: vec![SummaryPart::complete_if(
                searched.is_complete(),
                searched.to_string(),
            )],
            location,
            after: vec!["one snapshot".to_owned(), elapsed.to_string()],
        });
    }
    Ok(find_report.exit())
}

/// Finds the shards that hold a key, for other commands. `None` if interrupted.
pub(super) async fn locate(
    args: &FindArgs,
    settings: &Settings,
    console: &mut Console,
) -> Result<Option<FindReport>, Error> {
    let key = key(args)?;
    let found = verify(args, &key, settings, console).await?;
    Ok(found.map(|found| {
        if let Some(unanswered) = &found.unanswered {
            unanswered.say(console);
        }
        found.report
    }))
}

struct FindOutcome {
    report: FindReport,
    /// Why some shards could not answer.
    unanswered: Option<Unanswered>,
    /// Where all shards were searched.
    location: Option<Location>,
}

fn key(args: &FindArgs) -> Result<Key, Error> {
    let text = args.key.clone().unwrap_or_default();
    Ok(match &args.in_column {
        Some(column) => Key::Value {
            column: column.clone(),
            text,
        },
        None => Key::new(&text, args.kind)?,
    })
}

/// Keys are in shards by number.
fn numbering(args: &FindArgs) -> Result<Numbering, Error> {
    let numbering = args.layout.layout().numbering();
    numbering.ok_or(TopologyError::NoNumbers.into())
}

fn compute(args: &FindArgs, key: Key) -> Result<FindReport, Error> {
    let now = Timestamp::now();
    let route = key.route(&numbering(args)?, args.shard_count, now)?;
    Ok(FindReport {
        key,
        route: Ok(route),
        verdict: FindVerdict::Computed,
        searched: None,
        now,
    })
}

/// Looks the key up on the server. `None` if interrupted.
async fn verify(
    args: &FindArgs,
    key: &Key,
    settings: &Settings,
    console: &mut Console,
) -> Result<Option<FindOutcome>, Error> {
    let filter = shard_lists::filter(&args.select, StandardInput::Free)?;
    let plan = lookup_plan::plan(args.limits.into(), args.layout.layout(), filter, key)?;
    let interrupt = setup::listen()?;
    setup::say_warnings(settings, console);
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let opened = tokio::select! {
            opened = session_setup::open(settings, 1, attempts.connect, console) => opened?,
            () = interrupt.requested() => return Ok(None),
        };
        let request = FindRequest {
            args,
            settings,
            key,
            plan: &plan,
        };
        let work = search(request, &opened.server, opened.first, console);
        let found = session_setup::run_or_cancel(&opened.server, &interrupt, work).await;
        opened.server.close().await;
        // Only messages from opening the connection are shown.
        let notices = opened.server.take_notices();
        notices.say(1, &Statement::composed(String::new()), console);
        match found {
            Err(Error::Lookup(error)) if error.is_transient() => {
                attempts.retry_after(&error, console);
            }
            found => return found,
        }
    }
}

#[derive(Clone, Copy)]
struct FindRequest<'a> {
    args: &'a FindArgs,
    settings: &'a Settings,
    key: &'a Key,
    plan: &'a Plan,
}

/// Looks in the shard where the key belongs, then in all selected shards.
async fn search(
    request: FindRequest<'_>,
    server: &ConnectionPool,
    connection: Connection,
    console: &mut Console,
) -> Result<FindOutcome, Error> {
    let FindRequest {
        args,
        settings,
        key,
        plan,
    } = request;
    let preflight = session_setup::preflight(connection, plan).await?;
    let connection = preflight.session.connection();
    connection.wait_at_most(plan.limits.patience());
    let lookup = Lookup {
        key,
        layout: &plan.layout,
        session: &preflight.session,
    };
    let topology = session_setup::topology(&preflight, &plan.layout, settings).await?;
    select::warn_of_names(&topology, console);
    let selection = select::filtered(plan, &preflight, &topology).await?;
    let search = Search {
        lookup,
        plan,
        topology: &topology,
        selection: &selection,
        shard_count: args.shard_count.unwrap_or(topology.shard_count()),
    };
    let now = Timestamp::now();
    let route = match key {
        Key::Value { .. } => Err(NoRoute::Value),
        _ => key.route(&numbering(args)?, Some(search.shard_count), now),
    };
    let at_home = match route {
        Ok(Route { shard, .. }) => search.in_expected_shard(shard, console).await?,
        Err(_) => ExpectedShardResult::NotFound,
    };
    let of = |verdict, searched| FindReport {
        key: key.clone(),
        route,
        verdict,
        searched,
        now,
    };
    if let ExpectedShardResult::Found(hits) = at_home {
        return Ok(FindOutcome {
            report: of(FindVerdict::Verified(hits), None),
            unanswered: None,
            location: None,
        });
    }
    let Everywhere {
        hits,
        nearest,
        searched,
        unanswered,
    } = search
        .in_all_shards(route.ok().map(|route| route.shard), console)
        .await?;
    if let Key::Value { column, .. } = key
        && unanswered.is_without(&column.table, &selection.shards)
    {
        return Err(Error::NoColumn {
            column: column.clone(),
            others: lookup_plan::others(lookup, settings).await,
        });
    }
    if let (ExpectedShardResult::NoTable(table), Ok(Route { shard, .. })) = (&at_home, route)
        && unanswered.is_without(table, &selection.shards)
    {
        return Err(no_table(shard, table, lookup, settings).await);
    }
    let verdict = match (hits.is_empty(), route) {
        (true, _) => FindVerdict::NotFound { nearest },
        (false, Ok(_)) => FindVerdict::Misplaced(hits),
        (false, Err(_)) => FindVerdict::Found(hits),
    };
    Ok(FindOutcome {
        report: of(verdict, Some(searched)),
        unanswered: Some(unanswered),
        location: Some(session_setup::location(server)),
    })
}

/// Probably the wrong database.
async fn no_table(shard: Shard, table: &str, lookup: Lookup<'_>, settings: &Settings) -> Error {
    Error::NoTable {
        shard,
        table: table.to_owned(),
        others: lookup_plan::others(lookup, settings).await,
    }
}
