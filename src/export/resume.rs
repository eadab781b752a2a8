//! Resuming an export with one file per shard: which files can stay, and whether the request
//! is still the same.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::ExportError;
use super::blocking::blocking;
use super::columns::recorded;
use super::manifest::{FileRecord, Manifest, MissingRecord, NOT_YET};
use super::verify::matches_digest;
use crate::export::dataset_dir;
use crate::sharding::shard::Shard;

/// The manifest at the start of an export, with every shard missing.
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

/// An interrupted export.
#[derive(Debug)]
pub struct PreviousExport {
    manifest: Manifest,
    /// The shards whose files match the manifest.
    intact: BTreeSet<String>,
    /// Files that do not match the manifest.
    pub changed: Vec<PathBuf>,
}

/// Who may resume an export. Another user may see other rows: row-level security, views and
/// functions can depend on the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    Same,
    Any,
}

enum PartState {
    Intact,
    Modified,
    Missing,
}

impl PreviousExport {
    /// Reads and hashes the existing files, because damage need not change a file's size.
    /// 100 MB took 0.4 s; no server resources are held meanwhile.
    ///
    /// # Errors
    /// If an existing file cannot be read.
    pub async fn examine(manifest: Manifest, folder: &Path) -> Result<Self, ExportError> {
        let folder = folder.to_owned();
        blocking(move || {
            let (mut intact, mut changed) = (BTreeSet::new(), Vec::new());
            for entry in &manifest.shards {
                let Some(file) = &entry.file else { continue };
                let path = folder.join(&file.name);
                match found(&path, file)? {
                    PartState::Intact => {
                        intact.insert(entry.shard.clone());
                    }
                    PartState::Modified => changed.push(path),
                    PartState::Missing => {}
                }
            }
            Ok(Self {
                manifest,
                intact,
                changed,
            })
        })
        .await
    }

    /// The shards that still have to be exported.
    pub fn left(&self, shards: &[Shard]) -> Vec<Shard> {
        let is_left = |shard: &Shard| !self.intact.contains(&shard.to_string());
        shards.iter().copied().filter(is_left).collect()
    }

    /// The manifest to continue with. Of all `shards`, those in [`Self::left`] are exported next.
    ///
    /// # Errors
    /// If the request differs from the original one.
    pub fn resumed(
        &self,
        now: &Manifest,
        shards: &[Shard],
        left: &[Shard],
        users: Users,
    ) -> Result<Manifest, ExportError> {
        let mut then = self.manifest.clone();
        check(&then, now, shards)?;
        if users == Users::Same {
            check_user(&then, &now.server.user)?;
        }
        then.shards
            .retain(|entry| self.intact.contains(&entry.shard));
        then.drop_empty_runs();
        then.runs.extend(now.runs.iter().cloned());
        let stay = then.shards.clone();
        Ok(Manifest {
            shards_expected: shards.len(),
            shards_answered: stay.len(),
            rows: stay.iter().map(|entry| entry.rows).sum(),
            shards: stay,
            ..announced(then, left)
        })
    }
}

fn found(path: &Path, file: &FileRecord) -> Result<PartState, ExportError> {
    match matches_digest(path, file) {
        Ok(true) => Ok(PartState::Intact),
        Ok(false) => Ok(PartState::Modified),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(PartState::Missing),
        Err(source) => Err(ExportError::File {
            file: path.to_owned(),
            source,
        }),
    }
}

fn check_user(then: &Manifest, now: &str) -> Result<(), ExportError> {
    match then.users().into_iter().find(|user| *user != now) {
        Some(other) => Err(ExportError::AnotherUser {
            then: other.to_owned(),
            now: now.to_owned(),
        }),
        None => Ok(()),
    }
}

fn check(then: &Manifest, now: &Manifest, shards: &[Shard]) -> Result<(), ExportError> {
    let refused = |what: String| Err(ExportError::ResumeMismatch(what));
    let [server_then, server_now] = [then, now].map(|manifest| manifest.server.place());
    let same = [
        ("statement", &then.statement, &now.statement),
        ("search_path", &then.search_path, &now.search_path),
        ("server", &server_then, &server_now),
        ("database", &then.server.database, &now.server.database),
        ("format", &then.format, &now.format),
    ];
    for (what, then, now) in same {
        if then != now {
            return refused(format!("the {what} was {then}, and is now {now}"));
        }
    }
    if then.header != now.header {
        return refused("the header differs".to_owned());
    }
    for (name, now) in &now.settings {
        match then.settings.get(name) {
            Some(then) if then == now => {}
            then => {
                let then = then.map_or("unknown", String::as_str);
                return refused(format!("the setting {name} was {then}, and is now {now}"));
            }
        }
    }
    if recorded(then).is_none() {
        return refused("the manifest does not record the column types".to_owned());
    }
    // Options that change how values are written.
    for option in [
        "null",
        "delimiter",
        "excel",
        "bigint-as-string",
        "shard-column",
    ] {
        if then.options.get(option) != now.options.get(option) {
            return refused(format!("--{option} differs"));
        }
    }
    let names: BTreeSet<_> = shards.iter().map(ToString::to_string).collect();
    let answered = then.shards.iter().map(|entry| &entry.shard);
    let missing = then.missing.iter().map(|entry| &entry.shard);
    let before: BTreeSet<_> = answered.chain(missing).cloned().collect();
    if names != before {
        return refused(format!(
            "the shards differ: {} then, {} now",
            before.len(),
            names.len()
        ));
    }
    Ok(())
}

/// The interrupted export that `--resume` continues in this folder.
pub async fn load_previous(target: &Path) -> Result<PreviousExport, ExportError> {
    let (at, manifest) = dataset_dir::interrupted(target)?;
    PreviousExport::examine(manifest, &at).await
}
