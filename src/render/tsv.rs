//! Tab-separated values, byte for byte as `COPY … TO STDOUT (HEADER)`: a line
//! a row whatever the values hold, since breaks and tabs are escaped.
//!
//! Source: `CopyAttributeOutText` in Postgres's `src/backend/commands/copyto.c`.

use super::{RenderError, RenderOptions};
use crate::row::Column;

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

fn escaped(text: &str, out: &mut Vec<u8>) {
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
