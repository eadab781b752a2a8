//! A JSON array of objects, one object a line, with JSON's own types.
//!
//! A number is the text that the server gave: `1.50` stays `1.50`, and a
//! bigint keeps all its digits, whatever its reader then does to them.

use std::collections::HashSet;

use tokio_postgres::types::Type;

use super::{RenderError, RenderOptions};
use crate::row::Column;

#[derive(Debug)]
pub struct Json {
    objects: Objects,
    empty: bool,
}

impl Json {
    pub fn new(options: &RenderOptions) -> Self {
        Self {
            objects: Objects::new(options),
            empty: true,
        }
    }

    pub fn begin(&mut self, columns: &[Column], out: &mut Vec<u8>) -> Result<(), RenderError> {
        self.objects.begin(columns)?;
        out.push(b'[');
        Ok(())
    }

    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.empty { b"\n" } else { b",\n" });
        self.empty = false;
        self.objects.row(values, out);
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.empty { b"]\n" } else { b"\n]\n" });
    }
}

/// Rows as objects, one after the other. What stands between them is not here.
#[derive(Debug)]
pub(super) struct Objects {
    bigint_as_string: bool,
    shard_column: bool,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    /// `"name":`, written once.
    key: Vec<u8>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Number,
    Bool,
    Json,
    Text,
}

impl Objects {
    pub fn new(options: &RenderOptions) -> Self {
        Self {
            bigint_as_string: options.bigint_as_string,
            shard_column: options.shard_column,
            fields: Vec::new(),
        }
    }

    pub fn begin(&mut self, columns: &[Column]) -> Result<(), RenderError> {
        self.refuse_duplicates(columns)?;
        let field = |column: &Column| {
            let mut key = Vec::new();
            string(&column.name, &mut key);
            key.push(b':');
            Field {
                key,
                kind: Kind::of(column, self.bigint_as_string),
            }
        };
        self.fields = columns.iter().map(field).collect();
        Ok(())
    }

    /// A reader would keep one of the two and drop the other without a word.
    fn refuse_duplicates(&self, columns: &[Column]) -> Result<(), RenderError> {
        let mut seen = HashSet::new();
        let Some(twice) = columns.iter().find(|column| !seen.insert(&column.name)) else {
            return Ok(());
        };
        let name = twice.name.clone();
        if self.shard_column && columns.first().is_some_and(|first| first.name == name) {
            Err(RenderError::ShardColumnTwice(name))
        } else {
            Err(RenderError::ColumnTwice(name))
        }
    }

    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>, out: &mut Vec<u8>) {
        out.push(b'{');
        for (i, (value, field)) in values.zip(&self.fields).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&field.key);
            match value {
                None => out.extend_from_slice(b"null"),
                Some(text) => field.kind.write(text, out),
            }
        }
        out.push(b'}');
    }
}

impl Kind {
    fn of(column: &Column, bigint_as_string: bool) -> Self {
        match column.builtin() {
            Some(Type::INT8 | Type::NUMERIC) if bigint_as_string => Self::Text,
            Some(
                Type::INT2 | Type::INT4 | Type::INT8 | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC,
            ) => Self::Number,
            Some(Type::BOOL) => Self::Bool,
            Some(Type::JSON | Type::JSONB) => Self::Json,
            _ => Self::Text,
        }
    }

    fn write(self, text: &str, out: &mut Vec<u8>) {
        match (self, text) {
            (Self::Number, _) if is_finite(text) => out.extend_from_slice(text.as_bytes()),
            (Self::Bool, "t") => out.extend_from_slice(b"true"),
            (Self::Bool, "f") => out.extend_from_slice(b"false"),
            // Line breaks of valid JSON are whitespace: within a string they are escaped.
            (Self::Json, _) => out.extend(text.bytes().map(|byte| match byte {
                b'\n' | b'\r' => b' ',
                other => other,
            })),
            _ => string(text, out),
        }
    }
}

/// Not `NaN`, `Infinity` or `-Infinity`, which are no JSON.
fn is_finite(number: &str) -> bool {
    number
        .trim_start_matches('-')
        .starts_with(|first: char| first.is_ascii_digit())
}

fn string(text: &str, out: &mut Vec<u8>) {
    // Neither a string nor memory gives serde_json anything to fail on.
    _ = serde_json::to_writer(out, text);
}
