//! Tables over all shards, as rows. Pure.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use tokio_postgres::types::Type;

use crate::cli::tables::TableOrder;
use crate::commands::inspect::drift::findings::Finding;
use crate::commands::inspect::drift::shape::Unread;
use crate::commands::inspect::statement::TextRow;
use crate::commands::inspect::table::{Reader, Table};
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;
use crate::text::humanize::{Bytes, ThousandsSeparated};

/// A table in all shards that have it. Sizes are in bytes, with indexes and TOAST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    pub name: String,
    pub kind: String,
    pub shards: u64,
    /// How many were never analyzed: their rows and bytes count as none.
    pub unknown: u64,
    pub rows: u64,
    pub bytes: u64,
    /// Of the largest shard.
    pub largest: u64,
    pub largest_shard: Option<Shard>,
    pub median: u64,
}

/// What differs among the shards; `None` if they were not compared.
pub type Drift<'a> = Option<(&'a [Finding], &'a [Unread])>;

impl TableSize {
    /// From a row of `sql/inspect/tables.sql` over these shards.
    pub fn of(row: &TextRow, shards: &[Shard]) -> Option<Self> {
        let text = |index: usize| row.get(index)?.clone();
        let number = |index| Some(text(index)?.parse().unwrap_or_default());
        let position: usize = text(7)?.parse().ok()?;
        Some(Self {
            name: text(0)?,
            kind: text(1)?,
            shards: number(2)?,
            unknown: number(3)?,
            rows: number(4)?,
            bytes: number(5)?,
            largest: number(6)?,
            largest_shard: shards.get(position.checked_sub(1)?).copied(),
            median: number(8)?,
        })
    }

    /// How many times the median the largest shard is; `None` without a median.
    fn skew(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "rounded to a tenth")]
        let ratio = || self.largest as f64 / self.median as f64;
        (self.median > 0).then(ratio)
    }

    fn row(&self, drift: Drift<'_>, reader: Reader) -> TextRow {
        let (rows, bytes) = match reader {
            Reader::Person => (
                ThousandsSeparated(self.rows).to_string(),
                Bytes(self.bytes).to_string(),
            ),
            Reader::Program => (self.rows.to_string(), self.bytes.to_string()),
        };
        // Of nothing there is no largest.
        let largest = self.largest_shard.filter(|_| self.largest > 0);
        let shared = [
            Some(self.name.clone()),
            Some(self.kind.clone()),
            Some(self.shards.to_string()),
            Some(rows),
            Some(bytes),
            largest.map(|shard| shard.to_string()),
            self.skew().map(|skew| format!("{skew:.1}")),
        ];
        let drift = drift.map(|(findings, unread)| Some(self.drift(findings, unread)));
        shared.into_iter().chain(drift).collect()
    }

    /// In what the shards differ: `none`, `column, index`, `missing`.
    fn drift(&self, findings: &[Finding], unread: &[Unread]) -> String {
        let mut words = BTreeSet::new();
        if unread.iter().any(|unread| unread.table == self.name) {
            words.insert("not read");
        }
        for finding in findings {
            let object = &finding.object;
            let is_whole = object.parent.is_empty() && object.name == self.name;
            if is_whole && object.kind == self.kind {
                words.insert(match (&finding.has, &finding.expected) {
                    (None, _) => "missing",
                    (_, None) => "extra",
                    _ => "options",
                });
            } else if object.parent == self.name {
                let kind = object.kind.as_str();
                words.insert(kind.split_once(" on ").map_or(kind, |(kind, _)| kind));
            }
        }
        if words.is_empty() {
            return "none".to_owned();
        }
        words.into_iter().collect::<Vec<_>>().join(", ")
    }
}

