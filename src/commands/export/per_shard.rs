//! `shardq export --per-shard`: one file a shard, and going on after an
//! interruption.

use std::time::Duration;

use jiff::Timestamp;

use crate::cli::export::ExportOutputArgs;
use crate::commands::connect::Acquaintance;
use crate::console::Console;
use crate::draft::Existing;
use crate::error::Error;
use crate::exit::Exit;
use crate::export::folder::Folder;
use crate::export::manifest::Manifest;
use crate::export::per_shard::PerShard;
use crate::export::resume;
use crate::failures::Failures;
use crate::footer::{Elapsed, Grouped};
use crate::merge::{Delivery, Order, Recall};
use crate::run::{self, Ending, Outcome, Policy};
use crate::shard::Shard;

use super::Asked;
use super::begun::{self, Begun, Chosen};
use super::conclusion::Ran;

pub async fn run(asked: &Asked<'_>, console: &mut Console) -> Result<Exit, Error> {
    let (folder, earlier) = open(&asked.args.output)?;
    let began = Timestamp::now();
    // Which shards there are is known only then; what is left of them is asked.
    let (mut all, mut left) = (Vec::new(), Vec::new());
    let mut chosen = Chosen {
        delivery: Delivery {
            order: Order::Arrival,
            recall: Recall::UntilEnded,
        },
        pick: &mut |shards: Vec<Shard>| {
            left = match &earlier {
                Some(earlier) => resume::left(earlier, folder.at(), &shards),
                None => shards.clone(),
            };
            all = shards;
            Ok(left.clone())
        },
    };
    let underway = begun::start(asked, Acquaintance::First, console, &mut chosen).await?;
    let Some(Begun {
        started,
        plan,
        types,
        circumstances,
    }) = underway
    else {
        return Ok(Exit::Interrupted);
    };
    let mut ran = Ran {
        asked: *asked,
        plan,
        types,
        circumstances,
        began,
        outcome: nothing(all.len()),
    };
    let now = ran.particulars().manifest();
    let manifest = match earlier {
        Some(earlier) => resume::resumed(earlier, &now, &all, &left)?,
        None => resume::announced(now, &all),
    };
    let mut parts = PerShard::start(
        folder.at(),
        asked.kind,
        asked.text(),
        ran.types.clone(),
        ran.circumstances.shard_rows.clone(),
        manifest,
    )?;
    let policy = Policy::Continue;
    ran.outcome = run::drive(started, &mut parts, console, asked.interrupt, policy).await?;
    tokio::select! {
        biased;
        exit = conclude(&ran, parts, folder, console) => exit,
        () = async {
            asked.interrupt.requested().await;
            // Files that are whole get their names; that takes no longer than it must.
            tokio::time::sleep(Duration::from_secs(10)).await;
        } => Ok(Exit::Interrupted),
    }
}

/// Makes the folder, or finds what there is to go on with. Before anything connects.
fn open(args: &ExportOutputArgs) -> Result<(Folder, Option<Manifest>), Error> {
    if args.resume {
        let (folder, earlier) = Folder::resume(&args.output)?;
        return Ok((folder, Some(earlier)));
    }
    let existing = if args.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    Ok((Folder::create(&args.output, existing)?, None))
}

/// The books of a run that is about to begin.
fn nothing(asked: usize) -> Outcome {
    Outcome {
        ending: Ending::Heard,
        asked,
        answers: Vec::new(),
        failures: Failures::default(),
    }
}

/// Says how it went, and puts the export in its place if all of it is there.
async fn conclude(
    ran: &Ran<'_>,
    parts: PerShard,
    folder: Folder,
    console: &mut Console,
) -> Result<Exit, Error> {
    let finished = parts.finish(&ran.outcome).await;
    ran.say_failures(console);
    let manifest = finished?;
    let mut exit = match ran.outcome.ending {
        Ending::Interrupted => Exit::Interrupted,
        Ending::Heard if manifest.complete => Exit::Complete,
        Ending::Heard if manifest.shards_answered > 0 => Exit::Incomplete,
        _ => Exit::Failed,
    };
    let path = ran.asked.args.output.output.display();
    if exit != Exit::Complete {
        console.error(&if folder.replaces() {
            format!(
                "{path} stays as it was, since what is to replace it is not complete; \
                 --resume exports what is missing"
            )
        } else {
            format!("{path} is not complete; --resume exports what is missing")
        });
    } else if let Err(error) = folder.settle(&manifest) {
        exit = Exit::Failed;
        console.error(&format!(
            "{error}\n{path} holds files of two exports now; --resume completes the new one"
        ));
    }
    ran.say_timing(console);
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
