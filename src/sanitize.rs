//! Control characters made visible, by psql's rule, so that data can never
//! drive a terminal. For whatever a person reads: tables, errors, progress.
//!
//! Formats for programs (CSV, TSV, JSON) carry values unchanged.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// The text with every control character but the newline spelled out: `\r`,
/// `\x1B`, `\u0085`; tabs become spaces up to the next multiple of 8 columns.
///
/// Source: `pg_wcsformat` in Postgres's `src/fe_utils/mbprint.c`.
pub fn visible(text: &str) -> Cow<'_, str> {
    // 0xC2 leads U+0080 to U+00BF; the controls among them end at U+009F.
    let suspicious = text
        .bytes()
        .any(|byte| matches!(byte, 0..b' ' | 0x7f | 0xc2));
    if suspicious {
        Cow::Owned(spelled_out(text))
    } else {
        Cow::Borrowed(text)
    }
}

fn spelled_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut column = 0;
    for char in text.chars() {
        let before = out.len();
        match char {
            '\n' => {
                out.push('\n');
                column = 0;
                continue;
            }
            '\t' => out.extend(std::iter::repeat_n(' ', 8 - column % 8)),
            '\r' => out.push_str("\\r"),
            // Writing to a String cannot fail.
            '\0'..' ' | '\x7f' => _ = write!(out, "\\x{:02X}", u32::from(char)),
            '\u{80}'..='\u{9f}' => _ = write!(out, "\\u{:04X}", u32::from(char)),
            _ => {
                out.push(char);
                column += char.width().unwrap_or(0);
                continue;
            }
        }
        column += out.len() - before;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_are_spelled_as_psql_spells_them() {
        for (text, shown) in [
            ("plain", "plain"),
            ("two\nlines", "two\nlines"),
            ("\r\n", "\\r\n"),
            ("\x1b[31mred\x07", "\\x1B[31mred\\x07"),
            ("\x01\x7f", "\\x01\\x7F"),
            ("\u{85}\u{9b}1m", "\\u0085\\u009B1m"),
            ("\u{a0}°", "\u{a0}°"),
            ("žluť 日本 😀", "žluť 日本 😀"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn tabs_reach_the_next_multiple_of_eight_columns() {
        for (text, shown) in [
            ("\t|", "        |"),
            ("a\tb", "a       b"),
            ("12345678\t|", "12345678        |"),
            ("日本\t|", "日本    |"),
            ("a\nb\t|", "a\nb       |"),
            ("\x1b\t|", "\\x1B    |"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn text_without_controls_is_not_copied() {
        assert!(matches!(visible("core/redis 日本"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn no_control_but_the_newline_is_left(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(!shown.chars().any(|char| char.is_control() && char != '\n'));
            prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
        }
    }
}