pub fn sort(tables: &mut [TableSize], order: TableOrder) {
    match order {
        // As the server has sorted them.
        TableOrder::Name => {}
        TableOrder::Size => tables.sort_by_key(|table| Reverse(table.bytes)),
        TableOrder::Rows => tables.sort_by_key(|table| Reverse(table.rows)),
        TableOrder::Skew => {
            let skew = |table: &TableSize| table.skew().unwrap_or_default();
            tables.sort_by(|one, other| skew(other).total_cmp(&skew(one)));
        }
    }
}

pub fn table(tables: &[TableSize], drift: Drift<'_>, reader: Reader) -> Table {
    let number = |name: &str, kind: Type| Column {
        type_oid: kind.oid(),
        ..Column::text(name)
    };
    let mut columns = vec![
        Column::text("table"),
        Column::text("kind"),
        number("shards", Type::INT8),
        number("rows", Type::INT8),
        number("size", Type::INT8),
        Column::text("largest"),
        number("skew", Type::NUMERIC),
    ];
    columns.extend(drift.map(|_| Column::text("drift")));
    Table {
        columns,
        rows: tables
            .iter()
            .map(|table| table.row(drift, reader))
            .collect(),
    }
}

/// `12 tables, 186,951 rows, 120.1 MB`
pub fn summary(tables: &[TableSize]) -> String {
    let rows = tables.iter().map(|table| table.rows).sum();
    let bytes = tables.iter().map(|table| table.bytes).sum();
    let plural = if tables.len() == 1 { "" } else { "s" };
    format!(
        "{} table{plural}, {} rows, {}",
        tables.len(),
        ThousandsSeparated(rows),
        Bytes(bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::inspect::drift::shape::ObjectName;

    fn size(name: &str, [rows, bytes, largest, median]: [u64; 4]) -> TableSize {
        TableSize {
            name: name.to_owned(),
            kind: "table".to_owned(),
            shards: 4,
            unknown: 0,
            rows,
            bytes,
            largest,
            largest_shard: Some(Shard::new(3)),
            median,
        }
    }

    fn finding(parent: &str, kind: &str, name: &str, has: Option<&str>) -> Finding {
        Finding {
            object: ObjectName {
                parent: parent.to_owned(),
                kind: kind.to_owned(),
                name: name.to_owned(),
            },
            shards: vec![Shard::new(1)],
            has: has.map(str::to_owned),
            expected: Some(String::new()),
        }
    }

    #[test]
    fn people_read_units_and_programs_numbers() {
        let t = size("t", [1234, 5_000_000, 3_000_000, 1_000_000]);
        let row = |reader| {
            t.row(None, reader)
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
        };
        assert_eq!(
            row(Reader::Person),
            ["t", "table", "4", "1,234", "5.0 MB", "shard_3", "3.0"]
        );
        assert_eq!(
            row(Reader::Program),
            ["t", "table", "4", "1234", "5000000", "shard_3", "3.0"]
        );
        let empty = size("t", [0; 4]).row(None, Reader::Person);
        assert_eq!(empty[5..], [None, None]);
    }

    #[test]
    fn drift_is_said_in_words() {
        let findings = [
            finding("t", "column", "a", None),
            finding("t", "comment on column", "a", None),
            finding("", "table", "u", None),
            finding("", "function", "t", None),
        ];
        let word = |name| size(name, [0; 4]).drift(&findings, &[]);
        assert_eq!(word("t"), "column, comment");
        assert_eq!(word("u"), "missing");
        assert_eq!(word("v"), "none");
    }

    #[test]
    fn the_most_skewed_comes_first() {
        let mut tables = [
            size("a", [0; 4]),
            size("b", [1, 2, 2, 1]),
            size("c", [9, 1, 9, 1]),
        ];
        let names =
            |tables: &[TableSize]| tables.iter().map(|it| it.name.clone()).collect::<String>();
        for (order, expected) in [
            (TableOrder::Skew, "cba"),
            (TableOrder::Size, "bca"),
            (TableOrder::Rows, "cba"),
        ] {
            sort(&mut tables, order);
            assert_eq!(names(&tables), expected, "{order:?}");
        }
    }
}
