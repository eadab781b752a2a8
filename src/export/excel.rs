//! CSV for people with spreadsheets, who open it with a double click.
//!
//! A spreadsheet takes a cell's text for what it looks like: it rounds whole
//! numbers to 15 digits, makes `1.10` a number and `3-4` a date, and runs what
//! begins like a formula, although names come from the outside world. So:
//!
//! - the file begins with a byte-order mark, without which it is not read as UTF-8;
//! - a number of more than 15 digits, and text that looks like a number or a date,
//!   is written as `="…"`, which shows it to the letter;
//! - text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets a
//!   `'` in front. This changes the value; plain CSV stays raw.

use tokio_postgres::types::Type;

use crate::row::Column;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Digits that a spreadsheet keeps.
const DIGITS: usize = 15;

#[derive(Debug)]
pub struct Excel {
    tuples_only: bool,
    kinds: Vec<Kind>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Whole numbers and exact fractions.
    Exact,
    /// What a spreadsheet knows as well: dates, floating-point numbers, booleans.
    Known,
    Text,
}

impl Excel {
    pub fn new(tuples_only: bool) -> Self {
        Self {
            tuples_only,
            kinds: Vec::new(),
        }
    }

    pub fn begin(&mut self, columns: &[Column], out: &mut Vec<u8>) {
        out.extend_from_slice(BYTE_ORDER_MARK.as_bytes());
        if !self.tuples_only {
            self.kinds = vec![Kind::Text; columns.len()];
            self.row(columns.iter().map(|column| Some(column.name.as_str())), out);
        }
        self.kinds = columns.iter().map(Kind::of).collect();
    }

    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>, out: &mut Vec<u8>) {
        for (i, (value, kind)) in values.zip(&self.kinds).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            if let Some(text) = value {
                kind.write(text, out);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl Kind {
    fn of(column: &Column) -> Self {
        match column.builtin() {
            Some(Type::INT2 | Type::INT4 | Type::INT8 | Type::NUMERIC | Type::OID) => Self::Exact,
            Some(
                Type::FLOAT4
                | Type::FLOAT8
                | Type::BOOL
                | Type::DATE
                | Type::TIME
                | Type::TIMESTAMP
                | Type::TIMESTAMPTZ,
            ) => Self::Known,
            _ => Self::Text,
        }
    }

    fn write(self, text: &str, out: &mut Vec<u8>) {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        match self {
            Self::Known => quoted(text, out),
            Self::Exact if digits <= DIGITS => quoted(text, out),
            Self::Text
                if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_numeric(text) =>
            {
                quoted(&format!("'{text}"), out);
            }
            Self::Text if !is_numeric(text) => quoted(text, out),
            Self::Exact | Self::Text => quoted(&format!("=\"{text}\""), out),
        }
    }
}

/// Whether a spreadsheet might read it as a number, a date or a time. Nothing
/// that passes can end the quotes it is put into.
fn is_numeric(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_digit() || b"+-.,:/eE% ".contains(&byte);
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().all(allowed)
}

/// Quoted where it has to be, and where a spreadsheet would strip it.
fn quoted(text: &str, out: &mut Vec<u8>) {
    let special = |byte: u8| matches!(byte, b',' | b';' | b'"' | b'\n' | b'\r' | b'\t');
    let bare = !text.is_empty() && !text.bytes().any(special) && text.trim() == text;
    if bare {
        out.extend_from_slice(text.as_bytes());
    } else {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(type_: &Type, text: &str) -> String {
        let column = Column {
            type_oid: type_.oid(),
            ..Column::text("c")
        };
        let mut excel = Excel::new(true);
        let mut out = Vec::new();
        excel.begin(&[column], &mut out);
        excel.row([Some(text)].into_iter(), &mut out);
        let line = String::from_utf8(out).unwrap();
        line.strip_prefix(BYTE_ORDER_MARK)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    #[test]
    fn long_integers_keep_their_digits() {
        assert_eq!(cell(&Type::INT8, "123456789012345"), "123456789012345");
        assert_eq!(
            cell(&Type::INT8, "721096797631602718"),
            "\"=\"\"721096797631602718\"\"\""
        );
        assert_eq!(cell(&Type::INT4, "-5"), "-5");
    }

    #[test]
    fn text_that_looks_like_a_number_stays_text() {
        for text in ["00123", "1.10", "3-4", "1e5", "+49 30 123", "-5", "10%"] {
            assert_eq!(
                cell(&Type::TEXT, text),
                format!("\"=\"\"{text}\"\"\""),
                "{text}"
            );
        }
        assert_eq!(cell(&Type::TEXT, "core"), "core");
        assert_eq!(cell(&Type::TEXT, ""), "\"\"");
    }

    #[test]
    fn formulas_are_defused() {
        for text in [
            "=1+1",
            "@SUM(A1)",
            "+cmd|' /C calc'!A0",
            "-2+3+cmd",
            "=HYPERLINK(1)",
        ] {
            assert_eq!(cell(&Type::TEXT, text), format!("'{text}"), "{text}");
        }
        assert_eq!(cell(&Type::TEXT, "\t=1"), "\"'\t=1\"");
        assert_eq!(cell(&Type::TEXT, "=\"a\""), "\"'=\"\"a\"\"\"");
    }
}
