//! What is in each shard: read with one statement, and compared. Pure but for [`read`].

use super::super::exact::Counts;
use super::super::session::InspectSession;
use super::super::statement::TextRow;
use super::measured::Number;
use crate::cli::shards::{Measure, SortKey};
use crate::commands::error::Error;
use crate::pg::sql_template;
use crate::sharding::shard::Shard;
use crate::text::humanize::{Bytes, ThousandsSeparated};

/// One shard.
#[derive(Debug, Clone, PartialEq)]
pub struct ShardSize {
    pub shard: Shard,
    pub tables: u64,
    /// `None` if it could not be counted.
    pub rows: Option<u64>,
    /// In bytes; `None` if it could not be measured.
    pub size: Option<u64>,
    pub dead: u64,
    /// As the server writes a time.
    pub vacuumed: Option<String>,
    pub analyzed: Option<String>,
    /// Tables that were never analyzed: an estimate lacks them.
    pub uncounted: u64,
    /// With `--by SQL`; `None` if it is NULL or could not be read.
    pub number: Option<Number>,
}

/// How even the shards are.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Of the shards whose value is known.
    pub total: f64,
    pub median: f64,
    pub largest: (Shard, f64),
}

pub async fn read(session: &InspectSession<'_>) -> Result<Vec<ShardSize>, Error> {
    let sql = sql_template::fill(
        include_str!("../../../../sql/inspect/shard_sizes.sql"),
        &[("shards", &session.shards_sql())],
    );
    let rows = session.query(&sql).await?;
    Ok(of_rows(session.shards(), &rows))
}

/// Those of all databases, in shard order.
pub fn united(of_databases: Vec<Vec<ShardSize>>) -> Vec<ShardSize> {
    let mut sizes: Vec<_> = of_databases.into_iter().flatten().collect();
    sizes.sort_by_key(|size| size.shard);
    sizes
}

/// Puts counts in place of the estimates.
pub fn apply(counts: &Counts, sizes: &mut [ShardSize]) {
    for size in sizes {
        let tables = counts.tables(size.shard);
        size.size = tables.map(|tables| tables.iter().map(|table| table.size).sum());
        size.rows = tables.map(|tables| tables.iter().map(|table| table.rows).sum());
        size.uncounted = 0;
    }
}

/// A shard without tables has no row.
fn of_rows(shards: &[Shard], rows: &[TextRow]) -> Vec<ShardSize> {
    let mut sizes: Vec<_> = shards
        .iter()
        .map(|shard| ShardSize::empty(*shard))
        .collect();
    for row in rows {
        let text = |column: usize| row.get(column).cloned().flatten();
        let number = |column| text(column).and_then(|text| text.parse::<u64>().ok());
        let position = number(0).and_then(|position| usize::try_from(position).ok());
        let Some(size) = position.and_then(|position| sizes.get_mut(position.checked_sub(1)?))
        else {
            continue;
        };
        *size = ShardSize {
            shard: size.shard,
            tables: number(1).unwrap_or(0),
            rows: number(2),
            size: number(3),
            dead: number(4).unwrap_or(0),
            vacuumed: text(5),
            analyzed: text(6),
            uncounted: number(7).unwrap_or(0),
            number: None,
        };
    }
    sizes
}

impl ShardSize {
    fn empty(shard: Shard) -> Self {
        Self {
            shard,
            tables: 0,
            rows: Some(0),
            size: Some(0),
            dead: 0,
            vacuumed: None,
            analyzed: None,
            uncounted: 0,
            number: None,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "to compare, and to show a few digits"
    )]
    pub fn value(&self, measure: &Measure) -> Option<f64> {
        match measure {
            Measure::Rows => self.rows.map(|rows| rows as f64),
            Measure::Size => self.size.map(|size| size as f64),
            Measure::Dead => Some(self.dead as f64),
            Measure::Sql(_) => self.number.as_ref().map(|number| number.value),
        }
    }

    /// For a tooltip, behind the value: `, 1.2 % of all, 12 tables, 600 rows`
    pub fn details(&self, measure: &Measure, of: Option<&Distribution>) -> String {
        let share = self.value(measure).zip(of);
        let share = share.map(|(value, of)| format!(", {:.1} % of all", of.share(value) * 100.0));
        let tables = if self.tables == 1 { "table" } else { "tables" };
        let others = [Measure::Size, Measure::Rows, Measure::Dead];
        let others = others.iter().filter(|other| *other != measure);
        let others = others.filter_map(|other| {
            let value = shown(other, self.value(other)?);
            Some(match other {
                Measure::Size => format!(", {value}"),
                other => format!(", {value} {other}"),
            })
        });
        format!(
            "{}, {} {tables}{}",
            share.unwrap_or_default(),
            self.tables,
            others.collect::<String>()
        )
    }
}

/// The shards to print: the largest first, or in shard order.
pub fn sorted<'a>(
    sizes: &'a [ShardSize],
    key: SortKey,
    by: &Measure,
    top: usize,
) -> Vec<&'a ShardSize> {
    let mut sorted: Vec<_> = sizes.iter().collect();
    if let Some(measure) = key.measure(by) {
        // What is not known comes last. Stable, so that equal ones stay in shard order.
        let value = |size: &ShardSize| size.value(&measure).unwrap_or(-1.0);
        sorted.sort_by(|one, other| value(other).total_cmp(&value(one)));
    }
    sorted.truncate(top);
    sorted
}

