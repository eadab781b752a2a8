//! CSV for spreadsheets that open it with a double click.
//!
//! A spreadsheet guesses the type of each cell: it rounds whole numbers to 15 digits, turns
//! `1.10` into a number and `3-4` and `MAR1` into dates, and executes formulas, even though
//! the data comes from outside. Therefore:
//!
//! - the file begins with a byte-order mark, without which it is not read as UTF-8;
//! - a number of more than 15 digits, and text that could be a number or a date, is written
//!   as `="…"`, which shows it unchanged;
//! - text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return is prefixed with
//!   `'`. This changes the value; plain CSV does not.

use tokio_postgres::types::Type;

use crate::output::format::Delimiter;
use crate::pg::row_batch::Column;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Significant digits that a spreadsheet keeps.
const DIGITS: usize = 15;

/// In characters. No date is longer, even with weekday and time.
const LONGEST_DATE: usize = 50;

#[derive(Debug)]
pub struct Excel {
    tuples_only: bool,
    delimiter: Delimiter,
    kinds: Vec<CellKind>,
}

#[derive(Debug, Clone, Copy)]
enum CellKind {
    Number,
    Float,
    /// Types that spreadsheets have too: dates, times, booleans.
    SpreadsheetNative,
    Text,
}

impl Excel {
    pub fn new(tuples_only: bool, delimiter: Delimiter) -> Self {
        Self {
            tuples_only,
            delimiter,
            kinds: Vec::new(),
        }
    }

