//! The rows of `shards`, for people or for programs. Pure.

use tokio_postgres::types::Type;

use super::super::columns::{column, is_for_people};
use super::super::statement::TextRow;
use super::super::table::Table;
use super::sizes::{Distribution, ShardSize};
use crate::cli::shards::Measure;
use crate::output::format::Format;
use crate::text::humanize::Bytes;

/// Of the bar of the largest shard, in characters.
const BAR: usize = 20;

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
    measure: Measure,
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
    let rows = sizes.iter();
    Table {
        columns: columns.map(|(name, of)| column(name, &of)).to_vec(),
        rows: rows
            .map(|size| row(size, measure, distribution, audience))
            .collect(),
    }
}

fn row(
    size: &ShardSize,
    measure: Measure,
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
    vec![
        Some(size.shard.to_string()),
        Some(size.tables.to_string()),
        size.rows.map(|rows| rows.to_string()),
        bytes,
        share,
        Some(size.dead.to_string()),
        size.vacuumed.clone(),
        size.analyzed.clone(),
    ]
}

/// In eighths of a character.
fn bar(value: u64, largest: u64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let full = (BAR * PARTS.len()) as u128;
    let eighths = match largest {
        0 => 0,
        largest => (u128::from(value) * full).div_ceil(u128::from(largest)),
    };
    let eighths = usize::try_from(eighths).unwrap_or(0);
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_has_the_whole_bar_and_the_smallest_a_trace() {
        assert_eq!(bar(7, 7), "█".repeat(BAR));
        assert_eq!(bar(1, u64::MAX), "▏");
        assert_eq!(bar(0, 7), "");
        assert_eq!(bar(0, 0), "");
        assert_eq!(bar(5, 100), "█");
    }
}
