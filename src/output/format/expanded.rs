//! One line per column, byte for byte as `psql -x` prints it.
//!
//! Source: `print_aligned_vertical` in Postgres's `src/fe_utils/print.c`.

use std::borrow::Cow;
use std::collections::TryReserveError;

use super::cell::{Cell, Extent, NullText, footer, line_width, next_line, pad};
use super::{AT_A_TIME, Finish, RenderOptions};
use crate::pg::row_batch::{Column, Rows};
use crate::text::escape::visible;

#[derive(Debug, Default)]
pub struct Expanded {
    tuples_only: bool,
    null: NullText,
    names: Vec<String>,
    /// Of the widest line of a name.
    name_width: usize,
    /// Of the widest line of a value.
    value_width: usize,
    rows: Rows,
    /// Number of lines of all rows, without the rules above them.
    lines: usize,
    /// Number of rows already written.
    written: usize,
}

impl Expanded {
    pub fn new(options: &RenderOptions) -> Self {
        Self {
            tuples_only: options.tuples_only,
            null: NullText::new(options),
            ..Self::default()
        }
    }

    /// A result whose rows are all there.
    pub fn of(names: Vec<String>, rows: Rows, null: NullText, tuples_only: bool) -> Self {
        let mut all = Self {
            tuples_only,
            null,
            ..Self::default()
        };
        all.name(names);
        for row in rows.iter() {
            for (value, name) in row.values().zip(&all.names) {
                let extent = all.null.extent(value);
                all.value_width = all.value_width.max(extent.columns);
                all.lines += extent.lines.max(Extent::of(name).lines);
            }
        }
        all.rows = rows;
        all
    }

    fn name(&mut self, names: Vec<String>) {
        let widths = names.iter().map(|name| Extent::of(name).columns);
        self.name_width = widths.max().unwrap_or(0);
        self.names = names;
    }

    pub fn begin(&mut self, columns: &[Column]) {
        let names = columns.iter().map(|column| visible(&column.name));
        self.name(names.map(Cow::into_owned).collect());
        self.rows = Rows::new(columns.len());
    }

    pub fn row<'a>(
        &mut self,
        values: impl Iterator<Item = Option<&'a str>>,
    ) -> Result<(), TryReserveError> {
        let mut lines = 0;
        self.rows
            .hold(values.zip(&self.names).map(|(value, name)| {
                let text = value.map(visible);
                let extent = self.null.extent(text.as_deref());
                self.value_width = self.value_width.max(extent.columns);
                lines += extent.lines.max(Extent::of(name).lines);
                text
            }))?;
        self.lines += lines;
        Ok(())
    }

    /// Valid once all rows are there.
    pub fn extent(&self) -> Extent {
        let rows = self.rows.len();
        if rows == 0 || self.names.is_empty() {
            return Extent {
                columns: footer(rows).len() - 1,
                lines: if self.tuples_only { 1 } else { 2 },
            };
        }
        let rules = if self.tuples_only { rows - 1 } else { rows };
        let label = if self.tuples_only {
            0
        } else {
            label(rows).len()
        };
        Extent {
            columns: label.max(self.name_width + self.value_width + 3),
            lines: self.lines + rules + 1,
        }
    }

    pub fn rewind(&mut self) {
        self.written = 0;
    }

    pub fn remove_paint(&mut self) {
        self.null.remove_paint();
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) -> Finish {
        if self.rows.is_empty() || self.names.is_empty() {
            if !self.tuples_only {
                out.extend_from_slice(footer(self.rows.len()).as_bytes());
            }
            out.push(b'\n');
            return Finish::Done;
        }
        for row in self.rows.iter_from(self.written) {
            if out.len() >= AT_A_TIME {
                return Finish::More;
            }
            let i = self.written;
            self.written += 1;
            if !self.tuples_only {
                self.rule(&label(i + 1), out);
            } else if i > 0 {
                self.rule("", out);
            }
            for (name, value) in self.names.iter().zip(row.values()) {
                self.field(name, self.null.cell(value), out);
            }
        }
        out.push(b'\n');
        Finish::Done
    }

    /// The line above a record: the label overwrites the rule, and may extend beyond it.
    fn rule(&self, label: &str, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.name_width + 1, b'-');
        out.push(b'+');
        out.resize(out.len() + self.value_width + 1, b'-');
        let laid_over = label.len().min(out.len() - start);
        out.splice(start..start + laid_over, label.bytes());
        out.push(b'\n');
    }

    fn field(&self, name: &str, value: Cell<'_>, out: &mut Vec<u8>) {
        let Cell { rest, style } = value;
        let (mut names, mut values) = (Some(name), rest);
        while names.is_some() || values.is_some() {
            let line = next_line(&mut names).unwrap_or_default();
            out.extend_from_slice(line.as_bytes());
            pad(self.name_width - line_width(line), out);
            out.push(if names.is_some() { b'+' } else { b' ' });
            out.push(b'|');
            if let Some(line) = next_line(&mut values) {
                out.push(b' ');
                style.write(line, out);
                if values.is_some() {
                    pad(self.value_width - line_width(line), out);
                    out.push(b'+');
                }
            }
            out.push(b'\n');
        }
    }
}

fn label(record: usize) -> String {
    format!("-[ RECORD {record} ]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::format::Format;
    use crate::output::format::testing::{any_rows, rendered, text_rendered};
    use proptest::prelude::*;

    fn sample(options: &RenderOptions) -> String {
        let columns = [Column::text("shard"), Column::text("two\nlines")];
        let rows = [
            vec![Some("shard_2"), Some("a longer value\nx")],
            vec![Some("shard_10"), None],
        ];
        rendered(Format::Expanded, options, &columns, &rows).unwrap()
    }

    #[test]
    fn each_record_is_a_block() {
        let expected = concat!(
            "-[ RECORD 1 ]---------\n",
            "shard | shard_2\n",
            "two  +| a longer value+\n",
            "lines | x\n",
            "-[ RECORD 2 ]---------\n",
            "shard | shard_10\n",
            "two  +| \n",
            "lines |\n",
            "\n",
        );
        assert_eq!(sample(&RenderOptions::default()), expected);
    }

    #[test]
    fn tuples_only_drops_the_labels() {
        let options = RenderOptions {
            tuples_only: true,
            null: Some("(null)".into()),
            ..RenderOptions::default()
        };
        let expected = concat!(
            "shard | shard_2\n",
            "two  +| a longer value+\n",
            "lines | x\n",
            "------+---------------\n",
            "shard | shard_10\n",
            "two  +| (null)\n",
            "lines |\n",
            "\n",
        );
        assert_eq!(sample(&options), expected);
    }

    proptest! {
        #[test]
        fn every_record_is_labelled_and_nothing_drives_the_terminal(rows in any_rows()) {
            let text = text_rendered(Format::Expanded, &rows);
            for i in 1..=rows.len() {
                let label = format!("-[ RECORD {i} ]");
                prop_assert_eq!(text.lines().filter(|line| line.starts_with(&label)).count(), 1);
            }
            prop_assert!(!text.contains(|char: char| char.is_control() && char != '\n'));
        }
    }
}
