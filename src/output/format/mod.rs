//! Renders rows as text. One file per format.
//!
//! Formats for programs (CSV, TSV, JSON, JSON lines) write each row at once and hold nothing;
//! formats for people hold all rows, because the widest determines the column width.

mod cell;
mod collected;
pub(crate) mod csv;
mod delimiter;
mod expanded;
mod json;
mod jsonl;
mod markdown;
mod table;
pub(crate) mod tsv;

pub use cell::Extent;
pub use collected::{CollectedRows, ResultRows, Row};
pub use delimiter::Delimiter;

use std::collections::TryReserveError;
use std::path::Path;

use crate::output::file_name::{Mismatch, Says, says};
use crate::pg::row_batch::Column;
use crate::terminal::color::Paint;

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns, as psql prints them
    #[default]
    Table,
    /// One line per column, one block per row, as psql -x prints them
    Expanded,
    /// Comma-separated, as COPY writes CSV: NULL is empty, an empty string is quoted
    Csv,
    /// Tab-separated, as COPY writes text: NULL, tabs and line breaks are backslash escapes
    Tsv,
    /// A JSON array of objects, one object per line
    Json,
    /// JSON lines: one object per line
    Jsonl,
    /// A markdown table
    Markdown,
}

impl Format {
    const ENDINGS: [(&'static str, Self); 7] = [
        ("csv", Self::Csv),
        ("tsv", Self::Tsv),
        ("json", Self::Json),
        ("jsonl", Self::Jsonl),
        ("ndjson", Self::Jsonl),
        ("md", Self::Markdown),
        ("markdown", Self::Markdown),
    ];

    /// What separates two results in one output. psql's own formats need nothing.
    pub fn separator(self) -> &'static str {
        match self {
            // Without it the second would be rows of the first.
            Self::Markdown => "\n",
            _ => "",
        }
    }

    /// By file extension; `None` if it is missing or not that of a format.
    ///
    /// # Errors
    /// If the extension belongs to a format that query cannot write.
    pub fn named(file: &Path) -> Result<Option<Self>, Mismatch> {
        match says(file, &Self::ENDINGS) {
            Says::This(format) => Ok(Some(format)),
            Says::Nothing => Ok(None),
            Says::SomethingElse => Err(Mismatch {
                file: file.to_owned(),
                command: "query",
                known: Self::ENDINGS.map(|(ending, _)| ending).join(", "),
                others: " (shardq export writes .csv.gz, .parquet, .xlsx and others)",
            }),
        }
    }
}

/// Options shared by all formats.
#[derive(Debug, Clone, Default)]
pub struct RenderOptions {
    /// No header and no row count. JSON has neither.
    pub tuples_only: bool,
    /// Replaces the format's own NULL. JSON keeps its `null`.
    pub null: Option<String>,
    /// JSON: every bigint and numeric is a string, so that readers that store numbers as doubles
    /// lose no digits. Not only values beyond 2^53: a column always has one JSON type.
    pub bigint_as_string: bool,
    /// CSV: the field delimiter.
    pub delimiter: Delimiter,
    /// The first column is the shard column, not one of the query's.
    pub shard_column: bool,
    /// For a terminal: dims the text of NULL.
    pub paint: Paint,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error(
        "two columns are named \"{0}\", but a JSON object can have only one; rename one in the \
         query: … AS other_name"
    )]
    ColumnTwice(String),
    #[error(
        "the query already has a column \"{0}\", but a JSON object can have only one; rename the \
         shard column with --shard-column NAME, or omit it with --no-shard-column"
    )]
    ShardColumnTwice(String),
    #[error(
        "out of memory: this format holds all rows until the last one arrives, and there are too \
         many; --csv, --tsv and --jsonl hold none"
    )]
    OutOfMemory,
    #[error("the text for NULL must not contain {forbidden} in {format}")]
    NullText {
        format: &'static str,
        forbidden: &'static str,
    },
}

/// Whether all buffered output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    More,
    Done,
}

/// Block size for buffered output, in bytes; exceeded by up to one row.
const AT_A_TIME: usize = 64 << 10;

