//! CSV by RFC 4180, byte for byte as `COPY … TO STDOUT (FORMAT csv, HEADER)`.
//!
//! The `csv` crate reads this back in the tests but does not write it: it
//! decides on its own when to quote, so it cannot say `""` for an empty string
//! beside nothing at all for NULL, which is what keeps the two apart.
//!
//! Source: `CopyAttributeOutCSV` in Postgres's `src/backend/commands/copyto.c`.

use super::{RenderError, RenderOptions};
use crate::row::Column;

#[derive(Debug)]
pub struct Csv {
    tuples_only: bool,
    null: String,
    /// A lone `\.` would end the data of a `COPY … FROM`.
    single: bool,
}

impl Csv {
    pub fn new(options: RenderOptions) -> Self {
        Self {
            tuples_only: options.tuples_only,
            null: options.null.unwrap_or_default(),
            single: false,
        }
    }

    pub fn begin(&mut self, columns: &[Column], out: &mut Vec<u8>) -> Result<(), RenderError> {
        if self.null.contains([',', '"', '\n', '\r']) {
            return Err(RenderError::NullText {
                format: "CSV",
                forbidden: "a comma, a double quote or a line break",
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
                out.push(b',');
            }
            match value {
                None => out.extend_from_slice(self.null.as_bytes()),
                Some(text) if self.needs_quotes(text) => quoted(text, out),
                Some(text) => out.extend_from_slice(text.as_bytes()),
            }
        }
        out.push(b'\n');
    }

    fn needs_quotes(&self, text: &str) -> bool {
        text == self.null
            || (self.single && text == "\\.")
            || text
                .bytes()
                .any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'))
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
