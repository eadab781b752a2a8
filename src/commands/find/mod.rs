//! `shardq find`: finds the shard that holds a key, and verifies it.

mod batch;
mod batch_report;
pub mod batch_search;
mod learn;
pub mod lookup_plan;
mod routed;
mod routing;
mod scope;
pub mod search;
mod several;

use jiff::Timestamp;

use super::session_setup;
use crate::cli::find::FindArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::attempt::Attempts;
use crate::commands::databases::{self, Targets};
use crate::commands::error::Error;
use crate::commands::setup;
use crate::commands::shard_lists::{self, StandardInput};
use crate::config::Settings;
use crate::exec::plan::Plan;
use crate::find::batch::input::InputFile;
use crate::find::report::{FindReport, FindVerdict};
use crate::output::sink;
use crate::sharding::routing::key::{Key, RouteScope};
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{SummaryLine, SummaryPart};
use crate::text::humanize::HumanDuration;

use routed::{FindOutcome, Routed};
use scope::SearchScope;

pub async fn run(args: FindArgs) -> Result<Exit, Error> {
    if let Some(file) = &args.from {
        // Boxed because the future is large.
        return Box::pin(batch::run(&args, InputFile::new(file))).await;
    }
    if let Some(column) = &args.learn {
        return Box::pin(learn::run(&args, column)).await;
    }
    let mut console = Console::new(args.quiet);
    let key = routing::key(&args, &args.connection.key_kinds())?;
    let found = if args.no_verify {
        Some(FindOutcome::without_search(compute(&args, key)?))
    } else {
        let searched = search_databases(&args, &key, &mut console).await?;
        searched.map(|(outcome, _)| outcome)
    };
    let Some(FindOutcome {
        report: find_report,
        unanswered,
        location,
        snapshots,
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
    for shard in find_report.shards() {
        if let Some(database) = shard.database() {
            console.note(&format!("{shard} is on {}", database.place()));
        }
    }
    if let (Some(searched), Some(location)) = (&find_report.searched, location) {
        let elapsed = HumanDuration(console.elapsed());
        console.summary(&SummaryLine {
            before: vec![SummaryPart::complete_if(
                searched.is_complete(),
                searched.to_string(),
            )],
            location,
            after: vec![snapshots.to_string(), elapsed.to_string()],
        });
    }
    Ok(find_report.exit())
}

/// The shards that hold a key, and the databases that were searched.
pub(super) struct LocatedKey {
    pub report: FindReport,
    pub targets: Targets,
}

/// Finds the shards that hold a key, for other commands. `None` if interrupted.
pub(super) async fn locate(
    args: &FindArgs,
    console: &mut Console,
) -> Result<Option<LocatedKey>, Error> {
    let key = routing::key(args, &args.connection.key_kinds())?;
    let found = search_databases(args, &key, console).await?;
    Ok(found.map(|(found, targets)| {
        if let Some(unanswered) = &found.unanswered {
            unanswered.say(console);
        }
        LocatedKey {
            report: found.report,
            targets,
        }
    }))
}

/// Looks the key up, and says in which databases. `None` if interrupted.
async fn search_databases(
    args: &FindArgs,
    key: &Key,
    console: &mut Console,
) -> Result<Option<(FindOutcome, Targets)>, Error> {
    let servers = databases::servers(&args.connection)?;
    if servers.len() > 1 || !args.layout.patterns.databases.is_empty() {
        return Box::pin(in_databases(args, key, &servers, console)).await;
    }
    let found = verify(args, key, &servers[0], console).await?;
    Ok(found.map(|found| (found, Targets::only(&servers[0]))))
}

fn compute(args: &FindArgs, key: Key) -> Result<FindReport, Error> {
    let now = Timestamp::now();
    let scope = RouteScope {
        layout: &args.layout(),
        shards: args.shard_count,
        now,
    };
    let route = routing::route(&key, &scope, None)??;
    Ok(FindReport {
        key,
        route: Ok(route),
        verdict: FindVerdict::Computed,
        searched: None,
        now,
    })
}

/// Looks the key up in several databases. `None` if interrupted.
async fn in_databases(
    args: &FindArgs,
    key: &Key,
    servers: &[Settings],
    console: &mut Console,
) -> Result<Option<(FindOutcome, Targets)>, Error> {
    let filter = shard_lists::filter(&args.select, StandardInput::Free)?;
    let plan = lookup_plan::plan(args.limits.into(), args.layout(), filter, key)?;
    let interrupt = setup::listen()?;
    setup::say_warnings(servers, console);
    let patterns = &args.layout.patterns.databases;
    let targets = databases::targets(servers, patterns, &plan.layout, &interrupt);
    let Some(targets) = targets.await? else {
        return Ok(None);
    };
    let request = FindRequest {
        args,
        settings: &servers[0],
        key,
        plan: &plan,
    };
    let found = several::look(request, &targets, &interrupt, console).await?;
    Ok(found.map(|found| (found, targets)))
}

/// Looks the key up on the server. `None` if interrupted.
async fn verify(
    args: &FindArgs,
    key: &Key,
    settings: &Settings,
    console: &mut Console,
) -> Result<Option<FindOutcome>, Error> {
    let filter = shard_lists::filter(&args.select, StandardInput::Free)?;
    let plan = lookup_plan::plan(args.limits.into(), args.layout(), filter, key)?;
    let interrupt = setup::listen()?;
    setup::say_warnings([settings], console);
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

/// Finds out where the key belongs, and looks for it.
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
    let searched = SearchScope::take(connection, plan, settings, console).await?;
    let search = searched.search(key, args.shard_count);
    let now = Timestamp::now();
    let scope = RouteScope {
        layout: &plan.layout,
        shards: Some(search.shard_count),
        now,
    };
    let computed = routing::computed(&search, settings).await?;
    let route = routing::route(key, &scope, computed.as_ref())?;
    let routed = Routed { search, route, now };
    match key {
        Key::Listed { .. } => Ok(routed.listed(console)),
        _ => routed.look(settings, server, console).await,
    }
}
