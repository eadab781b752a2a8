//! The files in progress of an export with one file per shard: opened at a shard's first rows,
//! discarded if it fails, completed in the background when it has finished.

use super::PerShard;
use crate::exec::fanout::ShardStats;
use crate::exec::merge::Restart;
use crate::exec::row_sink::OutputClosed;
use crate::export::blocking::blocking;
use crate::export::dataset_dir::part_name;
use crate::export::draft::publish;
use crate::export::encoder::WriterCommand;
use crate::export::manifest::ShardRecord;
use crate::export::manifest_builder::{self, milliseconds};
use crate::export::writer::Writer;
use crate::export::{ExportError, ExportTarget};
use crate::output::open_file;
use crate::sharding::database::Database;
use crate::sharding::shard::Shard;

/// Files that may be syncing at once. Each uses two or three descriptors, and small shards
/// arrive faster than a disk takes them: of 2,000, most were open at once without this limit.
const FINISHING: usize = 16;

pub(super) struct Part {
    target: ExportTarget,
    pub writer: Writer,
}

impl PerShard {
    /// Discards the files in progress.
    pub async fn abandon(&mut self) {
        for part in std::mem::take(&mut self.open).into_values() {
            part.writer.abandon().await;
        }
    }

    /// The file of a shard, opened on first use.
    pub(super) async fn part(&mut self, shard: Shard) -> Result<&Part, OutputClosed> {
        if self.trouble.is_some() {
            return Err(OutputClosed);
        }
        if !self.open.contains_key(&shard) {
            match self.opened(shard) {
                Ok(part) => {
                    let columns = WriterCommand::Columns(self.columns.clone());
                    part.writer.take(columns).await?;
                    if let (Some(first), Some(columns)) = (self.first, self.drifted.remove(&shard))
                    {
                        let drifted = WriterCommand::Drifted {
                            shard,
                            columns,
                            first,
                        };
                        part.writer.take(drifted).await?;
                    }
                    self.open.insert(shard, part);
                }
                Err(error) => {
                    self.trouble = Some(error);
                    return Err(OutputClosed);
                }
            }
        }
        self.open.get(&shard).ok_or(OutputClosed)
    }

    fn opened(&self, shard: Shard) -> Result<Part, ExportError> {
        let path = self.folder.join(part_name(&self.key, shard, self.kind));
        let folder = crate::output::atomic_file::folder(&path);
        open_file::make_folder(&folder).map_err(|source| ExportError::File {
            file: folder,
            source,
        })?;
        let target = ExportTarget::part(&path)?;
        let writer = Writer::start(&target, self.kind, self.text.clone(), Restart::Never)?;
        Ok(Part { target, writer })
    }

    /// Sends to the part's writer; if that has ended, keeps its error.
    pub(super) async fn give(
        &mut self,
        shard: Shard,
        input: WriterCommand,
    ) -> Result<(), OutputClosed> {
        let given = self.part(shard).await?.writer.take(input).await;
        if given.is_err()
            && let Some(part) = self.open.remove(&shard)
        {
            self.trouble = self.trouble.take().or(part.writer.abandon().await);
        }
        given
    }

    pub(super) async fn complete(&mut self, shard: Shard, part: Part, answer: ShardStats) {
        while self.finishing.len() >= FINISHING {
            self.reap_one().await;
        }
        self.touched = true;
        let name = part_name(&self.key, shard, self.kind);
        let run = self.manifest.runs.len() - 1;
        self.finishing.spawn(async move {
            let written = part.writer.finish().await?;
            let mut file = manifest_builder::file(part.target.path(), &written);
            file.name = name;
            if let ExportTarget::File(draft) = part.target {
                blocking(move || publish(draft)).await?;
            }
            Ok(ShardRecord {
                shard: shard.to_string(),
                server: shard.database().map(Database::place),
                rows: answer.rows,
                bytes: written.shard_bytes.get(&shard).copied().unwrap_or(0),
                milliseconds: milliseconds(answer.took),
                run,
                file: Some(file),
            })
        });
    }
}
