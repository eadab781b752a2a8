//! Going on with an export of one file a shard: what is there of it, and whether
//! what is asked for now is still the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::ExportError;
use super::manifest::{Manifest, MissingRecord, NOT_YET, ShardRecord};
use crate::shard::Shard;

/// The manifest of an export that is about to begin.
pub fn announced(mut manifest: Manifest, shards: &[Shard]) -> Manifest {
    manifest.complete = false;
    manifest.shards_expected = shards.len();
    manifest.shards_answered = 0;
    manifest.missing = shards
        .iter()
        .map(|shard| MissingRecord {
            shard: shard.to_string(),
            error: NOT_YET.to_owned(),
        })
        .collect();
    if let Some(run) = manifest.runs.last_mut() {
        run.ended = None;
    }
    manifest
}

/// Which of the shards have no file yet.
pub fn left(then: &Manifest, folder: &Path, shards: &[Shard]) -> Vec<Shard> {
    let there: BTreeSet<_> = then
        .shards
        .iter()
        .filter(|entry| is_there(entry, folder))
        .map(|entry| entry.shard.as_str())
        .collect();
    let is_left = |shard: &Shard| !there.contains(shard.to_string().as_str());
    shards.iter().copied().filter(is_left).collect()
}

/// What is there and of its size stays; verify looks closer.
fn is_there(entry: &ShardRecord, folder: &Path) -> bool {
    entry.file.as_ref().is_some_and(|file| {
        fs::metadata(folder.join(&file.name)).is_ok_and(|there| there.len() == file.bytes)
    })
}

/// The manifest of an export that goes on with what is [`left`] of all shards.
///
/// # Errors
/// If what is asked for now is not what was asked for then.
pub fn resumed(
    then: Manifest,
    now: &Manifest,
    shards: &[Shard],
    left: &[Shard],
) -> Result<Manifest, ExportError> {
    check(&then, now, shards)?;
    let again: BTreeSet<_> = left.iter().map(ToString::to_string).collect();
    let stay: Vec<_> = then
        .shards
        .iter()
        .filter(|entry| !again.contains(&entry.shard))
        .cloned()
        .collect();
    let runs = [&then.runs[..], &now.runs[..]].concat();
    Ok(Manifest {
        shards_expected: shards.len(),
        shards_answered: stay.len(),
        rows: stay.iter().map(|entry| entry.rows).sum(),
        shards: stay,
        ..announced(Manifest { runs, ..then }, left)
    })
}

fn check(then: &Manifest, now: &Manifest, shards: &[Shard]) -> Result<(), ExportError> {
    let refused = |what: String| Err(ExportError::Resumed(what));
    let same = [
        ("statement", &then.statement, &now.statement),
        ("search_path", &then.search_path, &now.search_path),
        ("database", &then.server.database, &now.server.database),
        ("format", &then.format, &now.format),
    ];
    for (what, then, now) in same {
        if then != now {
            return refused(format!("the {what} was {then} then, and is {now} now"));
        }
    }
    if then.header != now.header {
        return refused("the header was not the same".to_owned());
    }
    // They change how values are written.
    for option in ["null", "excel", "bigint-as-string"] {
        if then.options.get(option) != now.options.get(option) {
            return refused(format!("--{option} was not the same"));
        }
    }
    let names: BTreeSet<_> = shards.iter().map(ToString::to_string).collect();
    let answered = then.shards.iter().map(|entry| &entry.shard);
    let missing = then.missing.iter().map(|entry| &entry.shard);
    let before: BTreeSet<_> = answered.chain(missing).cloned().collect();
    if names != before {
        return refused(format!(
            "the shards were {} then, and are {} now",
            before.len(),
            names.len()
        ));
    }
    Ok(())
}