/// Renders one result: `begin` once, `row` for each row, `finish` until it is done.
#[derive(Debug)]
pub enum Renderer {
    Table(table::TableRenderer),
    Expanded(expanded::Expanded),
    Csv(csv::Csv),
    Tsv(tsv::Tsv),
    Json(json::Json),
    Jsonl(jsonl::Jsonl),
    Markdown(markdown::Markdown),
    /// Writes nothing.
    Collected(CollectedRows),
}

impl Renderer {
    pub fn new(format: Format, options: RenderOptions) -> Self {
        match format {
            Format::Table => Self::Table(table::TableRenderer::new(&options)),
            Format::Expanded => Self::Expanded(expanded::Expanded::new(&options)),
            Format::Csv => Self::Csv(csv::Csv::new(options)),
            Format::Tsv => Self::Tsv(tsv::Tsv::new(options)),
            Format::Json => Self::Json(json::Json::new(&options)),
            Format::Jsonl => Self::Jsonl(jsonl::Jsonl::new(&options)),
            Format::Markdown => Self::Markdown(markdown::Markdown::new(options)),
        }
    }

    /// Starts a result.
    ///
    /// # Errors
    /// Before anything is written: if the format cannot express the columns or the NULL text.
    pub fn begin(&mut self, columns: &[Column], out: &mut Vec<u8>) -> Result<(), RenderError> {
        match self {
            Self::Table(table) => table.begin(columns),
            Self::Expanded(expanded) => expanded.begin(columns),
            Self::Csv(csv) => csv.begin(columns, out)?,
            Self::Tsv(tsv) => tsv.begin(columns, out)?,
            Self::Json(json) => json.begin(columns, out)?,
            Self::Jsonl(jsonl) => jsonl.begin(columns)?,
            Self::Markdown(markdown) => markdown.begin(columns),
            Self::Collected(rows) => rows.begin(columns),
        }
        Ok(())
    }

    /// One value per column; `None` is NULL.
    ///
    /// # Errors
    /// If the format holds all rows, and there is no memory left for this one.
    pub fn row<'a>(
        &mut self,
        values: impl Iterator<Item = Option<&'a str>>,
        out: &mut Vec<u8>,
    ) -> Result<(), RenderError> {
        match self {
            Self::Table(table) => return table.row(values).map_err(out_of_memory),
            Self::Expanded(expanded) => return expanded.row(values).map_err(out_of_memory),
            Self::Markdown(markdown) => return markdown.row(values).map_err(out_of_memory),
            Self::Csv(csv) => csv.row(values, out),
            Self::Tsv(tsv) => tsv.row(values, out),
            Self::Json(json) => json.row(values, out),
            Self::Jsonl(jsonl) => jsonl.row(values, out),
            Self::Collected(rows) => rows.row(values),
        }
        Ok(())
    }

    /// How much of a screen the result takes, once all rows are there. `None` for a format that is
    /// not for people.
    pub fn extent(&self) -> Option<Extent> {
        match self {
            Self::Table(table) => Some(table.extent()),
            Self::Expanded(expanded) => Some(expanded.extent()),
            Self::Markdown(markdown) => Some(markdown.extent()),
            Self::Csv(_) | Self::Tsv(_) | Self::Json(_) | Self::Jsonl(_) | Self::Collected(_) => {
                None
            }
        }
    }

    /// Once all rows are there: as psql's `\x auto`, changes a table of several columns that is
    /// wider than the screen to one line per column.
    pub fn expand_beyond(&mut self, columns: usize) {
        if let Self::Table(table) = self
            && table.is_wider_than(columns)
        {
            *self = Self::Expanded(std::mem::take(table).expanded());
        }
    }

    /// Starts [`Renderer::finish`] anew, if the format holds all rows.
    pub fn rewind(&mut self) {
        match self {
            Self::Table(table) => table.rewind(),
            Self::Expanded(expanded) => expanded.rewind(),
            Self::Markdown(markdown) => markdown.rewind(),
            Self::Csv(_) | Self::Tsv(_) | Self::Json(_) | Self::Jsonl(_) | Self::Collected(_) => {}
        }
    }

    /// For a destination that is not a terminal after all.
    pub fn remove_paint(&mut self) {
        match self {
            Self::Table(table) => table.remove_paint(),
            Self::Expanded(expanded) => expanded.remove_paint(),
            _ => {}
        }
    }

    /// Writes buffered output and the end of the result, one block per call, so that memory does
    /// not double. Call it again while it returns [`Finish::More`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Finish {
        match self {
            Self::Table(table) => return table.finish(out),
            Self::Expanded(expanded) => return expanded.finish(out),
            Self::Markdown(markdown) => return markdown.finish(out),
            Self::Json(json) => json.finish(out),
            Self::Csv(_) | Self::Tsv(_) | Self::Jsonl(_) | Self::Collected(_) => {}
        }
        Finish::Done
    }
}

