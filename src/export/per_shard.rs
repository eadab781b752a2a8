//! One file a shard, each whole or absent: `DIR/shard=shard_30/part.csv`.
//!
//! The manifest is there from the beginning and is brought up to date as files
//! get their names, so that an export that was interrupted can be resumed. A file
//! that got its name, but not its entry, is exported again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::task::JoinSet;

use super::manifest::{ColumnRecord, Manifest, MissingRecord, NOT_YET, RunRecord, ShardRecord};
use super::one_file::blocking;
use super::progress::Progress;
use super::record::{self, milliseconds};
use super::target::publish;
use super::writer::{Input, Text, Writer};
use super::{ExportError, Kind, Target};
use crate::draft::Existing;
use crate::fanout::Answer;
use crate::render::RenderError;
use crate::row::{Column, Rows};
use crate::run::{Destination, Ended, Outcome, WriterFailed};
use crate::shard::Shard;
use crate::transfer::Lines;
use crate::types::TypeNames;

/// Files under way, and the manifest of all.
pub(crate) struct PerShard {
    folder: PathBuf,
    kind: Kind,
    text: Text,
    types: TypeNames,
    manifest: Manifest,
    columns: Vec<Column>,
    open: BTreeMap<Shard, Part>,
    finishing: JoinSet<Result<ShardRecord, ExportError>>,
    progress: Progress,
    began: Instant,
    stale: bool,
    touched: bool,
    trouble: Option<ExportError>,
}

struct Part {
    target: Target,
    writer: Writer,
}

impl PerShard {
    /// Goes on with `manifest`, which is that of a new export or of one resumed.
    pub fn start(
        folder: &Path,
        kind: Kind,
        text: Text,
        types: TypeNames,
        weights: BTreeMap<Shard, u64>,
        manifest: Manifest,
    ) -> Result<Self, ExportError> {
        let parts = Self {
            folder: folder.to_owned(),
            kind,
            text,
            types,
            manifest,
            columns: Vec::new(),
            open: BTreeMap::new(),
            finishing: JoinSet::new(),
            progress: Progress::new(weights),
            began: Instant::now(),
            stale: false,
            touched: false,
            trouble: None,
        };
        parts.record()?;
        Ok(parts)
    }

    /// Waits for the files that are complete, and ends the manifest: what is in it,
    /// and why the other shards are not.
    pub async fn finish(mut self, outcome: &Outcome) -> Result<Manifest, ExportError> {
        let open = std::mem::take(&mut self.open);
        for part in open.into_values() {
            part.writer.abandon().await;
        }
        while let Some(finished) = self.finishing.join_next().await {
            self.enter(finished.unwrap_or(Err(ExportError::Crashed(self.folder.clone()))));
        }
        for (shard, error) in outcome.failures.iter() {
            let shard = shard.to_string();
            let missing = self.manifest.missing.iter_mut();
            for entry in missing.filter(|entry| entry.shard == shard) {
                entry.error = error.to_string();
            }
        }
        self.manifest.complete = self.manifest.missing.is_empty();
        if let Some(run) = self.manifest.runs.last_mut() {
            run.ended = Some(record::time(jiff::Timestamp::now()));
        }
        let recorded = self.record();
        match self.trouble {
            Some(error) => Err(error),
            None => recorded.map(|()| self.manifest),
        }
    }

    fn record(&self) -> Result<(), ExportError> {
        self.manifest.replace(&Manifest::path_in(&self.folder))
    }

    fn reap(&mut self) {
        while let Some(finished) = self.finishing.try_join_next() {
            self.enter(finished.unwrap_or(Err(ExportError::Crashed(self.folder.clone()))));
        }
    }

    /// A file has its name: the manifest gets to know it.
    fn enter(&mut self, finished: Result<ShardRecord, ExportError>) {
        match finished {
            Ok(entry) => {
                let manifest = &mut self.manifest;
                manifest
                    .missing
                    .retain(|missing| missing.shard != entry.shard);
                manifest.rows += entry.rows;
                manifest.shards.push(entry);
                manifest
                    .shards
                    .sort_by_key(|entry| Shard::from_schema(&entry.shard));
                manifest.shards_answered = manifest.shards.len();
                self.stale = true;
            }
            Err(error) => self.trouble = self.trouble.take().or(Some(error)),
        }
    }

    /// The file of a shard, opened when the first of it comes.
    async fn part(&mut self, shard: Shard) -> Result<&Part, WriterFailed> {
        self.touched = true;
        if !self.open.contains_key(&shard) {
            match self.opened(shard) {
                Ok(part) => {
                    let columns = Input::Columns(self.columns.clone());
                    part.writer.take(columns).await?;
                    self.open.insert(shard, part);
                }
                Err(error) => {
                    self.trouble = Some(error);
                    return Err(WriterFailed);
                }
            }
        }
        self.open.get(&shard).ok_or(WriterFailed)
    }

    fn opened(&self, shard: Shard) -> Result<Part, ExportError> {
        let path = self.folder.join(name(shard, self.kind));
        let folder = crate::draft::folder(&path);
        fs::create_dir_all(&folder).map_err(|source| ExportError::File {
            file: folder,
            source,
        })?;
        let target = Target::open(&path, Existing::Replace)?;
        let writer = Writer::start(&target, self.kind, self.text.clone())?;
        Ok(Part { target, writer })
    }

    /// What came of a part whose writer takes no more.
    async fn give(&mut self, shard: Shard, input: Input) -> Result<(), WriterFailed> {
        let given = self.part(shard).await?.writer.take(input).await;
        if given.is_err()
            && let Some(part) = self.open.remove(&shard)
        {
            self.trouble = part.writer.abandon().await;
        }
        given
    }

