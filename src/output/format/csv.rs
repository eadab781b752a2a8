//! CSV by RFC 4180, byte for byte as `COPY … TO STDOUT (FORMAT csv, HEADER)`.
//!
//! The tests read this back with the `csv` crate, but it cannot write it: it decides itself
//! when to quote, so it cannot write `""` for an empty string and nothing for NULL.
//!
//! Source: `CopyAttributeOutCSV` in Postgres's `src/backend/commands/copyto.c`.

use super::{Delimiter, RenderError, RenderOptions};
use crate::pg::row_batch::Column;

#[derive(Debug)]
pub struct Csv {
    tuples_only: bool,
    null: String,
    delimiter: Delimiter,
    /// Only one column: a lone `\.` is quoted, as it would end the data of a `COPY … FROM`.
    single: bool,
}

impl Csv {
    pub fn new(options: RenderOptions) -> Self {
        Self {
            tuples_only: options.tuples_only,
            null: options.null.unwrap_or_default(),
            delimiter: options.delimiter,
            single: false,
        }
    }

    pub fn begin(&mut self, columns: &[Column], out: &mut Vec<u8>) -> Result<(), RenderError> {
        let delimiter = char::from(self.delimiter.byte());
        if self.null.contains([delimiter, '"', '\n', '\r']) {
            return Err(RenderError::NullText {
                format: "CSV",
                forbidden: "the delimiter, a double quote or a line break",
            });
        }
        self.single = columns.len() == 1;
        if !self.tuples_only {
            self.row(columns.iter().map(|column| Some(column.name.as_str())), out);
        }
        Ok(())
    }

    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>, out: &mut Vec<u8>) {
        for (i, value) in values.enumerate() {
            if i > 0 {
                out.push(self.delimiter.byte());
            }
            match value {
                None => out.extend_from_slice(self.null.as_bytes()),
                Some("\\.") if self.single => quoted("\\.", out),
                Some(text) => field(text, &self.null, self.delimiter, out),
            }
        }
        out.push(b'\n');
    }
}

/// A value that is not NULL, one of several in a line.
pub(crate) fn field(text: &str, null: &str, delimiter: Delimiter, out: &mut Vec<u8>) {
    let is_special = |byte| byte == delimiter.byte() || matches!(byte, b'"' | b'\n' | b'\r');
    if text == null || text.bytes().any(is_special) {
        quoted(text, out);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for (i, part) in text.split('"').enumerate() {
        if i > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::format::Format;
    use crate::output::format::testing::{any_rows, rendered, text_rendered};
    use proptest::prelude::*;

    fn csv(null: &str, values: Vec<Option<&str>>) -> Result<String, RenderError> {
        let columns: Vec<_> = values.iter().map(|_| Column::text("c")).collect();
        let options = RenderOptions {
            tuples_only: true,
            null: Some(null.into()),
            ..RenderOptions::default()
        };
        rendered(Format::Csv, &options, &columns, &[values])
    }

    #[test]
    fn null_and_the_empty_string_differ() {
        assert_eq!(csv("", vec![None, Some("")]).unwrap(), ",\"\"\n");
        assert_eq!(
            csv("-", vec![None, Some(""), Some("-")]).unwrap(),
            "-,,\"-\"\n"
        );
    }

    #[test]
    fn only_what_must_be_quoted_is() {
        let values = vec![
            Some("a b"),
            Some("a,b"),
            Some("a\"b"),
            Some("a\nb"),
            Some("\r"),
            Some("'"),
        ];
        assert_eq!(
            csv("", values).unwrap(),
            "a b,\"a,b\",\"a\"\"b\",\"a\nb\",\"\r\",'\n"
        );
        assert_eq!(csv("", vec![Some("\\.")]).unwrap(), "\"\\.\"\n");
        assert_eq!(csv("", vec![Some("\\."), None]).unwrap(), "\\.,\n");
    }

    #[test]
    fn the_header_is_quoted_like_a_row_and_printed_without_one() {
        let columns = [Column::text("a,b"), Column::text("c")];
        let none: [Vec<Option<&str>>; 0] = [];
        let header = rendered(Format::Csv, &RenderOptions::default(), &columns, &none);
        assert_eq!(header.unwrap(), "\"a,b\",c\n");
    }

    #[test]
    fn a_text_for_null_that_is_no_field_is_refused() {
        for text in [",", "a\"", "\n", "\r"] {
            assert!(matches!(
                csv(text, vec![None]),
                Err(RenderError::NullText { .. })
            ));
        }
    }

    proptest! {
        #[test]
        fn csv_reads_back_the_same(rows in any_rows()) {
            let text = text_rendered(Format::Csv, &rows);
            let mut reader = csv::ReaderBuilder::new()
                .terminator(csv::Terminator::Any(b'\n'))
                .from_reader(text.as_bytes());
            // The reader has no NULL and skips blank lines, which are a single NULL.
            let expected: Vec<Vec<_>> = rows
                .iter()
                .filter(|row| **row != [None])
                .map(|row| row.iter().map(|value| value.clone().unwrap_or_default()).collect())
                .collect();
            let back: Vec<Vec<_>> = reader
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            prop_assert_eq!(back, expected);
        }
    }
}
