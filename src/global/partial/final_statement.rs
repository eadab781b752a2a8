//! Combines the partials: the final statement contains their rows as one array per column.

use std::fmt::Write as _;

use tokio_postgres::types::Type;

use super::analyze::Partial;
use super::columns::{ColumnRole, type_of};
use super::row_shares::RowShares;
use crate::global::catalog::FloatAggregation;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::row_batch::{Column, Rows};

/// The partials of all shards.
#[derive(Debug, Clone)]
pub struct Parts {
    types: Vec<Type>,
    /// One array literal per column, without the closing brace.
    arrays: Vec<String>,
    rows: usize,
}

/// Why partials cannot be combined although their types are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotCombine {
    #[error("the partial results are too large to be worth sending back")]
    TooLarge,
    /// Results computed from it could exceed numeric's range, or be rounded.
    #[error("a sum has thousands of digits")]
    NumericTooLong,
    /// `IST` may be another time zone when read back, and with `SQL, YMD` a date is not read in the
    /// order in which it is written.
    #[error("times written in this DateStyle cannot be read back reliably")]
    NonIsoDateStyle,
}

impl Parts {
    pub(in crate::global) const MOST_ROWS: usize = 200_000;
    /// Of all arrays together. Postgres accepts no message over 1 GiB; and 400 texts of 1 MB took
    /// 19 s this way, compared to 0.6 s in a single statement.
    const MOST_BYTES: usize = 32 << 20;
    /// Of a sum, in bytes of text. Numeric allows no more than twice that many digits after the
    /// point.
    const LONGEST: usize = 8_000;

    /// For partials with these columns.
    ///
    /// # Errors
    /// Why a column cannot be combined exactly.
    pub fn new(
        partial: &Partial,
        columns: &[Column],
        floats: FloatAggregation,
    ) -> Result<Self, &'static str> {
        if columns.len() != partial.uses.len() {
            return Err("the columns of the partial results are not listed explicitly");
        }
        let mut types = Vec::new();
        for (usage, column) in partial.uses.iter().zip(columns) {
            let known = column.builtin();
            let fit = known.filter(|known| {
                is_exact(*usage, known)
                    || (floats == FloatAggregation::AnyOrder && is_float_sum(*usage, known))
            });
            types.push(fit.ok_or_else(|| unfit(*usage, column.builtin().as_ref()))?);
        }
        Ok(Self {
            arrays: vec![String::from("{"); types.len()],
            types,
            rows: 0,
        })
    }

    /// Whether sums of floats are combined from those of the shards.
    pub fn sums_floats(&self, partial: &Partial) -> bool {
        let mut columns = partial.uses.iter().zip(&self.types);
        columns.any(|(usage, known)| is_float_sum(*usage, known))
    }

    pub fn add(&mut self, rows: &Rows) -> Result<(), CannotCombine> {
        for row in rows.iter() {
            let columns = self.arrays.iter_mut().zip(&self.types);
            for ((array, known), value) in columns.zip(row.values()) {
                if self.rows > 0 {
                    array.push(',');
                }
                match value {
                    None => array.push_str("NULL"),
                    Some(value) => {
                        if *known == Type::NUMERIC && value.len() > Self::LONGEST {
                            return Err(CannotCombine::NumericTooLong);
                        }
                        if TIMES.contains(known) && !is_iso(value) {
                            return Err(CannotCombine::NonIsoDateStyle);
                        }
                        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
                        // Writing to a String cannot fail.
                        let _ = write!(array, "\"{escaped}\"");
                    }
                }
            }
            self.rows += 1;
        }
        let bytes: usize = self.arrays.iter().map(String::len).sum();
        if self.rows > Self::MOST_ROWS || bytes > Self::MOST_BYTES {
            Err(CannotCombine::TooLarge)
        } else {
            Ok(())
        }
    }

    /// Whether the results of all shards are likely to be too large, by those of the first ones.
    /// Estimates can be off, and what was computed in parts is then computed again.
    /// `read` is the number of rows in the first shards' tables.
    pub fn are_likely_too_large(&self, shares: &RowShares, read: f64) -> bool {
        let limit = u32::try_from(Self::MOST_ROWS).map_or(f64::INFINITY, f64::from);
        let rows = u32::try_from(self.rows).map_or(f64::INFINITY, f64::from);
        shares.extrapolate(rows, read) > limit
    }

    pub fn statement(&self, partial: &Partial) -> String {
        let (mut sources, mut names) = (Vec::new(), Vec::new());
        let mut select = partial.select.clone();
        let mut rest = partial.rest.clone();
        for (index, (known, array)) in self.types.iter().zip(&self.arrays).enumerate() {
            let name = format!("{}{index}", partial.uses[index].prefix());
            let spelled = format!("pg_catalog.{}", known.name());
            for text in [&mut select, &mut rest] {
                let total = total_type(partial.uses[index], known);
                *text = text.replace(&type_of(&format!("p.{name}")), total);
            }
            sources.push(format!(
                "pg_catalog.unnest({}::{spelled}[])",
                Literal(&format!("{array}}}"))
            ));
            names.push(name);
        }
        let rows = format!(
            "ROWS FROM ({}) AS p ({})",
            sources.join(", "),
            names.join(", ")
        );
        if partial.collations.iter().all(Option::is_none) {
            return format!("{select} FROM {rows} {rest}");
        }
        let collated = names.iter().zip(&partial.collations);
        let columns: Vec<_> = collated
            .map(|(name, collation)| match collation {
                Some(collation) => {
                    format!(
                        "{name} COLLATE pg_catalog.{} AS {name}",
                        Identifier(collation)
                    )
                }
                None => name.clone(),
            })
            .collect();
        format!(
            "{select} FROM (SELECT {} FROM {rows}) AS p {rest}",
            columns.join(", ")
        )
    }
}

