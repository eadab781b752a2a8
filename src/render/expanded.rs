//! One record below the other, byte for byte as `psql -x` prints them.
//!
//! Source: `print_aligned_vertical` in Postgres's `src/fe_utils/print.c`.

use super::RenderOptions;
use super::cell::{line_width, next_line, pad, width};
use super::table::footer;
use crate::row::{Column, Rows};
use crate::sanitize::visible;

#[derive(Debug, Default)]
pub struct Expanded {
    tuples_only: bool,
    null: String,
    names: Vec<String>,
    /// Of the widest line of a name.
    name_width: usize,
    /// Of the widest line of a value.
    value_width: usize,
    /// A value has several lines: psql then keeps a column for the `+`.
    tall: bool,
    rows: Rows,
}

impl Expanded {
    pub fn new(options: RenderOptions) -> Self {
        Self {
            tuples_only: options.tuples_only,
            null: options.null.unwrap_or_default(),
            ..Self::default()
        }
    }

    pub fn begin(&mut self, columns: &[Column]) {
        self.names = columns
            .iter()
            .map(|column| visible(&column.name).into_owned())
            .collect();
        self.name_width = self.names.iter().map(|n| width(n)).max().unwrap_or(0);
        self.rows = Rows::new(columns.len());
    }

    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>) {
        self.rows.push(values.map(|value| {
            let text = visible(value.unwrap_or(&self.null));
            self.value_width = self.value_width.max(width(&text));
            self.tall |= text.contains('\n');
            Some(text)
        }));
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.rows.is_empty() || self.names.is_empty() {
            if !self.tuples_only {
                out.extend_from_slice(footer(self.rows.len()).as_bytes());
            }
            out.push(b'\n');
            return;
        }
        let value_width = self.widened_for_labels();
        for (i, row) in self.rows.iter().enumerate() {
            if !self.tuples_only {
                self.rule(&format!("-[ RECORD {} ]", i + 1), value_width, out);
            } else if i > 0 {
                self.rule("", value_width, out);
            }
            for (name, value) in self.names.iter().zip(row.values()) {
                self.field(name, value.unwrap_or_default(), value_width, out);
            }
        }
        out.push(b'\n');
    }

    /// The width of values, made to hold the longest `-[ RECORD n ]-`.
    fn widened_for_labels(&self) -> usize {
        if self.tuples_only {
            return self.value_width;
        }
        let digits = self.rows.len().checked_ilog10().unwrap_or(0) as usize + 1;
        let label = "-[ RECORD  ]".len() + digits;
        let separator = " | ".len() + usize::from(self.tall);
        let left = label.saturating_sub(self.name_width + separator);
        self.value_width.max(left)
    }

    /// The line above a record: its label laid over the rule.
    fn rule(&self, label: &str, value_width: usize, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.name_width + 1, b'-');
        out.push(b'+');
        out.resize(out.len() + value_width + 1, b'-');
        let laid_over = label.len().min(out.len() - start);
        out.splice(start..start + laid_over, label.bytes());
        out.push(b'\n');
    }

    fn field(&self, name: &str, value: &str, value_width: usize, out: &mut Vec<u8>) {
        let (mut names, mut values) = (Some(name), Some(value));
        while names.is_some() || values.is_some() {
            let line = next_line(&mut names).unwrap_or_default();
            out.extend_from_slice(line.as_bytes());
            pad(self.name_width - line_width(line), out);
            out.push(if names.is_some() { b'+' } else { b' ' });
            out.push(b'|');
            if let Some(line) = next_line(&mut values) {
                out.push(b' ');
                out.extend_from_slice(line.as_bytes());
                if values.is_some() {
                    pad(value_width - line_width(line), out);
                    out.push(b'+');
                }
            }
            out.push(b'\n');
        }
    }
}
