//! `shardq find`: finds the shard that holds a key, and verifies it.

mod batch;
mod batch_report;
pub mod batch_search;
mod learn;
pub mod lookup_plan;
mod routed;
mod routing;
pub mod scope;
pub mod search;
mod waiting;

use jiff::Timestamp;

use crate::cli::find::FindArgs;
use crate::commands::databases::{self, Targets};
use crate::commands::error::Error;
use crate::commands::setup;
use crate::commands::shard_lists::{self, StandardInput};
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::exec::plan::Plan;
use crate::find::batch::input::InputFile;
use crate::find::report::{FindReport, FindVerdict};
use crate::output::sink;
use crate::sharding::routing::key::{Key, RouteScope};
use crate::sharding::routing::rule::{NoRoute, Route};
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{SummaryLine, SummaryPart};
use crate::text::humanize::HumanDuration;

use routed::{FindOutcome, Routed};
use scope::{LookupConnections, LookupRequest, SearchScope};

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
        let verified = Box::pin(verify(&args, &key, &mut console)).await?;
        verified.map(|(outcome, _)| outcome)
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
    let verified = Box::pin(verify(args, &key, console)).await?;
    Ok(verified.map(|(found, targets)| {
        if let Some(unanswered) = &found.unanswered {
            unanswered.say(console);
        }
        LocatedKey {
            report: found.report,
            targets,
        }
    }))
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

/// Looks the key up, and says in which databases. `None` if interrupted.
async fn verify(
    args: &FindArgs,
    key: &Key,
    console: &mut Console,
) -> Result<Option<(FindOutcome, Targets)>, Error> {
    let servers = databases::servers(&args.connection)?;
    let filter = shard_lists::filter(&args.select, StandardInput::Free)?;
    let plan = lookup_plan::plan(args.limits.into(), args.layout(), filter, key)?;
    let interrupt = setup::listen()?;
    let Some(targets) = targets(args, &servers, &plan, &interrupt, console).await? else {
        return Ok(None);
    };
    let request = LookupRequest {
        targets: &targets,
        plan: &plan,
        preferred: &args.connection.prefer,
        connections: LookupConnections::InTurn(args.connections),
        interrupt: &interrupt,
    };
    let search = async |scope: &SearchScope<'_>, console: &mut Console| {
        search(args, key, scope, console).await
    };
    let found = request.run(console, search).await?;
    Ok(found.map(|found| (found, targets)))
}

/// The databases of these servers. `None` if interrupted.
async fn targets(
    args: &FindArgs,
    servers: &[Settings],
    plan: &Plan,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Option<Targets>, Error> {
    setup::say_warnings(servers, console);
    let patterns = &args.layout.patterns.databases;
    let snapshots = args.connection.snapshots.as_ref();
    databases::targets(servers, patterns, &plan.layout, snapshots, interrupt).await
}

/// Finds out where the key belongs, and looks for it.
async fn search(
    args: &FindArgs,
    key: &Key,
    scope: &SearchScope<'_>,
    console: &mut Console,
) -> Result<FindOutcome, Error> {
    let databases = scope.databases();
    let waiting = scope.waiting();
    let search = scope.search(&databases, &waiting, key, args.shard_count)?;
    let (settings, now) = (scope.settings()?, Timestamp::now());
    let route_scope = RouteScope {
        layout: &scope.plan.layout,
        shards: search.shard_count,
        now,
    };
    let computed = routing::computed(&search, settings).await?;
    let route = match routing::route(key, &route_scope, computed.as_ref())? {
        Err(NoRoute::ShardCountUnknown) => Err(NoRoute::ServerDown),
        // A rule knows the shard's name, not its database.
        route => route.map(|route| Route {
            shard: search
                .topology
                .named(route.shard.name())
                .unwrap_or(route.shard),
            ..route
        }),
    };
    let routed = Routed { search, route, now };
    match key {
        Key::Listed { .. } => Ok(routed.listed(console)),
        _ => routed.look(settings, scope, console).await,
    }
}
