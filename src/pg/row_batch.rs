//! Columns and rows as the server sent them: names, types, and text.
//!
//! Values stay the text that Postgres rendered. Nothing here knows where a row came from or how it
//! is formatted.

use std::collections::TryReserveError;
use std::convert::Infallible;

use tokio_postgres::types::{Oid, Type};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub type_oid: Oid,
    /// `atttypmod`: the `(10,2)` of `numeric(10,2)`; -1 if there is none.
    pub modifier: i32,
}

impl Column {
    pub fn text(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            type_oid: Type::TEXT.oid(),
            modifier: -1,
        }
    }

    /// The built-in type; `None` for a user-defined one.
    pub fn builtin(&self) -> Option<Type> {
        Type::from_oid(self.type_oid)
    }
}

/// Bytes kept free when memory for rows runs out: for reading, writing and reporting the error.
const HEADROOM: usize = 32 << 20;

/// A batch of rows. Uses two allocations, whatever the number of rows.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    width: usize,
    count: usize,
    text: String,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    end: usize,
    null: bool,
}

impl Rows {
    pub fn new(width: usize) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    /// Appends a row; it must have as many values as the batch has columns.
    pub fn push<T: AsRef<str>>(&mut self, values: impl IntoIterator<Item = Option<T>>) {
        let infallible = values.into_iter().map(Ok::<_, Infallible>);
        let Ok(()) = self.try_push(infallible);
    }

    /// Appends a row to a batch that holds a whole result, and leaves `HEADROOM` free so that
    /// running out can be reported.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn hold<T: AsRef<str>>(
        &mut self,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Result<(), TryReserveError> {
        let room = self.text.capacity() + self.cells.capacity();
        let (text, cells) = (self.text.len(), self.cells.len());
        for value in values {
            let value = value.as_ref().map(AsRef::as_ref);
            let reserved = self
                .text
                .try_reserve(value.map_or(0, str::len))
                .and_then(|()| self.cells.try_reserve(1));
            if let Err(error) = reserved {
                self.text.truncate(text);
                self.cells.truncate(cells);
                return Err(error);
            }
            self.text.push_str(value.unwrap_or_default());
            self.cells.push(Cell {
                end: self.text.len(),
                null: value.is_none(),
            });
        }
        self.count += 1;
        // Growth is rare, and may use up nearly all memory.
        if self.text.capacity() + self.cells.capacity() > room {
            Vec::<u8>::new().try_reserve_exact(HEADROOM)?;
        }
        Ok(())
    }

    /// Appends a row; if a value is an error, the batch is unchanged.
    pub fn try_push<T: AsRef<str>, E>(
        &mut self,
        values: impl IntoIterator<Item = Result<Option<T>, E>>,
    ) -> Result<(), E> {
        let (text, cells) = (self.text.len(), self.cells.len());
        for value in values {
            let value = value.inspect_err(|_| {
                self.text.truncate(text);
                self.cells.truncate(cells);
            })?;
            if let Some(value) = &value {
                self.text.push_str(value.as_ref());
            }
            self.cells.push(Cell {
                end: self.text.len(),
                null: value.is_none(),
            });
        }
        debug_assert_eq!(self.cells.len() - cells, self.width);
        self.count += 1;
        Ok(())
    }

    /// Moves the rows into a new batch and keeps the width.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let empty = Self::new(self.width);
        std::mem::replace(self, empty)
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.cells.len() * size_of::<Cell>()
    }

    /// Size of the values alone, in bytes.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.iter_from(0)
    }

    pub fn iter_from(&self, first: usize) -> impl Iterator<Item = Row<'_>> {
        (first..self.count).map(|index| Row { rows: self, index })
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    rows: &'a Rows,
    index: usize,
}

impl<'a> Row<'a> {
    /// The values, left to right; `None` is NULL.
    pub fn values(self) -> impl Iterator<Item = Option<&'a str>> {
        let Rows {
            width, text, cells, ..
        } = self.rows;
        let first = self.index * width;
        let mut start = first.checked_sub(1).map_or(0, |last| cells[last].end);
        cells[first..first + width].iter().map(move |cell| {
            let value = &text[start..cell.end];
            start = cell.end;
            (!cell.null).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let table = [
            vec![Some("a"), None, Some("")],
            vec![Some(""), Some("žluť"), None],
        ];
        let mut rows = Rows::new(3);
        for row in &table {
            rows.push(row.iter().copied());
        }
        let back: Vec<Vec<_>> = rows.iter().map(|row| row.values().collect()).collect();
        assert_eq!(back, table);
    }

    #[test]
    fn rows_without_columns_still_count() {
        let mut rows = Rows::new(0);
        rows.push::<&str>([]);
        rows.push::<&str>([]);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows.iter().map(|row| row.values().count()).sum::<usize>(),
            0
        );
    }
}
