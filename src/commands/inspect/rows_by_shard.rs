//! Collects what a run in every shard returns. Nothing is printed before all shards are read.

use std::collections::BTreeMap;

use crate::exec::fanout::ShardEvent;
use crate::exec::row_sink::{OutputClosed, RowSink};
use crate::exec::run_report::RunReport;
use crate::output::format::RenderError;
use crate::pg::row_batch::{Column, Row};
use crate::sharding::shard::Shard;

/// How a row is read.
pub struct Reading<T> {
    /// What the progress line says meanwhile.
    pub called: &'static str,
    /// `None` if it is left out.
    pub row: fn(Row<'_>) -> Option<T>,
}

pub struct RowsByShard<T> {
    called: &'static str,
    row: fn(Row<'_>) -> Option<T>,
    /// How many the result has.
    pub columns: usize,
    /// Of the shards that returned any.
    pub rows: BTreeMap<Shard, Vec<T>>,
}

impl<T> RowsByShard<T> {
    pub fn new(reading: &Reading<T>) -> Self {
        Self {
            called: reading.called,
            row: reading.row,
            columns: 0,
            rows: BTreeMap::new(),
        }
    }
}

impl<T> RowSink for RowsByShard<T> {
    fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        self.columns = columns.len();
        Ok(())
    }

    async fn accept(&mut self, shard: Shard, event: ShardEvent) -> Result<(), OutputClosed> {
        match event {
            ShardEvent::Rows(rows) => {
                let read = rows.iter().filter_map(self.row);
                self.rows.entry(shard).or_default().extend(read);
            }
            ShardEvent::RolledBack => {
                self.rows.remove(&shard);
            }
            _ => {}
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), OutputClosed> {
        Ok(())
    }

    fn is_untouched(&self) -> bool {
        true
    }

    fn progress(&self, _: &RunReport) -> String {
        self.called.to_owned()
    }
}
