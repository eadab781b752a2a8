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
