//! Rows that are kept rather than printed, for a command that looks at them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::pg::row_batch::Column;

/// One value per column; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// A result, with the columns in front of the query's own.
#[derive(Debug, Clone, Default)]
pub struct ResultRows {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

/// The rows of a run, which its renderer adds.
#[derive(Debug, Clone, Default)]
pub struct CollectedRows(Arc<Mutex<ResultRows>>);

impl CollectedRows {
    /// Takes the rows so far.
    pub fn take(&self) -> ResultRows {
        std::mem::take(&mut self.rows())
    }

    pub(super) fn begin(&self, columns: &[Column]) {
        *self.rows() = ResultRows {
            columns: columns.to_vec(),
            rows: Vec::new(),
        };
    }

    pub(super) fn row<'a>(&self, values: impl Iterator<Item = Option<&'a str>>) {
        let row = values.map(|value| value.map(str::to_owned)).collect();
        self.rows().rows.push(row);
    }

    fn rows(&self) -> MutexGuard<'_, ResultRows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
