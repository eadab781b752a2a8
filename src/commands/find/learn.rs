//! `shardq find --learn TABLE.COLUMN`: which rule sends the keys that are there to their shards.

use futures::future::try_join_all;
use jiff::Timestamp;

use super::lookup_plan;
use super::scope::{LookupConnections, LookupRequest, SearchScope};
use super::search::unanswered::Unanswered;
use crate::cli::find::FindArgs;
use crate::commands::databases;
use crate::commands::error::Error;
use crate::commands::setup;
use crate::commands::shard_lists::{self, StandardInput};
use crate::config::profile::write;
use crate::find::learn::fit::{self, Fit, Learned};
use crate::find::learn::names;
use crate::find::learn::sample::{self, Sample};
use crate::find::learn::series;
use crate::find::tables;
use crate::output::sink;
use crate::pg::column_name::ColumnName;
use crate::sharding::routing::key::Key;
use crate::sharding::routing::key_kind::{ColumnKind, RoutingRule};
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{Location, SnapshotCount, SummaryLine, SummaryPart};
use crate::text::humanize::{HumanDuration, ThousandsSeparated};

/// Keys that a rule does not fit, of which a message shows some.
const SHOWN: usize = 3;

struct Outcome {
    sample: Sample,
    learned: Learned,
    unanswered: Unanswered,
    location: Location,
    snapshots: SnapshotCount,
    naming: ShardNames,
}

/// What a rule gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ShardNames {
    Numbered,
    Named,
}

pub async fn run(args: &FindArgs, column: &ColumnName) -> Result<Exit, Error> {
    let mut console = Console::new(args.quiet);
    let key = Key::Value {
        column: column.clone(),
        kind: None,
        text: String::new(),
    };
    let filter = shard_lists::filter(&args.select, StandardInput::Free)?;
    let plan = lookup_plan::plan(args.limits.into(), args.layout(), filter, &key)?;
    let servers = databases::servers(&args.connection)?;
    let interrupt = setup::listen()?;
    let targets = super::targets(args, &servers, &plan, &interrupt, &mut console);
    let Some(targets) = targets.await? else {
        return Ok(Exit::Interrupted);
    };
    let request = LookupRequest {
        targets: &targets,
        plan: &plan,
        preferred: &args.connection.prefer,
        connections: LookupConnections::AtOnce(args.connections),
        interrupt: &interrupt,
    };
    let learned = request.run(&mut console, async |scope, _| learn(&key, scope).await);
    match learned.await? {
        None => Ok(Exit::Interrupted),
        Some(outcome) => report(args, column, outcome, &mut console).await,
    }
}

/// Takes a sample, and tries the rules on it.
async fn learn(key: &Key, scope: &SearchScope<'_>) -> Result<Outcome, Error> {
    let databases = scope.databases();
    let search = scope.search(&databases, &[], key, None)?;
    let tables = search.selected_tables().await?;
    let (Some(key_type), Key::Value { column, .. }) = (tables.key_type(), key) else {
        return Err(Error::NoColumn {
            column: ColumnName {
                table: tables::home(key).unwrap_or_default().to_owned(),
                column: tables::column(key).to_owned(),
            },
            others: lookup_plan::others(search.lookup, scope.settings()?).await,
        });
    };
    let numbering = search.topology.numbering();
    let per_shard = sample::per_shard(tables.in_shard.len());
    let samples = search.lookups().map(|(database, lookup)| {
        let tables = tables.of(database);
        async move { sample::take(lookup, numbering, &tables, per_shard).await }
    });
    let mut sample = Sample::default();
    for part in try_join_all(samples).await? {
        sample.extend(part);
    }
    let (naming, learned) = if numbering.is_some() {
        let series = series::all(search.lookup, key_type, &sample).await?;
        let learned = Learned::new(&sample, &series, Timestamp::now());
        (ShardNames::Numbered, learned)
    } else {
        (ShardNames::Named, Learned::of(names::fits(&sample.keys)))
    };
    let lacking = tables.lacking(Some(&column.table), &scope.selection.shards);
    Ok(Outcome {
        learned,
        naming,
        unanswered: search.unanswered(&sample.failures, lacking).await,
        location: scope.location(),
        snapshots: scope.snapshots(),
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
        snapshots,
        naming,
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
    let none = match naming {
        ShardNames::Numbered => {
            format!("no known hash, modulus, offset or layout of ids fits all keys of {column}")
        }
        ShardNames::Named => format!(
            "shards have names here, and no part of the keys of {column} between fixed texts is \
             the name of every key's shard"
        ),
    };
    let Some(best) = learned.best() else {
        console.error(&none);
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
            "{none}; the best fits {fitting} of {keys}: {}{}",
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
            snapshots.to_string(),
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
