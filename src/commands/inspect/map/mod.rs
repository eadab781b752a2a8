//! A map of all shards: one cell per shard, shaded by a value on a logarithmic scale, so that a hot
//! shard is seen. Pure; which value is up to the caller.

mod palette;
mod scale;
mod svg;
mod text;

pub use text::Screen;

use crate::sharding::numbering::Numbering;
use crate::sharding::shard::Shard;
use scale::LogScale;

/// A shard on the map.
#[derive(Debug, Clone)]
pub struct MapShard {
    pub shard: Shard,
    /// `None` if it is not known.
    pub value: Option<f64>,
    /// More about it, for a tooltip.
    pub details: String,
}

/// Shards in order, their values in a unit.
pub struct ShardMap {
    shards: Vec<MapShard>,
    scale: Option<LogScale>,
    /// What the values are: `size`.
    measure: String,
    /// A value with its unit.
    shown: fn(f64) -> String,
}

/// What is in a place of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell<'a> {
    /// A number that no shard has.
    Absent,
    Shard(&'a MapShard, Shade),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shade {
    Unknown,
    Zero,
    /// From 0 to 1.
    Of(f64),
}

/// Rows of cells, with what is in front of each row.
struct Grid<'a> {
    columns: usize,
    rows: Vec<(String, Vec<Cell<'a>>)>,
}

impl PartialEq for MapShard {
    fn eq(&self, other: &Self) -> bool {
        self.shard == other.shard
    }
}

impl ShardMap {
    pub fn new(shards: Vec<MapShard>, measure: &str, shown: fn(f64) -> String) -> Self {
        Self {
            scale: LogScale::of(shards.iter().filter_map(|it| it.value)),
            shards,
            measure: measure.to_owned(),
            shown,
        }
    }

    /// By number where shards have numbers, so that a place says which shard it is. A power of two
    /// of columns: shards that split in two are below or beside each other.
    fn grid(&self, most_columns: usize) -> Grid<'_> {
        const LEAST: usize = 8;
        let numbers = self.numbers();
        let (first, count) = match &numbers {
            Some(numbers) => {
                let first = numbers.first().copied().unwrap_or(0);
                let last = numbers.last().copied().unwrap_or(0);
                (first, last - first + 1)
            }
            None => (0, self.shards.len()),
        };
        let mut columns = count.isqrt();
        if columns * columns < count {
            columns += 1;
        }
        columns = columns.next_power_of_two().max(LEAST);
        while columns > most_columns.max(1) {
            columns /= 2;
        }
        let start = first - first % columns;
        let mut cells = vec![Cell::Absent; first - start];
        for (index, shard) in self.shards.iter().enumerate() {
            if let Some(numbers) = &numbers {
                cells.resize(numbers[index] - start, Cell::Absent);
            }
            cells.push(Cell::Shard(shard, self.shade(shard.value)));
        }
        let rows = cells.chunks(columns).enumerate().map(|(row, cells)| {
            let label = match &numbers {
                Some(_) => (start + row * columns).to_string(),
                None => first_name(cells),
            };
            (label, cells.to_vec())
        });
        Grid {
            columns,
            rows: rows.collect(),
        }
    }

    /// `None` if shards have names, or if so many numbers are unused that a grid of all would be
    /// mostly empty.
    fn numbers(&self) -> Option<Vec<usize>> {
        const UNUSED: usize = 16;
        let (numbering, _) = Numbering::of(self.shards.first()?.shard)?;
        let number = |it: &MapShard| numbering.number(it.shard).map(|number| number as usize);
        let numbers: Option<Vec<_>> = self.shards.iter().map(number).collect();
        numbers.filter(|numbers| {
            let span = numbers
                .last()
                .zip(numbers.first())
                .map(|(a, b)| a.wrapping_sub(*b));
            let is_dense = span.is_some_and(|span| span < 2 * numbers.len() + UNUSED);
            is_dense && numbers.is_sorted_by(|a, b| a < b)
        })
    }

    fn shade(&self, value: Option<f64>) -> Shade {
        match (value, self.scale) {
            (None, _) => Shade::Unknown,
            (Some(value), Some(scale)) if value > 0.0 => Shade::Of(scale.position(value)),
            (Some(_), _) => Shade::Zero,
        }
    }

    /// The value at a position of the scale, as it is shown.
    fn at(&self, position: f64) -> String {
        let value = self.scale.map_or(0.0, |scale| scale.value(position));
        (self.shown)(value)
    }
}

fn first_name(cells: &[Cell<'_>]) -> String {
    let named = cells.iter().find_map(|cell| match cell {
        Cell::Shard(it, _) => Some(it.shard.name().to_owned()),
        Cell::Absent => None,
    });
    named.unwrap_or_default()
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::testing::map;
    use super::*;

    fn grid(names: &[String], most_columns: usize) -> (usize, Vec<(String, usize)>) {
        let map = map(names.iter().map(|name| (name.as_str(), Some(1.0))));
        let grid = map.grid(most_columns);
        let present = |cells: &[Cell<'_>]| cells.iter().filter(|it| **it != Cell::Absent).count();
        let rows = grid.rows.iter();
        (
            grid.columns,
            rows.map(|(label, cells)| (label.clone(), present(cells)))
                .collect(),
        )
    }

    fn numbered(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
        numbers.into_iter().map(|n| format!("shard_{n}")).collect()
    }

    #[test]
    fn a_grid_has_a_power_of_two_of_columns_that_fits() {
        assert_eq!(grid(&numbered(0..128), 80).0, 16);
        assert_eq!(grid(&numbered(0..1024), 80).0, 32);
        assert_eq!(grid(&numbered(0..8192), 200).0, 128);
        assert_eq!(grid(&numbered(0..8192), 80).0, 64);
        assert_eq!(grid(&numbered(0..3), 80), (8, vec![("0".to_owned(), 3)]));
    }

    #[test]
    fn a_place_in_the_grid_is_a_number() {
        let (columns, rows) = grid(&numbered((5..20).filter(|n| *n != 9)), 80);
        let row = |label: &str, present| (label.to_owned(), present);
        assert_eq!(
            (columns, rows),
            (8, vec![row("0", 3), row("8", 7), row("16", 4)])
        );
    }

    #[test]
    fn names_and_sparse_numbers_are_in_order() {
        let names = ["acme", "beta", "chef"].map(|name| format!("tenant_{name}"));
        assert_eq!(grid(&names, 80), (8, vec![("tenant_acme".to_owned(), 3)]));
        let sparse = numbered([3, 4_000_000_000]);
        assert_eq!(grid(&sparse, 80), (8, vec![("shard_3".to_owned(), 2)]));
    }
}