impl Distribution {
    /// `None` if no value is known.
    pub fn of(sizes: &[ShardSize], measure: &Measure) -> Option<Self> {
        let known = || {
            sizes
                .iter()
                .filter_map(|it| Some((it.shard, it.value(measure)?)))
        };
        let mut values: Vec<_> = known().map(|(_, value)| value).collect();
        values.sort_unstable_by(f64::total_cmp);
        let half = values.len() / 2;
        let median = match values.len() {
            0 => return None,
            odd if odd % 2 == 1 => values[half],
            _ => values[half - 1].midpoint(values[half]),
        };
        // The first of those that are equal.
        let largest = known()
            .rev()
            .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
        Some(Self {
            total: values.iter().sum(),
            median,
            largest,
        })
    }

    /// From 0 to 1.
    pub fn share(&self, value: f64) -> f64 {
        if self.total > 0.0 {
            value / self.total
        } else {
            0.0
        }
    }

    /// `84.1 MB · median 640.0 kB · largest shard_7 2.6 MB, 4.1 times the median`
    pub fn describe(&self, measure: &Measure) -> String {
        let (shard, value) = self.largest;
        let times = if value <= 0.0 {
            return shown(measure, self.total);
        } else if self.median > 0.0 {
            format!(", {:.1} times the median", value / self.median)
        } else {
            String::new()
        };
        let (lead, unit) = match measure {
            Measure::Size => ("", String::new()),
            Measure::Sql(_) => ("total ", String::new()),
            measure => ("", format!(" {measure}")),
        };
        format!(
            "{lead}{}{unit} · median {} · largest {shard} {}{times}",
            shown(measure, self.total),
            shown(measure, self.median),
            shown(measure, value),
        )
    }
}

/// For people.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers of 0 or more, below 2^53 by far"
)]
pub fn shown(measure: &Measure, value: f64) -> String {
    match measure {
        Measure::Size => Bytes::of(value.round()).to_string(),
        Measure::Sql(_) if value >= 1e15 => format!("{value:.3e}"),
        Measure::Sql(_) if value < 100.0 && value.fract() > 0.0 => format!("{value:.3}"),
        _ => ThousandsSeparated(value.round() as u64).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(values: &[Option<u64>]) -> Vec<ShardSize> {
        let shards = std::iter::zip(0.., values);
        let sized = shards.map(|(number, size)| ShardSize {
            size: *size,
            ..ShardSize::empty(Shard::new(number))
        });
        sized.collect()
    }

    #[test]
    fn a_shard_without_tables_is_empty() {
        let shards = [0, 1].map(Shard::new);
        let row = ["2", "3", "40", "8192", "5", "then", "now", "1"].map(|it| Some(it.to_owned()));
        let read = of_rows(&shards, &[row.to_vec()]);
        assert_eq!(read[0], ShardSize::empty(shards[0]));
        assert_eq!(
            (read[1].tables, read[1].rows, read[1].uncounted),
            (3, Some(40), 1)
        );
        assert_eq!(read[1].vacuumed.as_deref(), Some("then"));
    }

    #[test]
    fn the_largest_come_first_and_equal_ones_in_shard_order() {
        let sizes = sizes(&[Some(1), None, Some(9), Some(9)]);
        let names = |key, top| {
            let sorted = sorted(&sizes, key, &Measure::Size, top).into_iter();
            sorted.map(|size| size.shard.name()).collect::<Vec<_>>()
        };
        assert_eq!(
            names(SortKey::Size, 9),
            ["shard_2", "shard_3", "shard_0", "shard_1"]
        );
        assert_eq!(names(SortKey::Name, 2), ["shard_0", "shard_1"]);
    }

    #[test]
    fn the_distribution_is_of_what_is_known() {
        let sizes = sizes(&[Some(1_000), None, Some(8_000), Some(3_000), Some(2_000)]);
        let distribution = Distribution::of(&sizes, &Measure::Size).unwrap();
        assert!((distribution.total - 14e3).abs() < 1e-9);
        assert_eq!(distribution.largest, (Shard::new(2), 8e3));
        assert_eq!(
            distribution.describe(&Measure::Size),
            "14.0 kB · median 2.5 kB · largest shard_2 8.0 kB, 3.2 times the median"
        );
        assert!((distribution.share(7e3) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn numbers_of_any_size_are_shown_with_a_few_digits() {
        let by = Measure::Sql("SELECT 1".to_owned());
        let shown = |value| shown(&by, value);
        assert_eq!(
            [0.0, 0.12345, 12.0, 1234.5, 5e17].map(shown),
            ["0", "0.123", "12", "1,235", "5.000e17"]
        );
    }

    #[test]
    fn nothing_has_no_largest() {
        assert_eq!(Distribution::of(&sizes(&[None]), &Measure::Size), None);
        let empty = Distribution::of(&sizes(&[Some(0); 2]), &Measure::Size).unwrap();
        assert_eq!(empty.describe(&Measure::Size), "0 B");
        assert!(empty.share(0.0).abs() < 1e-9);
    }
}
