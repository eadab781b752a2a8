//! Keeps the manifest of an export with one file per shard: adds files as they are completed, and
//! at the end says what is missing and why.

use super::PerShard;
use crate::exec::run_report::RunReport;
use crate::export::ExportError;
use crate::export::columns::to_records;
use crate::export::manifest::{ColumnRecord, Manifest, ShardRecord};
use crate::export::manifest_builder;
use crate::export::server_info::DatabaseInfo;
use crate::sharding::shard::Shard;

impl PerShard {
    /// Waits for files that are complete, then writes the final manifest: what it contains, and
    /// why the other shards are missing. Also returns the first error.
    pub async fn finish(
        mut self,
        outcome: &RunReport,
        columns: Result<Vec<ColumnRecord>, String>,
        databases: &[DatabaseInfo],
    ) -> (Manifest, Option<ExportError>) {
        self.abandon().await;
        while self.reap_one().await {}
        match columns {
            // The run ended early.
            Ok(columns) if columns.is_empty() => {}
            Ok(columns) => self.manifest.columns = columns,
            Err(reason) => {
                let error = ExportError::ColumnTypes(reason);
                self.trouble = self.trouble.take().or(Some(error));
            }
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
            run.ended = Some(manifest_builder::time(jiff::Timestamp::now()));
            run.databases = databases.iter().map(manifest_builder::database).collect();
            run.warnings = outcome.notices.warnings();
        }
        // If no run read anything, all stay on record.
        if !self.manifest.shards.is_empty() {
            self.manifest.drop_empty_runs();
        }
        let recorded = self.record();
        (self.manifest, self.trouble.or(recorded.err()))
    }

    pub(super) fn record(&mut self) -> Result<(), ExportError> {
        let mut types = self.column_types.clone();
        types.retain(|shard| self.has(shard));
        self.manifest.column_types = to_records(&types);
        self.manifest.replace(&Manifest::path_in(&self.folder))
    }

    /// Waits for one file to be finished; `false` if there is none to wait for.
    pub(super) async fn reap_one(&mut self) -> bool {
        let finished = self.finishing.join_next().await;
        let Some(finished) = finished else {
            return false;
        };
        self.enter(finished.unwrap_or(Err(ExportError::WriterPanicked(self.folder.clone()))));
        true
    }

    pub(super) fn poll_finished(&mut self) {
        while let Some(finished) = self.finishing.try_join_next() {
            self.enter(finished.unwrap_or(Err(ExportError::WriterPanicked(self.folder.clone()))));
        }
    }

    /// Adds a completed file to the manifest.
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
                    .sort_by_key(|entry| Shard::named(&entry.shard));
                manifest.shards_answered = manifest.shards.len();
                self.stale = true;
            }
            Err(error) => self.trouble = self.trouble.take().or(Some(error)),
        }
    }
}