fn out_of_memory(_: TryReserveError) -> RenderError {
    RenderError::OutOfMemory
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::testing::any_rows;
    use super::*;
    use crate::text::width::line_width;
    use proptest::prelude::*;

    /// Rendered twice, as for a pager that cannot be started.
    fn rendered(renderer: &mut Renderer, rows: &[Vec<Option<String>>]) -> String {
        let names = (0..rows[0].len()).map(|i| Column::text(format!("c\n{i}")));
        let mut out = Vec::new();
        renderer
            .begin(&names.collect::<Vec<_>>(), &mut out)
            .unwrap();
        for row in rows {
            renderer
                .row(row.iter().map(Option::as_deref), &mut out)
                .unwrap();
        }
        while renderer.finish(&mut out) == Finish::More {}
        let first = String::from_utf8(std::mem::take(&mut out)).unwrap();
        renderer.rewind();
        while renderer.finish(&mut out) == Finish::More {}
        assert_eq!(String::from_utf8(out).unwrap(), first);
        first
    }

    proptest! {
        #[test]
        fn a_table_that_is_expanded_is_what_it_would_have_been(
            rows in any_rows(),
            tuples_only: bool,
            null in "[ab\n]{0,9}",
        ) {
            let options = RenderOptions { tuples_only, null: Some(null), ..Default::default() };
            let mut expanded = Renderer::new(Format::Expanded, options.clone());
            let mut table = Renderer::new(Format::Table, options);
            let text = rendered(&mut expanded, &rows);
            rendered(&mut table, &rows);
            let columns = table.extent().unwrap().columns;
            table.expand_beyond(columns);
            prop_assert!(matches!(table, Renderer::Table(_)));
            table.expand_beyond(columns - 1);
            prop_assert_eq!(matches!(table, Renderer::Table(_)), rows[0].len() == 1);
            if let Renderer::Expanded(_) = table {
                prop_assert_eq!(table.extent(), expanded.extent());
                let mut out = Vec::new();
                while table.finish(&mut out) == Finish::More {}
                prop_assert_eq!(String::from_utf8(out).unwrap(), text);
            }
        }

        #[test]
        fn the_extent_of_a_result_is_what_it_takes(
            rows in any_rows(),
            tuples_only: bool,
            null in "[ab\n]{0,9}",
            format in prop_oneof![
                Just(Format::Table), Just(Format::Expanded), Just(Format::Markdown)
            ],
        ) {
            let options = RenderOptions { tuples_only, null: Some(null), ..Default::default() };
            let mut renderer = Renderer::new(format, options);
            let text = rendered(&mut renderer, &rows);
            let extent = renderer.extent().unwrap();
            prop_assert_eq!(extent.lines, text.matches('\n').count(), "{}", text);
            let lines = text.lines().filter(|line| !line.starts_with('('));
            let columns = lines.map(line_width).max().unwrap_or(0);
            // A mark of continuation may follow the last column, and padding may not.
            prop_assert!(columns <= extent.columns + 1, "{} {}", extent.columns, text);
            prop_assert!(columns + 1 >= extent.columns || tuples_only, "{} {}", extent.columns, text);
        }
    }
}
