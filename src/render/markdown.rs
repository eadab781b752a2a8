//! A markdown table (GitHub's dialect) for tickets and chats. Holds all rows,
//! since the columns are padded to be read as plain text as well.

use unicode_width::UnicodeWidthStr as _;

use super::cell::{is_right_aligned, pad};
use super::{AT_A_TIME, Finish, RenderOptions};
use std::collections::TryReserveError;

use crate::row::{Column, Rows};
use crate::sanitize::visible;

#[derive(Debug, Default)]
pub struct Markdown {
    tuples_only: bool,
    null: String,
    names: Vec<String>,
    right: Vec<bool>,
    /// Of the widest cell.
    widths: Vec<usize>,
    rows: Rows,
    /// How many of them are written.
    written: usize,
}

impl Markdown {
    pub fn new(options: RenderOptions) -> Self {
        Self {
            tuples_only: options.tuples_only,
            null: options.null.unwrap_or_default(),
            ..Self::default()
        }
    }

    pub fn begin(&mut self, columns: &[Column]) {
        self.names = columns.iter().map(|c| escaped(&c.name)).collect();
        self.right = columns.iter().map(is_right_aligned).collect();
        let shown = |name: &String| if self.tuples_only { 0 } else { name.width() };
        self.widths = self.names.iter().map(shown).collect();
        self.rows = Rows::new(columns.len());
    }

    pub fn row<'a>(
        &mut self,
        values: impl Iterator<Item = Option<&'a str>>,
    ) -> Result<(), TryReserveError> {
        let cells = values.zip(&mut self.widths).map(|(value, width)| {
            let text = escaped(value.unwrap_or(&self.null));
            *width = text.width().max(*width);
            Some(text)
        });
        self.rows.hold(cells)
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) -> Finish {
        if !self.tuples_only && self.written == 0 {
            self.line(self.names.iter().map(String::as_str), out);
            self.rule(out);
        }
        for row in self.rows.iter_from(self.written) {
            if out.len() >= AT_A_TIME {
                return Finish::More;
            }
            self.line(row.values().map(Option::unwrap_or_default), out);
            self.written += 1;
        }
        if self.tuples_only && self.rows.is_empty() {
            out.push(b'\n');
        }
        Finish::Done
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
        for ((cell, width), right) in cells.zip(&self.widths).zip(&self.right) {
            out.extend_from_slice(b"| ");
            let gap = width - cell.width();
            if *right {
                pad(gap, out);
            }
            out.extend_from_slice(cell.as_bytes());
            if !*right {
                pad(gap, out);
            }
            out.push(b' ');
        }
        out.extend_from_slice(b"|\n");
    }

    /// The line below the names, which says what stands on the right.
    fn rule(&self, out: &mut Vec<u8>) {
        for (width, right) in self.widths.iter().zip(&self.right) {
            out.push(b'|');
            out.resize(out.len() + width + 1, b'-');
            out.push(if *right { b':' } else { b'-' });
        }
        out.extend_from_slice(b"|\n");
    }
}

/// A cell that cannot break out of its table.
fn escaped(text: &str) -> String {
    visible(text)
        .replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Format;
    use crate::render::testing::{any_rows, column, rendered, text_rendered};
    use proptest::prelude::*;
    use tokio_postgres::types::Type;

    fn sample(options: &RenderOptions, rows: &[Vec<Option<&str>>]) -> String {
        let columns = [Column::text("shard"), column("n", &Type::INT8)];
        rendered(Format::Markdown, options, &columns, rows).unwrap()
    }

    #[test]
    fn numbers_stand_right_here_and_in_what_github_shows() {
        let rows = [
            vec![Some("shard_2"), Some("1234")],
            vec![Some("日本"), None],
        ];
        let expected = concat!(
            "| shard   |    n |\n",
            "|---------|-----:|\n",
            "| shard_2 | 1234 |\n",
            "| 日本    |      |\n",
        );
        assert_eq!(sample(&RenderOptions::default(), &rows), expected);
    }

    #[test]
    fn tuples_only_is_rows_to_append() {
        let options = RenderOptions {
            tuples_only: true,
            null: Some("-".into()),
            ..RenderOptions::default()
        };
        let rows = [vec![Some("a"), Some("12")], vec![Some("b"), None]];
        assert_eq!(sample(&options, &rows), "| a | 12 |\n| b |  - |\n");
    }

    #[test]
    fn a_result_without_rows_still_has_its_header() {
        assert_eq!(
            sample(&RenderOptions::default(), &[]),
            "| shard | n |\n|-------|--:|\n"
        );
    }

    #[test]
    fn nothing_breaks_out_of_its_cell() {
        let rows = [vec![Some("a|b\\|c\nd\x1b\t"), Some("1")]];
        let table = sample(&RenderOptions::default(), &rows);
        let row = table.lines().nth(2).unwrap();
        assert_eq!(row, "| a\\|b\\\\\\|c<br>d\\\\x1B    | 1 |");
    }

    proptest! {
        #[test]
        fn every_row_is_one_line_of_as_many_cells(rows in any_rows()) {
            let table = text_rendered(Format::Markdown, &rows);
            prop_assert_eq!(table.split_terminator('\n').count(), rows.len() + 2);
            for line in table.lines() {
                let bare = line.replace("\\\\", "").replace("\\|", "");
                prop_assert_eq!(bare.matches('|').count(), rows[0].len() + 1);
            }
        }
    }
}
