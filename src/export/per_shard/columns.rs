//! Columns of an export with one file per shard: compares the shards being exported with
//! those already there.

use super::PerShard;
use crate::exec::column_types::ColumnTypes;
use crate::exec::run_report::RunReport;
use crate::export::manifest::ColumnRecord;
use crate::export::{ExportError, manifest_builder};
#[cfg(feature = "parquet")]
use crate::export::{FileFormat, parquet};
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;

impl PerShard {
    /// Of the shards that the export contains in the end: those already there, and those that
    /// have answered.
    pub fn column_types(&self, outcome: &RunReport) -> ColumnTypes {
        let mut types = self.column_types.clone();
        types.retain(|shard| outcome.has_answered(shard) || self.has(shard));
        types
    }

    pub(super) fn has(&self, shard: Shard) -> bool {
        let shards = &self.manifest.shards;
        // A manifest has no positions in a list.
        let shard = Shard::named(shard.name());
        let found = shards.binary_search_by_key(&shard, |entry| Shard::named(&entry.shard));
        found.is_ok()
    }

    /// The columns of the first shard that answers.
    fn take_columns(&mut self, shard: Shard, columns: &[Column]) {
        let records = manifest_builder::columns(columns, &self.types.of(shard));
        if self.manifest.columns.is_empty() {
            self.manifest.columns = records;
        } else if !self.had(shard, columns) {
            self.trouble = Some(ExportError::ResumeMismatch(format!(
                "the columns were {}, and are now {}",
                listed(&self.manifest.columns),
                listed(&records)
            )));
        }
        // DuckDB matches names ignoring case, and takes the folder's value over the column's.
        let of_folders = columns
            .iter()
            .find(|c| c.name.eq_ignore_ascii_case(&self.key));
        if let Some(column) = of_folders {
            self.trouble = Some(ExportError::KeyOfFolders {
                column: column.name.clone(),
                key: self.key.clone(),
            });
        }
        #[cfg(feature = "parquet")]
        if self.kind.format == FileFormat::Parquet
            && self.trouble.is_none()
            && !self.column_types.is_empty()
        {
            self.keep_to_files();
        }
    }

    pub(super) fn declared(&mut self, shard: Shard, columns: Vec<Column>) {
        if !std::mem::replace(&mut self.are_compared, true) {
            self.take_columns(shard, &columns);
        }
        self.column_types.add(shard, &columns);
        self.first.get_or_insert(shard);
        if columns == self.columns {
            self.drifted.remove(&shard);
        } else {
            self.drifted.insert(shard, columns);
        }
    }

    /// Whether the existing files have the same columns, by the rule for two shards.
    fn had(&self, shard: Shard, columns: &[Column]) -> bool {
        let names = columns.iter().map(|column| &column.name);
        let agrees = |(index, column): (usize, &Column)| {
            let now = (shard, column.type_oid);
            let mut types = self.column_types.of_column(index).into_iter();
            types.all(|(then, mut shards)| {
                // Each in its own database, where the number means something else.
                shards.retain(|other| !self.types.agree((*other, then.oid), now));
                shards.is_empty()
            })
        };
        names.eq(self.column_types.names()) && columns.iter().enumerate().all(agrees)
    }
}

#[cfg(feature = "parquet")]
impl PerShard {
    /// Readers of a folder expect one type per column across all files, so new files use the
    /// types of the existing ones.
    fn keep_to_files(&mut self) {
        let lists = self.column_types.lists();
        let shards = lists.filter_map(|(types, shards)| {
            let columns = self
                .columns
                .iter()
                .zip(types)
                .map(|(column, declared)| Column {
                    name: column.name.clone(),
                    type_oid: declared.oid,
                    modifier: declared.modifier,
                });
            Some((*shards.first()?, columns.collect()))
        });
        let shards: Vec<_> = shards.collect();
        if let Some((first, columns)) = parquet::widest(&shards) {
            self.first = Some(first);
            self.columns = columns;
        } else {
            let reason = "the exported shards have columns of several precisions";
            self.trouble = Some(ExportError::ResumeMismatch(reason.to_owned()));
        }
    }
}

fn listed(columns: &[ColumnRecord]) -> String {
    let list: Vec<_> = columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.type_name))
        .collect();
    format!("({})", list.join(", "))
}
