//! What a value is in a worksheet: a number, a date, or text where those would change it. Pure.

use tokio_postgres::types::Type;

use crate::pg::row_batch::Column;

/// Significant digits that a worksheet keeps.
const DIGITS: usize = 15;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellType {
    Exact,
    Float,
    Boolean,
    Date,
    /// Without a time zone, which worksheets do not have.
    Timestamp,
    Text,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    Number {
        value: f64,
        /// How many decimals to show; `None` for as many as needed.
        decimals: Option<usize>,
    },
    Boolean(bool),
    Day(Day),
    Text,
}

/// Days as worksheets count them from 1900-03-01 on, the 61st. Earlier ones have a day too
/// many: there was no 1900-02-29.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    pub days: f64,
    pub has_time: bool,
}

impl CellType {
    pub fn of(column: &Column) -> Self {
        match column.builtin() {
            Some(Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::NUMERIC) => Self::Exact,
            Some(Type::FLOAT4 | Type::FLOAT8) => Self::Float,
            Some(Type::BOOL) => Self::Boolean,
            Some(Type::DATE) => Self::Date,
            Some(Type::TIMESTAMP) => Self::Timestamp,
            _ => Self::Text,
        }
    }
}

impl Cell {
    /// Text, unless the cell holds exactly this value.
    pub fn of(cell_type: CellType, text: &str) -> Self {
        let cell = match cell_type {
            CellType::Exact => number(text, Some(decimals(text))),
            CellType::Float => number(text, None),
            CellType::Boolean => match text {
                "t" => Some(Self::Boolean(true)),
                "f" => Some(Self::Boolean(false)),
                _ => None,
            },
            CellType::Date => date(text).map(|days| {
                Self::Day(Day {
                    days,
                    has_time: false,
                })
            }),
            CellType::Timestamp => timestamp(text),
            CellType::Text => None,
        };
        cell.unwrap_or(Self::Text)
    }
}

fn number(text: &str, decimals: Option<usize>) -> Option<Cell> {
    let mantissa = text.split('e').next().unwrap_or(text);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit);
    let value: f64 = text.parse().ok()?;
    (digits.count() <= DIGITS && value.is_finite()).then_some(Cell::Number { value, decimals })
}

fn decimals(text: &str) -> usize {
    text.split_once('.')
        .map_or(0, |(_, decimals)| decimals.len())
}

/// `2017-05-19`.
fn date(text: &str) -> Option<f64> {
    /// 1899-12-30, so that 1900-03-01 is day 61, as it is in a worksheet.
    const DAY_0: jiff::civil::Date = jiff::civil::date(1899, 12, 30);
    const FIRST: jiff::civil::Date = jiff::civil::date(1900, 3, 1);
    let date: jiff::civil::Date = text.parse().ok()?;
    let days = date.since(DAY_0).ok()?.get_days();
    (date >= FIRST).then(|| f64::from(days))
}

/// `2017-05-19 21:00:27.943`, to the millisecond.
fn timestamp(text: &str) -> Option<Cell> {
    const MILLISECONDS_PER_DAY: f64 = 86_400_000.0;
    let (day, time) = text.split_once(' ')?;
    let milliseconds = time
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    let time: jiff::civil::Time = time.parse().ok()?;
    let since_midnight = time.since(jiff::civil::Time::midnight()).ok()?;
    let total = since_midnight.total(jiff::Unit::Millisecond).ok()?;
    (milliseconds <= 3).then_some(Cell::Day(Day {
        days: date(day)? + total / MILLISECONDS_PER_DAY,
        has_time: true,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(value: f64, decimals: usize) -> Cell {
        Cell::Number {
            value,
            decimals: Some(decimals),
        }
    }

    #[test]
    fn numbers_that_a_worksheet_would_round_are_text() {
        let of = |text| Cell::of(CellType::Exact, text);
        assert_eq!(of("-5"), exact(-5.0, 0));
        assert_eq!(of("1.10"), exact(1.1, 2));
        assert_eq!(of("123456789012345"), exact(123_456_789_012_345.0, 0));
        assert_eq!(of("721096797631602718"), Cell::Text);
        assert_eq!(of("NaN"), Cell::Text);
        let float = |text| Cell::of(CellType::Float, text);
        assert_eq!(float("0.30000000000000004"), Cell::Text);
        assert_eq!(float("-Infinity"), Cell::Text);
        let large = Cell::Number {
            value: 1e300,
            decimals: None,
        };
        assert_eq!(float("1e+300"), large);
    }

    #[test]
    fn days_are_counted_as_worksheets_count_them() {
        let day = |days, has_time| Cell::Day(Day { days, has_time });
        let of = |text| Cell::of(CellType::Date, text);
        assert_eq!(of("1900-03-01"), day(61.0, false));
        assert_eq!(of("2000-01-01"), day(36526.0, false));
        for text in ["1900-02-28", "infinity", "0044-03-15 BC", "10000-01-01"] {
            assert_eq!(of(text), Cell::Text, "{text}");
        }
        let of = |text| Cell::of(CellType::Timestamp, text);
        assert_eq!(of("2000-01-01 12:00:00"), day(36526.5, true));
        assert_eq!(of("2000-01-01 18:00:00.000"), day(36526.75, true));
        assert_eq!(of("2000-01-01 12:00:00.0001"), Cell::Text);
    }

    #[test]
    fn other_types_are_text() {
        assert_eq!(CellType::of(&Column::text("c")), CellType::Text);
        assert_eq!(Cell::of(CellType::Text, "=1+1"), Cell::Text);
        assert_eq!(Cell::of(CellType::Boolean, "t"), Cell::Boolean(true));
    }
}
