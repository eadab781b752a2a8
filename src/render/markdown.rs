//! A markdown table (GitHub's dialect) for tickets and chats. Holds all rows,
//! since the columns are padded to be read as plain text as well.

use tabled::builder::Builder;
use tabled::grid::config::Offset;
use tabled::settings::object::{Cell, Columns};
use tabled::settings::style::LineChar;
use tabled::settings::{Alignment, Style};

use super::RenderOptions;
use super::cell::is_right_aligned;
use crate::row::{Column, Rows};
use crate::sanitize::visible;

#[derive(Debug, Default)]
pub struct Markdown {
    tuples_only: bool,
    null: String,
    names: Vec<String>,
    right: Vec<bool>,
    rows: Rows,
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
        self.rows = Rows::new(columns.len());
    }

    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>) {
        let cells = values.map(|value| Some(escaped(value.unwrap_or(&self.null))));
        self.rows.push(cells);
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let mut builder = Builder::with_capacity(self.rows.len() + 1, self.names.len());
        if !self.tuples_only {
            builder.push_record(&self.names);
        }
        for row in self.rows.iter() {
            builder.push_record(row.values().map(Option::unwrap_or_default));
        }
        let mut table = builder.build();
        if self.tuples_only {
            table.with(Style::markdown().remove_horizontals());
        } else {
            table.with(Style::markdown());
        }
        for (i, _) in self.right.iter().enumerate().filter(|(_, right)| **right) {
            table.modify(Columns::one(i), Alignment::right());
            if !self.tuples_only {
                table.modify(Cell::new(1, i), LineChar::horizontal(':', Offset::End(0)));
            }
        }
        out.extend_from_slice(table.to_string().as_bytes());
        out.push(b'\n');
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
