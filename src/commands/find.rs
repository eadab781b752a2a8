//! `shardq find`: which shard a key is in, verified by a look.

use crate::cli::find::FindArgs;
use crate::console::Console;
use crate::error::Error;
use crate::exit::Exit;
use crate::finding::{Finding, Searched, Verdict};
use crate::footer::Elapsed;
use crate::interrupt::Interrupt;
use crate::key::Key;
use crate::lookup::{self, Lookup};
use crate::plan::{CheckFrequency, Instant, Pinned, Plan, RowSecurity};
use crate::search::{AtHome, Search};
use crate::search_path::SearchPath;
use crate::server::Connection;
use crate::settings::{Environment, Settings};
use crate::shard::Shard;
use crate::sink;
use crate::statement::Statement;
use crate::transfer::Transfer;

use super::connect::{self, Acquaintance};

/// A look that loses its server is had again.
const RUNS: u32 = 3;

pub async fn run(args: FindArgs) -> Result<Exit, Error> {
    let mut console = Console::new(args.quiet);
    let key = Key::new(&args.key, args.kind)?;
    let found = if args.no_verify {
        Some(compute(&args, key)?)
    } else {
        verify(&args, &key, &mut console).await?
    };
    let Some(finding) = found else {
        return Ok(Exit::Interrupted);
    };
    sink::print(finding.render(args.form())).await?;
    if let Some(trouble) = finding.trouble(args.form()) {
        console.error(&trouble);
    }
    if let Some(hint) = finding.hint() {
        console.note(&hint);
    }
    if let Some(Searched { answered, expected }) = finding.searched {
        console.note(&format!(
            "{answered}/{expected} shards searched · one snapshot · {}",
            Elapsed(console.elapsed())
        ));
    }
    Ok(finding.exit())
}

fn compute(args: &FindArgs, key: Key) -> Result<Finding, Error> {
    let route = key.route(args.shard_count).ok_or(Error::ShardCountNeeded)?;
    Ok(Finding {
        key,
        route,
        verdict: Verdict::Computed,
        searched: None,
    })
}

/// Asks the server. `None` if somebody has interrupted it.
async fn verify(
    args: &FindArgs,
    key: &Key,
    console: &mut Console,
) -> Result<Option<Finding>, Error> {
    let settings = Settings::resolve(&args.connection, &Environment::of_process()?)?;
    let interrupt = Interrupt::listen().map_err(Error::Signals)?;
    for warning in settings.warnings() {
        console.note(warning);
    }
    let mut acquaintance = Acquaintance::First;
    for _ in 0..RUNS {
        let opened = tokio::select! {
            opened = connect::open(&settings, 1, acquaintance, console) => opened?,
            () = interrupt.requested() => return Ok(None),
        };
        let work = search(args, &settings, key, opened.first, console);
        let found = connect::or_close(&opened.server, &interrupt, work).await;
        opened.server.close().await;
        // Of a look nothing is kept; what is left was said when the connection opened.
        let notices = opened.server.take_notices();
        notices.say(1, &Statement::composed(String::new()), console);
        match found {
            Err(Error::Lookup(error)) if error.is_transient() => {
                console.note(&format!("{error}; retrying at a new snapshot"));
                acquaintance = Acquaintance::Known;
            }
            found => return found,
        }
    }
    Err(Error::Unstable(RUNS))
}

/// The survey wants a statement to check. What is looked at first will do.
fn plan(args: &FindArgs, key: &Key) -> Result<Plan, Error> {
    Ok(Plan {
        statement: Statement::new(&lookup::tables_sql(key, None))?,
        search_path: SearchPath::default(),
        instant: Instant::Shared,
        pinned: Pinned::Nothing,
        limits: args.limits.into(),
        transfer: Transfer::Rows,
        check: CheckFrequency::Batches,
        row_security: RowSecurity::Fail,
        lock: Vec::new(),
    })
}

/// The shard where the key belongs first, and all of them if it is not there.
async fn search(
    args: &FindArgs,
    settings: &Settings,
    key: &Key,
    connection: Connection,
    console: &mut Console,
) -> Result<Finding, Error> {
    let plan = plan(args, key)?;
    let survey = connect::survey(connection, &plan).await?;
    let connection = survey.session.connection();
    connection.wait_at_most(plan.limits.patience());
    let lookup = Lookup {
        key,
        session: &survey.session,
    };
    let topology = connect::topology(&survey, settings).await?;
    connect::warn_of_gaps(&topology, console);
    let shards = args.shard_count.unwrap_or(topology.modulus());
    let route = key.route(Some(shards)).ok_or(Error::ShardCountNeeded)?;
    let search = Search {
        lookup,
        plan: &plan,
        topology: &topology,
    };
    let (verdict, searched) = match search.where_it_belongs(route.shard, console).await? {
        AtHome::Found(hits) => (Verdict::Verified(hits), None),
        AtHome::NotFound => {
            let (verdict, searched) = search.everywhere(console).await?;
            (verdict, Some(searched))
        }
        AtHome::NoTable(table) => return no_table(route.shard, table, lookup, settings).await,
    };
    Ok(Finding {
        key: key.clone(),
        route,
        verdict,
        searched,
    })
}

async fn no_table(
    shard: Shard,
    table: &'static str,
    lookup: Lookup<'_>,
    settings: &Settings,
) -> Result<Finding, Error> {
    let siblings = lookup.tables(None).await?.in_shard.len();
    // Where others have it, the shard is odd, and the database is the right one.
    let others = if siblings == 0 {
        let sql = lookup::tables_sql(lookup.key, None);
        connect::databases_with(&sql, lookup.session.connection(), settings).await
    } else {
        Vec::new()
    };
    Err(Error::NoTable {
        shard,
        table,
        siblings,
        others,
    })
}
