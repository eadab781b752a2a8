//! `shardq find --learn TABLE.COLUMN`: which rule sends the keys that are there to their shards.

use std::sync::Arc;

use jiff::Timestamp;

use super::lookup_plan;
use super::scope::SearchScope;
use super::search::Unanswered;
use crate::cli::find::FindArgs;
use crate::client::{Connection, ConnectionPool};
use crate::commands::attempt::Attempts;
use crate::commands::error::Error;
use crate::commands::session_setup;
use crate::commands::setup;
use crate::commands::shard_lists::{self, StandardInput};
use crate::config::Settings;
use crate::config::profile::write;
use crate::exec::plan::Plan;
use crate::find::learn::fit::{self, Fit, Learned};
use crate::find::learn::sample::{self, Sample};
use crate::find::learn::series;
use crate::find::tables;
use crate::output::sink;
use crate::pg::column_name::ColumnName;
use crate::sharding::routing::key::Key;
use crate::sharding::routing::key_kind::{ColumnKind, RoutingRule};
use crate::sharding::statement::Statement;
use crate::sharding::topology::TopologyError;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{Location, SummaryLine, SummaryPart};
use crate::text::humanize::{HumanDuration, ThousandsSeparated};

/// Keys that a rule does not fit, of which a message shows some.
const SHOWN: usize = 3;

struct Outcome {
    sample: Sample,
    learned: Learned,
    unanswered: Unanswered,
    location: Location,
}

pub async fn run(args: &FindArgs, column: &ColumnName) -> Result<Exit, Error> {
    let mut console = Console::new(args.quiet);
    let key = Key::Value {
        column: column.clone(),
        kind: None,
        text: String::new(),
    };
    let filter = shard_lists::filter(&args.select, StandardInput::Free)?;
    let layout = args.layout();
    if layout.numbering().is_none() {
        return Err(TopologyError::NoNumbers.into());
    }
    let plan = lookup_plan::plan(args.limits.into(), layout, Arc::clone(&filter), &key)?;
    let settings = setup::settings(&args.connection, &args.layout.patterns.databases)?;
    let interrupt = setup::listen()?;
    setup::say_warnings([&settings], &mut console);
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let opened = tokio::select! {
            opened = session_setup::open(&settings, 1, attempts.connect, &mut console) => opened?,
            () = interrupt.requested() => return Ok(Exit::Interrupted),
        };
        let work = learn(
            &key,
            &plan,
            &settings,
            &opened.server,
            opened.first,
            &mut console,
        );
        let learned = session_setup::run_or_cancel(&opened.server, &interrupt, work).await;
        opened.server.close().await;
        let notices = opened.server.take_notices();
        notices.say(1, &Statement::composed(String::new()), &mut console);
        match learned {
            Err(Error::Lookup(error)) if error.is_transient() => {
                attempts.retry_after(&error, &mut console);
            }
            Err(error) => return Err(error),
            Ok(None) => return Ok(Exit::Interrupted),
            Ok(Some(outcome)) => return report(args, column, outcome, &mut console).await,
        }
    }
}

/// Takes a sample, and tries the rules on it.
async fn learn(
    key: &Key,
    plan: &Plan,
    settings: &Settings,
    server: &ConnectionPool,
    connection: Connection,
    console: &mut Console,
) -> Result<Outcome, Error> {
    let scope = SearchScope::take(connection, plan, settings, console).await?;
    let search = scope.search(key, None);
    let tables = search.selected_tables().await?;
    let (Some(key_type), Key::Value { column, .. }) = (tables.key_type(), key) else {
        return Err(Error::NoColumn {
            column: ColumnName {
                table: tables::home(key).unwrap_or_default().to_owned(),
                column: tables::column(key).to_owned(),
            },
            others: lookup_plan::others(search.lookup, settings).await,
        });
    };
    let numbering = scope.topology.numbering().ok_or(TopologyError::NoNumbers)?;
    let sample = sample::take(search.lookup, numbering, &tables).await?;
    let series = series::all(search.lookup, key_type, &sample).await?;
    let lacking = tables.lacking(Some(&column.table), &scope.selection.shards);
    Ok(Outcome {
        learned: Learned::new(&sample, &series, Timestamp::now()),
        unanswered: search.unanswered(&sample.failures, lacking).await,
        location: session_setup::location(server),
        sample,
    })
}

/// Prints the rule that fits all keys as lines of a profile.
async fn report(
    args: &FindArgs,
    column: &ColumnName,
    outcome: Outcome,
    console: &mut Console,
) -> Result<Exit, Error> {
    let Outcome {
        sample,
        learned,
        unanswered,
        location,
    } = outcome;
    unanswered.say(console);
    let count = sample.keys.len();
    let keys = ThousandsSeparated(count as u64);
    if !fit::is_enough(&sample) {
        let shards = sample.shards();
        console.error(&format!(
            "{keys} keys in {shards} shards are too few to tell a rule from chance"
        ));
        return Ok(Exit::Failed);
    }
    let Some(best) = learned.best() else {
        return Ok(Exit::Failed);
    };
    let fitting = ThousandsSeparated(best.keys as u64);
    let fits_all = best.keys == count;
    if fits_all {
        sink::print(lines(args, column, &best.rule)).await?;
        for other in learned.others() {
            console.note(&format!("also fits: {}", describe(&other.rule)));
        }
    } else {
        console.error(&format!(
            "no known hash, modulus, offset or layout of ids fits all keys of {column}; the best \
             fits {fitting} of {keys}: {}{}",
            describe(&best.rule),
            counterexamples(&sample, best)
        ));
    }
    let shards = sample.shards();
    console.summary(&SummaryLine {
        before: vec![
            SummaryPart::Plain(format!("{keys} keys of {shards} shards")),
            SummaryPart::complete_if(fits_all, format!("{fitting} fit")),
        ],
        location,
        after: vec![
            "one snapshot".to_owned(),
            HumanDuration(console.elapsed()).to_string(),
        ],
    });
    Ok(if fits_all {
        Exit::Complete
    } else {
        Exit::Failed
    })
}

/// The kind is named by `--kind`, else as the table.
fn lines(args: &FindArgs, column: &ColumnName, rule: &RoutingRule) -> String {
    let profile = args.connection.selected.as_ref();
    let profile = profile.map_or("PROFILE", |profile| &profile.name);
    let kind = ColumnKind {
        name: args.kind.clone().unwrap_or_else(|| column.table.clone()),
        column: column.clone(),
        rule: rule.clone(),
    };
    write::key_kind(profile, &kind)
}

fn describe(rule: &RoutingRule) -> String {
    rule.describe(rule.buckets().and_then(|buckets| buckets.divisor(None)))
}

/// `; not "acme" in shard_3, "beta" in shard_0 …`
fn counterexamples(sample: &Sample, fit: &Fit) -> String {
    let wrong = fit.wrong.iter().filter_map(|index| sample.keys.get(*index));
    let named = wrong.map(|key| format!("{:?} in {}", key.text, key.shard));
    let named: Vec<_> = named.take(SHOWN).collect();
    let more = if fit.wrong.len() > SHOWN { " …" } else { "" };
    format!("; not {}{more}", named.join(", "))
}