    fn complete(&mut self, shard: Shard, part: Part, answer: Answer) {
        let name = name(shard, self.kind);
        let run = self.manifest.runs.len() - 1;
        self.finishing.spawn(async move {
            let written = part.writer.finish().await?;
            let mut file = record::file(part.target.path(), &written);
            file.name = name;
            if let Target::File(draft) = part.target {
                blocking(move || publish(draft)).await?;
            }
            Ok(ShardRecord {
                shard: shard.to_string(),
                rows: answer.rows,
                bytes: written.shard_bytes.get(&shard).copied().unwrap_or(0),
                milliseconds: milliseconds(answer.took),
                run,
                file: Some(file),
            })
        });
    }
}

impl Destination for PerShard {
    fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        let records = record::columns(columns, &self.types);
        if self.manifest.columns.is_empty() {
            self.manifest.columns = records;
        } else if self.manifest.columns != records {
            self.trouble = Some(ExportError::Resumed(format!(
                "the columns were {} then, and are {} now",
                listed(&self.manifest.columns),
                listed(&records)
            )));
        }
        self.columns = columns.to_vec();
        Ok(())
    }

    async fn rows(&mut self, shard: Shard, rows: Rows) -> Result<(), WriterFailed> {
        self.progress.add(rows.len() as u64, rows.text_bytes());
        self.give(shard, Input::Rows(shard, rows)).await
    }

    async fn lines(&mut self, shard: Shard, lines: Lines) -> Result<(), WriterFailed> {
        self.progress.add(lines.rows, lines.text.len());
        self.give(shard, Input::Lines(shard, lines)).await
    }

    async fn ended(&mut self, shard: Shard, ended: Ended) -> Result<(), WriterFailed> {
        if self.trouble.is_some() {
            return Err(WriterFailed);
        }
        match ended {
            Ended::Answered(answer) => {
                // A shard without rows has a file as well.
                self.part(shard).await?;
                if let Some(part) = self.open.remove(&shard) {
                    self.progress.answered(shard, answer.rows);
                    self.complete(shard, part, answer);
                }
            }
            Ended::Failed => {
                if let Some(part) = self.open.remove(&shard) {
                    part.writer.abandon().await;
                }
            }
        }
        self.reap();
        Ok(())
    }

    /// Now and then, and not for each file: the manifest is as long as the topology.
    async fn flush(&mut self) -> Result<(), WriterFailed> {
        self.reap();
        if std::mem::take(&mut self.stale)
            && let Err(error) = self.record()
        {
            self.trouble = Some(error);
        }
        match self.trouble {
            Some(_) => Err(WriterFailed),
            None => Ok(()),
        }
    }

    /// Files that have their names are there to stay.
    fn is_untouched(&self) -> bool {
        !self.touched
    }

    fn progress(&self, _: &Outcome) -> String {
        self.progress.describe(self.began.elapsed())
    }
}

fn listed(columns: &[ColumnRecord]) -> String {
    let list: Vec<_> = columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.type_name))
        .collect();
    format!("({})", list.join(", "))
}

/// Below the folder.
fn name(shard: Shard, kind: Kind) -> String {
    format!("shard={shard}/part.{kind}")
}

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

/// The manifest of an export that goes on, and which of the shards are to be asked.
///
/// # Errors
/// If what is asked for now is not what was asked for then.
pub fn resumed(
    mut then: Manifest,
    now: &Manifest,
    folder: &Path,
    shards: &[Shard],
) -> Result<(Manifest, Vec<Shard>), ExportError> {
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
    let names: BTreeSet<_> = shards.iter().map(ToString::to_string).collect();
    let before: BTreeSet<_> = then
        .shards
        .iter()
        .map(|entry| entry.shard.clone())
        .chain(then.missing.iter().map(|entry| entry.shard.clone()))
        .collect();
    if names != before {
        return refused(format!(
            "the shards were {} then, and are {} now",
            before.len(),
            names.len()
        ));
    }
    // What is there and of its size stays; verify looks closer.
    let is_there = |entry: &ShardRecord| {
        entry.file.as_ref().is_some_and(|file| {
            fs::metadata(folder.join(&file.name)).is_ok_and(|there| there.len() == file.bytes)
        })
    };
    then.shards.retain(is_there);
    let there: BTreeSet<_> = then
        .shards
        .iter()
        .map(|entry| entry.shard.clone())
        .collect();
    let left: Vec<_> = shards
        .iter()
        .copied()
        .filter(|shard| !there.contains(&shard.to_string()))
        .collect();
    let total = shards.len();
    let answered = then.shards.len();
    let rows = then.shards.iter().map(|entry| entry.rows).sum();
    let mut runs: Vec<RunRecord> = std::mem::take(&mut then.runs);
    runs.extend(now.runs.iter().cloned());
    let manifest = announced(Manifest { runs, ..then }, &left);
    Ok((
        Manifest {
            shards_expected: total,
            shards_answered: answered,
            rows,
            ..manifest
        },
        left,
    ))
}

/// Removes the files of an earlier export, whatever shards it had.
pub fn clear(folder: &Path) -> Result<(), ExportError> {
    let failed = |file: PathBuf| move |source| ExportError::File { file, source };
    for entry in fs::read_dir(folder)
        .map_err(failed(folder.to_owned()))?
        .flatten()
    {
        let name = entry.file_name();
        let shard = name.to_str().and_then(|name| name.strip_prefix("shard="));
        if shard.and_then(Shard::from_schema).is_none() {
            continue;
        }
        for kind in Kind::names() {
            let part = entry.path().join(format!("part.{kind}"));
            if part.exists() {
                fs::remove_file(&part).map_err(failed(part.clone()))?;
            }
        }
        // Stays if something else is in it.
        let _ = fs::remove_dir(entry.path());
    }
    Ok(())
}
