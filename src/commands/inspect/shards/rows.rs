//! The rows of `shards`, for people or for programs. Pure.

use tokio_postgres::types::Type;

use super::super::columns::{column, is_for_people};
use super::super::statement::TextRow;
use super::super::table::Table;
use super::sizes::{Distribution, ShardSize};
use crate::cli::shards::Measure;
use crate::output::format::Format;
use crate::text::humanize::{Bytes, ThousandsSeparated};

/// Of the bar of the largest shard, in characters.
const BAR: usize = 20;

/// Where the column of `--by SQL` is, in front of its share.
const VALUE_AT: usize = 4;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// With a bar for the share.
    Screen,
    People,
    Programs,
}

impl Audience {
    fn of(format: Format) -> Self {
        match format {
            Format::Table => Self::Screen,
            format if is_for_people(format) => Self::People,
            _ => Self::Programs,
        }
    }
}

pub fn table(
    sizes: &[&ShardSize],
    measure: &Measure,
    distribution: Option<&Distribution>,
    format: Format,
) -> Table {
    let audience = Audience::of(format);
    let share_type = match audience {
        Audience::Screen => Type::TEXT,
        Audience::People | Audience::Programs => Type::FLOAT8,
    };
    let columns = [
        ("shard", Type::TEXT),
        ("tables", Type::INT8),
        ("rows", Type::INT8),
        ("size", Type::INT8),
        ("share", share_type),
        ("dead_rows", Type::INT8),
        ("vacuumed", Type::TIMESTAMPTZ),
        ("analyzed", Type::TIMESTAMPTZ),
    ];
    let mut columns: Vec<_> = columns.iter().map(|(name, of)| column(name, of)).collect();
    if matches!(measure, Measure::Sql(_)) {
        columns.insert(VALUE_AT, column("value", &Type::NUMERIC));
    }
    let rows = sizes.iter();
    Table {
        columns,
        rows: rows
            .map(|size| row(size, measure, distribution, audience))
            .collect(),
    }
}

fn row(
    size: &ShardSize,
    measure: &Measure,
    distribution: Option<&Distribution>,
    audience: Audience,
) -> TextRow {
    let value = size.value(measure);
    let share = value.zip(distribution).map(|(value, of)| {
        let share = of.share(value);
        match audience {
            Audience::Screen => format!("{:5.1} % {}", share * 100.0, bar(value, of.largest.1)),
            Audience::People => format!("{:.1} %", share * 100.0),
            Audience::Programs => format!("{share:.6}"),
        }
    });
    let bytes = size.size.map(|bytes| match audience {
        Audience::Screen | Audience::People => Bytes(bytes).to_string(),
        Audience::Programs => bytes.to_string(),
    });
    let count = |count: u64| match audience {
        Audience::Screen | Audience::People => ThousandsSeparated(count).to_string(),
        Audience::Programs => count.to_string(),
    };
    let mut row = vec![
        Some(size.shard.to_string()),
        Some(count(size.tables)),
        size.rows.map(count),
        bytes,
        share,
        Some(count(size.dead)),
        size.vacuumed.clone(),
        size.analyzed.clone(),
    ];
    if matches!(measure, Measure::Sql(_)) {
        let text = size.number.as_ref().map(|number| number.text.clone());
        row.insert(VALUE_AT, text);
    }
    row
}

/// In eighths of a character.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "from 0 to 160"
)]
fn bar(value: f64, largest: f64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let full = (BAR * PARTS.len()) as f64;
    let eighths = if largest > 0.0 {
        (value / largest * full).ceil() as usize
    } else {
        0
    };
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_has_the_whole_bar_and_the_smallest_a_trace() {
        assert_eq!(bar(7.0, 7.0), "█".repeat(BAR));
        assert_eq!(bar(1.0, 1e19), "▏");
        assert_eq!(bar(0.0, 7.0), "");
        assert_eq!(bar(0.0, 0.0), "");
        assert_eq!(bar(5.0, 100.0), "█");
    }
}