/// Why a column of this type cannot be combined.
fn unfit(usage: ColumnRole, known: Option<&Type>) -> &'static str {
    match (usage, known) {
        (ColumnRole::Sum, Some(&Type::FLOAT4 | &Type::FLOAT8)) => {
            "the last digits of a floating-point variance depend on the order"
        }
        (ColumnRole::AvgSum, Some(&Type::FLOAT4)) => {
            "avg() of real adds up more digits than sum() returns"
        }
        (ColumnRole::FinalSum | ColumnRole::AvgSum, Some(&Type::FLOAT4 | &Type::FLOAT8)) => {
            "the last digits of a floating-point sum depend on the order; --float-sums-in-parts \
             accepts any order"
        }
        _ => "a column's type is not known to come back unchanged",
    }
}

/// The type that Postgres returns, or divides in, for a sum of sums.
fn total_type(usage: ColumnRole, part: &Type) -> &'static str {
    match (usage, part) {
        (ColumnRole::FinalSum, &Type::INT8) => "pg_catalog.int8",
        (_, &Type::FLOAT4) => "pg_catalog.float4",
        (_, &Type::FLOAT8) => "pg_catalog.float8",
        _ => "pg_catalog.numeric",
    }
}

fn is_float_sum(usage: ColumnRole, known: &Type) -> bool {
    match usage {
        ColumnRole::FinalSum => [Type::FLOAT4, Type::FLOAT8].contains(known),
        ColumnRole::AvgSum => *known == Type::FLOAT8,
        _ => false,
    }
}

const TIMES: [Type; 3] = [Type::DATE, Type::TIMESTAMP, Type::TIMESTAMPTZ];

/// Whether a time is in ISO 8601 format, with a numeric offset.
fn is_iso(time: &str) -> bool {
    let year = time.find(|c: char| !c.is_ascii_digit());
    year.is_some_and(|end| end >= 4 && time[end..].starts_with('-')) || time.ends_with("infinity")
}

fn is_exact(usage: ColumnRole, known: &Type) -> bool {
    let sums = [Type::INT8, Type::NUMERIC];
    let keys = [
        Type::BOOL,
        Type::INT2,
        Type::INT4,
        Type::INT8,
        Type::NUMERIC,
        Type::TEXT,
        Type::VARCHAR,
        Type::DATE,
        Type::TIMESTAMP,
        Type::TIMESTAMPTZ,
        Type::UUID,
    ];
    let values = [
        Type::FLOAT4,
        Type::FLOAT8,
        Type::JSON,
        Type::JSONB,
        Type::TIME,
        Type::BYTEA,
        Type::OID,
    ];
    match usage {
        ColumnRole::Sum | ColumnRole::FinalSum | ColumnRole::AvgSum => sums.contains(known),
        ColumnRole::GroupKey | ColumnRole::MinMax => keys.contains(known),
        ColumnRole::PassThrough => keys.contains(known) || values.contains(known),
    }
}
