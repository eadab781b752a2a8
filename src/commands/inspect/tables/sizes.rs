//! Tables over all shards: how large they are, and how evenly filled. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::cli::tables::TableOrder;
use crate::commands::inspect::drift::shape::positions;
use crate::commands::inspect::exact::Counts;
use crate::commands::inspect::statement::TextRow;
use crate::sharding::shard::Shard;

/// A table in all shards that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    pub name: String,
    pub kind: String,
    /// In shard order.
    pub shards: Vec<TableInShard>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableInShard {
    pub shard: Shard,
    pub rows: u64,
    /// With indexes and TOAST.
    pub bytes: u64,
    pub state: Counted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It was never analyzed: rows and bytes are 0.
    Never,
    AtSomeTime,
}

impl TableSize {
    /// From a row of `sql/inspect/tables.sql` over these shards.
    pub fn of(row: &TextRow, shards: &[Shard]) -> Option<Self> {
        let [
            Some(name),
            Some(kind),
            Some(which),
            Some(rows),
            Some(bytes),
            Some(unknown),
        ] = &row[..]
        else {
            return None;
        };
        let numbers = |text: &str| -> Vec<u64> {
            let numbers = text.split(',');
            numbers
                .map(|number| number.parse().unwrap_or_default())
                .collect()
        };
        let [rows, bytes, unknown] = [rows, bytes, unknown].map(|text| numbers(text));
        let which = positions(Some(which), shards);
        let each = which.into_iter().zip(rows).zip(bytes).zip(unknown);
        let each = each.map(|(((shard, rows), bytes), unknown)| TableInShard {
            shard,
            rows,
            bytes,
            state: if unknown == 1 {
                Counted::Never
            } else {
                Counted::AtSomeTime
            },
        });
        Some(Self {
            name: name.clone(),
            kind: kind.clone(),
            shards: each.collect(),
        })
    }

    pub fn rows(&self) -> u64 {
        self.shards.iter().map(|table| table.rows).sum()
    }

    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|table| table.bytes).sum()
    }

    /// In how many shards it was never analyzed.
    pub fn unknown(&self) -> usize {
        let tables = self.shards.iter();
        tables.filter(|it| it.state == Counted::Never).count()
    }

    /// The first of the largest; `None` if all are empty.
    pub fn largest(&self) -> Option<TableInShard> {
        let tables = self.shards.iter().rev().copied();
        let largest = tables.max_by_key(|table| table.bytes)?;
        (largest.bytes > 0).then_some(largest)
    }

    /// How many times the median the largest shard is; `None` without a median.
    pub fn skew(&self) -> Option<f64> {
        let mut bytes: Vec<_> = self.shards.iter().map(|table| table.bytes).collect();
        bytes.sort_unstable();
        let median = bytes.get(bytes.len().checked_sub(1)? / 2).copied()?;
        let largest = bytes.last().copied()?;
        #[expect(clippy::cast_precision_loss, reason = "rounded to a tenth")]
        let ratio = || largest as f64 / median as f64;
        (median > 0).then(ratio)
    }
}

/// Those of all databases, by name.
pub fn united(of_databases: impl IntoIterator<Item = TableSize>) -> Vec<TableSize> {
    let mut tables: BTreeMap<(String, String), Vec<TableInShard>> = BTreeMap::new();
    for TableSize { name, kind, shards } in of_databases {
        tables.entry((name, kind)).or_default().extend(shards);
    }
    let tables = tables.into_iter().map(|((name, kind), mut shards)| {
        shards.sort_by_key(|table| table.shard);
        TableSize { name, kind, shards }
    });
    tables.collect()
}

/// Puts counts in place of the estimates. What was not counted has none.
pub fn apply(counts: &Counts, tables: &mut [TableSize]) {
    for table in tables {
        let kind = match table.kind.as_str() {
            "table" => "r",
            "materialized view" => "m",
            // Its rows are in its partitions, or on another server.
            _ => continue,
        };
        for in_shard in &mut table.shards {
            let counted = counts.tables(in_shard.shard).unwrap_or_default();
            let counted = counted
                .iter()
                .find(|it| it.name == table.name && it.kind == kind);
            *in_shard = TableInShard {
                shard: in_shard.shard,
                rows: counted.map_or(0, |it| it.rows),
                bytes: counted.map_or(0, |it| it.size),
                state: Counted::AtSomeTime,
            };
        }
    }
}

pub fn sort(tables: &mut [TableSize], order: TableOrder) {
    match order {
        TableOrder::Name => {}
        TableOrder::Size => tables.sort_by_key(|table| Reverse(table.bytes())),
        TableOrder::Rows => tables.sort_by_key(|table| Reverse(table.rows())),
        TableOrder::Skew => {
            let skew = |table: &TableSize| table.skew().unwrap_or_default();
            tables.sort_by(|one, other| skew(other).total_cmp(&skew(one)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many bytes, and as many rows, in these shards.
    fn size(name: &str, shards: &[(u32, u64)]) -> TableSize {
        let shards = shards.iter().map(|(number, bytes)| TableInShard {
            shard: Shard::new(*number),
            rows: *bytes,
            bytes: *bytes,
            state: Counted::AtSomeTime,
        });
        TableSize {
            name: name.to_owned(),
            kind: "table".to_owned(),
            shards: shards.collect(),
        }
    }

    #[test]
    fn a_row_has_a_number_per_shard() {
        let row = ["t", "table", "1,3", "10,0", "8192,0", "0,1"].map(|it| Some(it.to_owned()));
        let shards = [0, 1, 2].map(Shard::new);
        let table = TableSize::of(&row.to_vec(), &shards).unwrap();
        assert_eq!(
            (table.rows(), table.bytes(), table.unknown()),
            (10, 8192, 1)
        );
        let which: Vec<_> = table.shards.iter().map(|table| table.shard).collect();
        assert_eq!(which, [shards[0], shards[2]]);
    }

    #[test]
    fn the_median_is_of_all_databases() {
        let parts = [
            size("t", &[(0, 1), (1, 9)]),
            size("a", &[(0, 1)]),
            size("t", &[(3, 2), (2, 3)]),
        ];
        let united = united(parts);
        assert_eq!(united[0].name, "a");
        let t = &united[1];
        assert_eq!(t.skew(), Some(4.5), "of 1, 2, 3, 9 the median is 2");
        assert_eq!(t.largest().unwrap().shard, Shard::new(1));
        assert!(t.shards.is_sorted_by_key(|table| table.shard));
        assert_eq!(size("e", &[(0, 0)]).largest(), None);
        assert_eq!(size("e", &[]).skew(), None);
    }

    #[test]
    fn the_most_skewed_comes_first() {
        let mut tables = [
            size("a", &[(0, 0)]),
            size("b", &[(0, 1), (1, 2)]),
            size("c", &[(0, 1), (1, 1), (2, 9)]),
        ];
        let names =
            |tables: &[TableSize]| tables.iter().map(|it| it.name.clone()).collect::<String>();
        for (order, expected) in [
            (TableOrder::Skew, "cba"),
            (TableOrder::Size, "cba"),
            (TableOrder::Rows, "cba"),
        ] {
            sort(&mut tables, order);
            assert_eq!(names(&tables), expected, "{order:?}");
        }
    }
}
