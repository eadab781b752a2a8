//! Tables over all shards, as rows. Pure.

use std::collections::BTreeSet;

use tokio_postgres::types::Type;

use super::sizes::TableSize;
use crate::commands::inspect::drift::findings::Finding;
use crate::commands::inspect::drift::shape::Unread;
use crate::commands::inspect::statement::TextRow;
use crate::commands::inspect::table::{Reader, Table};
use crate::pg::row_batch::Column;
use crate::text::humanize::{Bytes, ThousandsSeparated, counted};

/// What differs among the shards; `None` if they were not compared.
pub type Drift<'a> = Option<(&'a [Finding], &'a [Unread])>;

impl TableSize {
    fn row(&self, drift: Drift<'_>, reader: Reader) -> TextRow {
        let (rows, bytes) = match reader {
            Reader::Person => (
                ThousandsSeparated(self.rows()).to_string(),
                Bytes(self.bytes()).to_string(),
            ),
            Reader::Program => (self.rows().to_string(), self.bytes().to_string()),
        };
        let shared = [
            Some(self.name.clone()),
            Some(self.kind.clone()),
            Some(self.shards.len().to_string()),
            Some(rows),
            Some(bytes),
            self.largest().map(|largest| largest.shard.to_string()),
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

/// `12 tables, 186,951 rows, 120.1 MB`; `about` these many rows unless they were counted.
pub fn summary(tables: &[TableSize], is_exact: bool) -> String {
    let rows: u64 = tables.iter().map(TableSize::rows).sum();
    let bytes = tables.iter().map(TableSize::bytes).sum();
    let about = if is_exact { "" } else { "about " };
    format!(
        "{}, {about}{}, {}",
        counted(tables.len(), "table"),
        counted(usize::try_from(rows).unwrap_or(usize::MAX), "row"),
        Bytes(bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::super::sizes::{Counted, TableInShard};
    use super::*;
    use crate::commands::inspect::drift::shape::ObjectName;
    use crate::sharding::shard::Shard;

    fn table(name: &str, bytes: &[u64]) -> TableSize {
        let shards = bytes.iter().zip(0..).map(|(bytes, number)| TableInShard {
            shard: Shard::new(number),
            rows: bytes / 1000,
            bytes: *bytes,
            state: Counted::AtSomeTime,
        });
        TableSize {
            name: name.to_owned(),
            kind: "table".to_owned(),
            shards: shards.collect(),
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
        let t = table("t", &[1_000_000, 3_000_000, 1_000_000]);
        let row = |reader| {
            t.row(None, reader)
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
        };
        assert_eq!(
            row(Reader::Person),
            ["t", "table", "3", "5,000", "5.0 MB", "shard_1", "3.0"]
        );
        assert_eq!(
            row(Reader::Program),
            ["t", "table", "3", "5000", "5000000", "shard_1", "3.0"]
        );
        let empty = table("t", &[0]).row(None, Reader::Person);
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
        let word = |name| table(name, &[]).drift(&findings, &[]);
        assert_eq!(word("t"), "column, comment");
        assert_eq!(word("u"), "missing");
        assert_eq!(word("v"), "none");
    }
}