    pub fn begin(&mut self, columns: &[Column], out: &mut Vec<u8>) {
        out.extend_from_slice(BYTE_ORDER_MARK.as_bytes());
        if !self.tuples_only {
            self.kinds = vec![CellKind::Text; columns.len()];
            self.row(columns.iter().map(|column| Some(column.name.as_str())), out);
        }
        self.kinds = columns.iter().map(CellKind::of).collect();
    }

    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>, out: &mut Vec<u8>) {
        for (i, (value, kind)) in values.zip(&self.kinds).enumerate() {
            if i > 0 {
                out.push(self.delimiter.byte());
            }
            if let Some(text) = value {
                kind.write(text, self.delimiter, out);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl CellKind {
    fn of(column: &Column) -> Self {
        match column.builtin() {
            Some(
                Type::INT2 | Type::INT4 | Type::INT8 | Type::NUMERIC | Type::MONEY | Type::OID,
            ) => Self::Number,
            Some(Type::FLOAT4 | Type::FLOAT8) => Self::Float,
            Some(Type::BOOL | Type::DATE | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ) => {
                Self::SpreadsheetNative
            }
            _ => Self::Text,
        }
    }

    fn write(self, text: &str, delimiter: Delimiter, out: &mut Vec<u8>) {
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
        let quoted = |text: &str, out: &mut Vec<u8>| quoted(text, delimiter, out);
        match self {
            Self::SpreadsheetNative => quoted(text, out),
            Self::Number if digits(text) <= DIGITS => quoted(text, out),
            // The exponent does not count towards precision.
            Self::Float if digits(text.split('e').next().unwrap_or(text)) <= DIGITS => {
                quoted(text, out);
            }
            Self::Text
                if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !may_be_other(text) =>
            {
                quoted(&format!("'{text}"), out);
            }
            Self::Text if !may_be_other(text) => quoted(text, out),
            Self::Number | Self::Float | Self::Text => quoted(&format!("=\"{text}\""), out),
        }
    }
}

/// Whether a spreadsheet might read it as a number, a date or a time. Which words are months,
/// hours or currencies depends on the reader's language (`2. Mai`, `5 zł`), so any word
/// counts. This also quotes text such as `sha256`, which does no visible harm. The accepted
/// characters do not include `"`, so they cannot end the `="…"`.
fn may_be_other(text: &str) -> bool {
    let number = |c: char| c.is_ascii_digit() || "+-.,:/eE% ".contains(c);
    let date = |c: char| {
        let currency = matches!(c, '$' | '¢'..='¥' | '\u{20a0}'..='\u{20cf}');
        number(c) || c.is_alphanumeric() || currency || "()'’\u{a0}\u{202f}".contains(c)
    };
    text.contains(char::is_numeric)
        && (text.chars().all(number)
            || text.chars().count() <= LONGEST_DATE && text.chars().all(date))
}

/// Quotes where CSV requires it, and where a spreadsheet would strip whitespace.
fn quoted(text: &str, delimiter: Delimiter, out: &mut Vec<u8>) {
    let special = |byte: u8| {
        byte == delimiter.byte() || matches!(byte, b',' | b';' | b'"' | b'\n' | b'\r' | b'\t')
    };
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
    use proptest::prelude::*;

    use super::*;

    fn cell(type_: &Type, text: &str) -> String {
        let column = Column {
            type_oid: type_.oid(),
            ..Column::text("c")
        };
        let mut excel = Excel::new(true, Delimiter::COMMA);
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
        for text in [
            "00123",
            "1.10",
            "3-4",
            "1e5",
            "+49 30 123",
            "-5",
            "10%",
            "MAR1",
            "2-Mar",
            "2. März",
            "2 Jan 2020",
            "Wednesday, September 30, 2020 12:30:00 PM",
            "12:30 PM",
            "5pm",
            "$1,000",
            "-$5",
            "1\u{202f}000,50 €",
            "1'000",
            "(5)",
            "1 1/2",
            "１２",
        ] {
            assert_eq!(
                cell(&Type::TEXT, text),
                format!("\"=\"\"{text}\"\"\""),
                "{text}"
            );
        }
        let hash = "1d519daa64d9ec737552fc61b1c77e05eda72b23d89c0aa04adfd2fbf86baeed";
        for text in ["core", "Mar", "shard_0", "a@b1.example", "{1}", hash] {
            assert_eq!(cell(&Type::TEXT, text), text);
        }
        assert_eq!(cell(&Type::TEXT, ""), "\"\"");
    }

    #[test]
    fn numbers_and_dates_of_their_own_types_stay_what_they_are() {
        for (type_, text) in [
            (Type::FLOAT8, "0.30000000000000004"),
            (Type::FLOAT8, "1.2345678901234567e+20"),
        ] {
            let kept = format!("\"=\"\"{text}\"\"\"");
            assert_eq!(cell(&type_, text), kept, "{type_}");
        }
        for (type_, text) in [
            (Type::NUMERIC, "-1234567890.12345"),
            (Type::FLOAT8, "1.23456789012345e-300"),
            (Type::FLOAT8, "-Infinity"),
            (Type::FLOAT8, "1e+20"),
            (Type::DATE, "2020-01-02"),
            (Type::TIMESTAMPTZ, "2020-01-02 12:30:00+00"),
            (Type::MONEY, "$5.00"),
        ] {
            assert_eq!(cell(&type_, text), text, "{type_}");
        }
    }

    proptest! {
        /// A spreadsheet shows every text unchanged: it is `="…"`, or has a `'` in front, or starts
        /// no formula and has no digit or a character that no number or date has.
        #[test]
        fn text_reaches_a_spreadsheet_as_text(text in "[-=+@0-9A-Za-z$€(),.:/%' _|\"]{1,12}") {
            let cell = cell(&Type::TEXT, &text);
            let cell = match cell.strip_prefix('"').and_then(|c| c.strip_suffix('"')) {
                Some(inner) => inner.replace("\"\"", "\""),
                None => cell,
            };
            if cell == text {
                prop_assert!(!text.starts_with(['=', '+', '-', '@']), "{}", text);
                prop_assert!(
                    !text.contains(|c: char| c.is_ascii_digit())
                        || text.contains(['=', '@', '_', '|', '"']),
                    "{}", text
                );
            } else if let Some(kept) = cell.strip_prefix("=\"") {
                prop_assert_eq!(kept.strip_suffix('"'), Some(text.as_str()));
                prop_assert!(!text.contains('"'));
            } else {
                prop_assert_eq!(cell.strip_prefix('\''), Some(text.as_str()));
            }
        }
    }

    #[test]
    fn formulas_are_defused() {
        for text in [
            "=1+1",
            "@SUM(A1)",
            "+cmd|' /C calc'!A0",
            "-2+3+cmd|x",
            "=HYPERLINK(1)",
        ] {
            assert_eq!(cell(&Type::TEXT, text), format!("'{text}"), "{text}");
        }
        assert_eq!(cell(&Type::TEXT, "\t=1"), "\"'\t=1\"");
        assert_eq!(cell(&Type::TEXT, "=\"a\""), "\"'=\"\"a\"\"\"");
    }
}
