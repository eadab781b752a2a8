//! Tab-separated values, byte for byte as `COPY … TO STDOUT (HEADER)`: always one line per row,
//! because line breaks and tabs are escaped.
//!
//! Source: `CopyAttributeOutText` in Postgres's `src/backend/commands/copyto.c`.

use super::{RenderError, RenderOptions};
use crate::pg::row_batch::Column;

#[derive(Debug)]
pub struct Tsv {
    tuples_only: bool,
    null: String,
}

impl Tsv {
    pub fn new(options: RenderOptions) -> Self {
        Self {
            tuples_only: options.tuples_only,
            null: options.null.unwrap_or_else(|| "\\N".to_owned()),
        }
    }

    pub fn begin(&mut self, columns: &[Column], out: &mut Vec<u8>) -> Result<(), RenderError> {
        if self.null.contains(['\t', '\n', '\r']) {
            return Err(RenderError::NullText {
                format: "TSV",
                forbidden: "a tab or a line break",
            });
        }
        if !self.tuples_only {
            self.row(columns.iter().map(|column| Some(column.name.as_str())), out);
        }
        Ok(())
    }

    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>, out: &mut Vec<u8>) {
        for (i, value) in values.enumerate() {
            if i > 0 {
                out.push(b'\t');
            }
            match value {
                None => out.extend_from_slice(self.null.as_bytes()),
                Some(text) => escaped(text, out),
            }
        }
        out.push(b'\n');
    }
}

pub(crate) fn escaped(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        let letter = match byte {
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x0b => b'v',
            b'\\' => b'\\',
            plain => {
                out.push(plain);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::format::Format;
    use crate::output::format::testing::{any_rows, rendered, text_rendered};
    use proptest::prelude::*;

    #[test]
    fn breaks_tabs_and_backslashes_are_escaped() {
        let columns = [Column::text("a\tb"), Column::text("c"), Column::text("d")];
        let rows = [
            vec![Some("\x08\x0c\n\r\t\x0b\\"), None, Some("")],
            vec![Some("\\N"), Some("\\."), Some("\x1b\"|")],
        ];
        let tsv = |options: &RenderOptions| rendered(Format::Tsv, options, &columns, &rows);
        assert_eq!(
            tsv(&RenderOptions::default()).unwrap(),
            "a\\tb\tc\td\n\\b\\f\\n\\r\\t\\v\\\\\t\\N\t\n\\\\N\t\\\\.\t\x1b\"|\n"
        );
        let options = RenderOptions {
            tuples_only: true,
            null: Some("-".into()),
            ..RenderOptions::default()
        };
        assert_eq!(
            tsv(&options).unwrap(),
            "\\b\\f\\n\\r\\t\\v\\\\\t-\t\n\\\\N\t\\\\.\t\x1b\"|\n"
        );
    }

    #[test]
    fn a_text_for_null_that_is_no_field_is_refused() {
        for text in ["\t", "a\n", "\r"] {
            let options = RenderOptions {
                null: Some(text.into()),
                ..RenderOptions::default()
            };
            let refused = rendered(Format::Tsv, &options, &[], &[vec![Some("")]]);
            assert!(matches!(refused, Err(RenderError::NullText { .. })));
        }
    }

    fn unescaped(field: &str) -> Option<String> {
        if field == "\\N" {
            return None;
        }
        let mut chars = field.chars();
        let mut text = String::new();
        while let Some(char) = chars.next() {
            text.push(match char {
                '\\' => match chars.next().unwrap() {
                    'b' => '\x08',
                    'f' => '\x0c',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\x0b',
                    other => other,
                },
                plain => plain,
            });
        }
        Some(text)
    }

    proptest! {
        #[test]
        fn tsv_reads_back_the_same(rows in any_rows()) {
            let text = text_rendered(Format::Tsv, &rows);
            let back: Vec<Vec<_>> = text
                .split_terminator('\n')
                .skip(1)
                .map(|line| line.split('\t').map(unescaped).collect())
                .collect();
            prop_assert_eq!(back, rows);
        }
    }
}
