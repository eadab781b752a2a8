//! A JSON array with one object per line, using JSON's own types.
//!
//! Numbers are the server's text: `1.50` stays `1.50`, and a bigint keeps all its digits,
//! whatever a reader makes of them.

use std::collections::HashSet;

use tokio_postgres::types::Type;

use super::{RenderError, RenderOptions};
use crate::pg::row_batch::Column;

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

/// Rows as objects, without separators.
#[derive(Debug)]
pub(super) struct Objects {
    bigint_as_string: bool,
    shard_column: bool,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    /// `"name":`, encoded once.
    key: Vec<u8>,
    kind: JsonType,
}

#[derive(Debug, Clone, Copy)]
enum JsonType {
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
                kind: JsonType::of(column, self.bigint_as_string),
            }
        };
        self.fields = columns.iter().map(field).collect();
        Ok(())
    }

    /// A reader would silently keep only one of them.
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

impl JsonType {
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
            // Line breaks in valid JSON are whitespace: within strings they are escaped.
            (Self::Json, _) => out.extend(text.bytes().map(|byte| match byte {
                b'\n' | b'\r' => b' ',
                other => other,
            })),
            _ => string(text, out),
        }
    }
}

/// False for `NaN`, `Infinity` and `-Infinity`, which JSON does not have.
fn is_finite(number: &str) -> bool {
    number
        .trim_start_matches('-')
        .starts_with(|first: char| first.is_ascii_digit())
}

fn string(text: &str, out: &mut Vec<u8>) {
    // Writing a string to memory cannot fail.
    _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::format::Format;
    use crate::output::format::testing::{any_rows, column, rendered, text_rendered};
    use proptest::prelude::*;
    use serde_json::Value;

    fn value(built_in: &Type, text: &str, options: &RenderOptions) -> String {
        let columns = [column("v", built_in)];
        let line = rendered(Format::Jsonl, options, &columns, &[vec![Some(text)]]).unwrap();
        let value = line
            .strip_prefix("{\"v\":")
            .and_then(|l| l.strip_suffix("}\n"));
        value.unwrap().to_owned()
    }

    #[test]
    fn values_have_jsons_own_types() {
        for (built_in, text, json) in [
            (Type::INT2, "-7", "-7"),
            (Type::INT4, "7", "7"),
            (Type::INT8, "721096797631602688", "721096797631602688"),
            (Type::NUMERIC, "1.50", "1.50"),
            (Type::NUMERIC, "NaN", "\"NaN\""),
            (Type::FLOAT4, "1e-05", "1e-05"),
            (Type::FLOAT8, "1e+20", "1e+20"),
            (Type::FLOAT8, "Infinity", "\"Infinity\""),
            (Type::FLOAT8, "-Infinity", "\"-Infinity\""),
            (Type::BOOL, "t", "true"),
            (Type::BOOL, "f", "false"),
            (Type::JSONB, "{\"a\": [1, null]}", "{\"a\": [1, null]}"),
            (Type::JSON, "{\n \"a\":\r\n1.50}", "{  \"a\":  1.50}"),
            (Type::TEXT, "t", "\"t\""),
            (Type::TEXT, "a\"b\\\n\x1b", "\"a\\\"b\\\\\\n\\u001b\""),
            (Type::INT4_ARRAY, "{1,NULL}", "\"{1,NULL}\""),
            (Type::JSON_ARRAY, "{\"{}\"}", "\"{\\\"{}\\\"}\""),
            (Type::OID, "16384", "\"16384\""),
            (Type::MONEY, "$1.00", "\"$1.00\""),
            (
                Type::TIMESTAMPTZ,
                "2017-05-19 12:00:00+00",
                "\"2017-05-19 12:00:00+00\"",
            ),
        ] {
            assert_eq!(value(&built_in, text, &RenderOptions::default()), json);
        }
    }

    #[test]
    fn bigints_are_strings_for_readers_that_lose_digits() {
        let options = RenderOptions {
            bigint_as_string: true,
            ..RenderOptions::default()
        };
        assert_eq!(value(&Type::INT8, "7", &options), "\"7\"");
        assert_eq!(value(&Type::NUMERIC, "1.50", &options), "\"1.50\"");
        assert_eq!(value(&Type::INT4, "7", &options), "7");
        assert_eq!(value(&Type::FLOAT8, "1.5", &options), "1.5");
    }

    #[test]
    fn an_array_has_one_object_a_line() {
        let columns = [Column::text("a"), column("n\"", &Type::INT4)];
        let json = |rows: &[Vec<Option<&str>>]| {
            rendered(Format::Json, &RenderOptions::default(), &columns, rows).unwrap()
        };
        assert_eq!(json(&[]), "[]\n");
        assert_eq!(
            json(&[vec![Some("x"), Some("1")], vec![None, None]]),
            "[\n{\"a\":\"x\",\"n\\\"\":1},\n{\"a\":null,\"n\\\"\":null}\n]\n"
        );
    }

    #[test]
    fn two_columns_of_one_name_are_refused_with_the_way_out() {
        let refusal = |names: &[&str], shard_column| {
            let columns: Vec<_> = names.iter().map(|name| Column::text(*name)).collect();
            let options = RenderOptions {
                shard_column,
                ..RenderOptions::default()
            };
            let rows: [Vec<Option<&str>>; 0] = [];
            [Format::Json, Format::Jsonl]
                .map(|format| rendered(format, &options, &columns, &rows).err())
        };
        let twice = |name: &str| Some(RenderError::ColumnTwice(name.into()));
        let shard = Some(RenderError::ShardColumnTwice("shard".into()));
        assert_eq!(refusal(&["shard", "shard"], true), [shard.clone(), shard]);
        assert_eq!(
            refusal(&["shard", "shard"], false),
            [twice("shard"), twice("shard")]
        );
        assert_eq!(
            refusal(&["shard", "a", "a"], true),
            [twice("a"), twice("a")]
        );
        assert_eq!(refusal(&["shard", "Shard"], true), [None, None]);
        let message = RenderError::ShardColumnTwice("shard".into()).to_string();
        assert!(message.contains("--shard-column NAME") && message.contains("--no-shard-column"));
    }

    proptest! {
        #[test]
        fn json_reads_back_the_same(rows in any_rows()) {
            let array: Value = serde_json::from_str(&text_rendered(Format::Json, &rows)).unwrap();
            let lines = text_rendered(Format::Jsonl, &rows);
            let lines: Vec<Value> = lines
                .split_terminator('\n')
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let expected: Vec<_> = rows
                .iter()
                .map(|row| {
                    let field = |(i, value): (usize, &Option<String>)| {
                        (format!("c{i}"), value.clone().map_or(Value::Null, Value::String))
                    };
                    Value::Object(row.iter().enumerate().map(field).collect())
                })
                .collect();
            prop_assert_eq!(&lines, &expected);
            prop_assert_eq!(array, Value::Array(expected));
        }
    }
}
