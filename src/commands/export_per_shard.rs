//! `shardq export --per-shard`: one file a shard, and going on after an
//! interruption.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use crate::cli::export::ExportArgs;
use crate::console::Console;
use crate::error::Error;
use crate::exit::Exit;
use crate::export::manifest::Manifest;
use crate::export::per_shard::{self, PerShard};
use crate::export::{ExportError, Text};
use crate::failures::Failures;
use crate::footer::{Elapsed, Grouped};
use crate::merge::Order;
use crate::run::{self, Ending, Outcome, Policy};
use crate::shard::Shard;

use super::connect::Acquaintance;
use super::export::{Asked, Begun, Chosen, advised, particulars, start, text};

pub(super) async fn run(asked: &Asked<'_>, console: &mut Console) -> Result<Exit, Error> {
    let Asked {
        args, interrupt, ..
    } = *asked;
    let earlier = open(args)?;
    let began = Timestamp::now();
    // Which shards there are is known only then; what is left of them is asked.
    let mut all = Vec::new();
    let mut chosen = Chosen {
        order: Order::Arrival,
        pick: &mut |shards: Vec<Shard>| {
            all.clone_from(&shards);
            Ok(match &earlier {
                Some(earlier) => left(earlier, &args.output.output, shards),
                None => shards,
            })
        },
    };
    let underway = start(asked, Acquaintance::First, console, &mut chosen).await?;
    let Some(underway) = underway else {
        return Ok(Exit::Interrupted);
    };
    let Begun {
        started,
        plan,
        types,
        circumstances,
    } = underway;
    let nothing = Outcome {
        ending: Ending::Heard,
        asked: all.len(),
        answers: Vec::new(),
        failures: Failures::default(),
    };
    let now = particulars(asked, &plan, &types, &circumstances, began, &nothing).manifest();
    let folder = &args.output.output;
    let manifest = match earlier {
        Some(earlier) => per_shard::resumed(earlier, &now, folder, &all)?.0,
        None => per_shard::announced(now, &all),
    };
    let text = Text {
        shard_column: None,
        ..text(&args.output)
    };
    let weights = circumstances.shard_rows.clone();
    let mut parts = PerShard::start(folder, asked.kind, text, types, weights, manifest)?;
    let outcome = run::drive(started, &mut parts, console, interrupt, Policy::Continue).await?;
    let finished = tokio::select! {
        biased;
        finished = parts.finish(&outcome) => finished,
        () = async {
            interrupt.requested().await;
            // Files that are whole get their names; that takes no longer than it must.
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        } => return Ok(Exit::Interrupted),
    };
    if !outcome.failures.is_empty() {
        let told = outcome
            .failures
            .describe(outcome.asked, &plan.statement, |error| {
                advised(error, &plan)
            });
        console.error(&told);
    }
    let manifest = finished?;
    let exit = match outcome.ending {
        Ending::Interrupted => Exit::Interrupted,
        Ending::Heard if manifest.complete => Exit::Complete,
        Ending::Heard if manifest.shards_answered > 0 => Exit::Incomplete,
        _ => Exit::Failed,
    };
    if exit != Exit::Complete {
        console.error(&format!(
            "{} is not complete; --resume exports what is missing",
            folder.display()
        ));
    }
    console.note(&footer(&manifest, console));
    Ok(exit)
}

/// An export on its way has a snapshot; one that was resumed has several.
fn footer(manifest: &Manifest, console: &Console) -> String {
    let instant = match (&manifest.runs[..], manifest.runs.len()) {
        ([run], _) if run.snapshot.is_some() => "one snapshot".to_owned(),
        ([_], _) => "no snapshot, each shard at its own instant".to_owned(),
        (_, runs) => format!("{runs} runs, each at its own snapshot"),
    };
    format!(
        "{} rows · {}/{} shards · {instant} · {}",
        Grouped(manifest.rows),
        manifest.shards_answered,
        manifest.shards_expected,
        Elapsed(console.elapsed())
    )
}

/// Makes the folder, or finds what there is to go on with. Before anything connects.
fn open(args: &ExportArgs) -> Result<Option<Manifest>, Error> {
    let folder = &args.output.output;
    let failed = |source| ExportError::File {
        file: folder.clone(),
        source,
    };
    if args.output.resume {
        return Ok(Some(Manifest::read(&Manifest::path_in(folder))?));
    }
    fs::create_dir_all(folder).map_err(failed)?;
    let empty = fs::read_dir(folder).map_err(failed)?.next().is_none();
    if !empty && !args.output.force {
        return Err(ExportError::FolderExists(folder.clone()).into());
    }
    per_shard::clear(folder)?;
    Ok(None)
}

fn left(earlier: &Manifest, folder: &Path, shards: Vec<Shard>) -> Vec<Shard> {
    match per_shard::resumed(earlier.clone(), earlier, folder, &shards) {
        Ok((_, left)) => left,
        // Said when the manifest of now is there to compare with.
        Err(_) => shards,
    }
}
