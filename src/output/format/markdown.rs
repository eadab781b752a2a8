//! A markdown table (GitHub's dialect) for tickets and chats. Holds all rows, because columns
//! are padded to be readable as plain text too.

use std::collections::TryReserveError;

use super::cell::{Extent, is_right_aligned, line_width, pad};
use super::{AT_A_TIME, Finish, RenderOptions};
use crate::pg::row_batch::{Column, Rows};
use crate::text::escape::visible;

#[derive(Debug, Default)]
pub struct Markdown {
    tuples_only: bool,
    null: String,
    names: Vec<String>,
    right: Vec<bool>,
    /// Of the widest cell.
    widths: Vec<usize>,
    rows: Rows,
    /// Number of rows already written.
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
        let shown = |name: &String| {
            if self.tuples_only {
                0
            } else {
                line_width(name)
            }
        };
        self.widths = self.names.iter().map(shown).collect();
        self.rows = Rows::new(columns.len());
    }

    pub fn row<'a>(
        &mut self,
        values: impl Iterator<Item = Option<&'a str>>,
    ) -> Result<(), TryReserveError> {
        let cells = values.zip(&mut self.widths).map(|(value, width)| {
            let text = escaped(value.unwrap_or(&self.null));
            *width = line_width(&text).max(*width);
            Some(text)
        });
        self.rows.hold(cells)
    }

    /// Valid once all rows are there.
    pub fn extent(&self) -> Extent {
        let widths = self.widths.iter().map(|width| width + 3);
        let rows = self.rows.len();
        Extent {
            columns: widths.sum::<usize>() + 1,
            lines: if self.tuples_only {
                rows.max(1)
            } else {
                rows + 2
            },
        }
    }

    pub fn rewind(&mut self) {
        self.written = 0;
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) -> Finish {
        if !self.tuples_only && self.written == 0 {
            self.line(self.names.iter().map(String::as_str), out);
            self.rule(out);
        }
        for row in self.rows.iter_from(self.written) {
            // The first row goes with the header, which alone may exceed the block size.
            if self.written > 0 && out.len() >= AT_A_TIME {
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
            let gap = width - line_width(cell);
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

    /// The line below the header, which marks right-aligned columns.
    fn rule(&self, out: &mut Vec<u8>) {
        for (width, right) in self.widths.iter().zip(&self.right) {
            out.push(b'|');
            out.resize(out.len() + width + 1, b'-');
            out.push(if *right { b':' } else { b'-' });
        }
        out.extend_from_slice(b"|\n");
    }
}

/// Escapes a cell so that GitHub's markdown shows the text unchanged and within the table.
/// Block markup (`#`, `-`, `1.`) has no meaning in a cell.
fn escaped(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 16);
    let (mut before, mut inside_word) = (' ', false);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let next = || rest.clone().find(|next| *next != '_');
        if c == '_' && before != '_' {
            inside_word = before.is_alphanumeric() && next().is_some_and(char::is_alphanumeric);
        }
        let is_markup = match c {
            '\\' | '|' | '`' | '*' | '<' | '[' | '~' => true,
            // Inside a word it is not emphasis, and identifiers are full of it.
            '_' => !inside_word,
            // Only the start of an entity.
            '&' => next().is_some_and(|next| next == '#' || next.is_ascii_alphabetic()),
            _ => false,
        };
        match c {
            '\n' => out.push_str("<br>"),
            _ if is_markup => out.extend(['\\', c]),
            _ => out.push(c),
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::format::Format;
    use crate::output::format::testing::{any_rows, column, rendered, text_rendered};
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

    /// The cells of a table as an independent parser shows them.
    fn shown(table: &str) -> Vec<String> {
        use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
        const ENDS: [TagEnd; 4] = [
            TagEnd::Table,
            TagEnd::TableHead,
            TagEnd::TableRow,
            TagEnd::TableCell,
        ];
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        let (mut cells, mut markup) = (Vec::new(), Vec::new());
        for event in Parser::new_ext(table, options) {
            let cell = cells.last_mut();
            match (event, cell) {
                (Event::Start(Tag::TableCell), _) => cells.push(String::new()),
                (Event::Text(text), Some(cell)) => cell.push_str(&text),
                (Event::InlineHtml(tag), Some(cell)) if &*tag == "<br>" => cell.push('\n'),
                (Event::Start(Tag::Table(_) | Tag::TableHead | Tag::TableRow), _) => {}
                (Event::End(end), _) if ENDS.contains(&end) => {}
                (other, _) => markup.push(format!("{other:?}")),
            }
        }
        assert_eq!(markup, [""; 0], "{table}");
        cells
    }

    #[test]
    fn a_cell_shows_its_text_and_names_stay_legible() {
        let cell = |text: &str| {
            let table = sample(&RenderOptions::default(), &[vec![Some(text), Some("1")]]);
            let row = table.lines().nth(2).unwrap().to_owned();
            assert_eq!(shown(&table)[2], text, "{table}");
            row.trim_start_matches("| ")
                .trim_end_matches("| 1 |")
                .trim_end()
                .to_owned()
        };
        for (text, written) in [
            ("origin_packages", "origin_packages"),
            ("_a_ __init__", r"\_a\_ \_\_init\_\_"),
            ("a*b*", r"a\*b\*"),
            ("<b>&amp; R&D & co", r"\<b>\&amp; R\&D & co"),
            ("`x` ~~y~~ [z](w)", r"\`x\` \~\~y\~\~ \[z](w)"),
            ("# 1. - ![a]", r"# 1. - !\[a]"),
            ("two\nlines", "two<br>lines"),
            (r"back\slash\|", r"back\\slash\\\|"),
        ] {
            assert_eq!(cell(text), written);
        }
    }

    proptest! {
        #[test]
        fn every_cell_shows_its_text(text in r"[-a-c_*<>&;#`~!\[\]()|\\$:/.=1\n ]{0,24}") {
            let table = sample(&RenderOptions::default(), &[vec![Some(&text), Some("1")]]);
            // Markdown ignores spaces at the ends of lines.
            let cut = |text: &str| text.split('\n').map(str::trim).collect::<Vec<_>>().join("\n");
            prop_assert_eq!(cut(&shown(&table)[2]), cut(&text), "{}", table);
        }

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
