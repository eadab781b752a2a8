//! Escapes control characters, by psql's rule, so that data can never control a terminal. For
//! everything that people read: tables, errors, progress.
//!
//! Formats for programs (CSV, TSV, JSON) carry values unchanged.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::text::width::columns;

/// Escapes every control character except the newline: `\r`, `\x1B`, `\u0085`. Tabs become
/// spaces up to the next multiple of 8 columns.
///
/// Source: `pg_wcsformat` in Postgres's `src/fe_utils/mbprint.c`.
pub fn visible(text: &str) -> Cow<'_, str> {
    // 0xC2 is the first byte of U+0080 to U+00BF, which include the controls up to U+009F.
    let suspicious = text
        .bytes()
        .any(|byte| matches!(byte, 0..b' ' | 0x7f | 0xc2));
    if suspicious {
        Cow::Owned(escape(text, |_| false))
    } else {
        Cow::Borrowed(text)
    }
}

/// For standard error, where messages are ours but names and texts in them are untrusted.
/// Also escapes invisible characters and those that change the text direction, and indents
/// continuation lines that look like one of our own.
///
/// For single names and values; use [`indented`] for multi-line text from the server.
pub fn for_stderr(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (i, line) in escape(text, is_unseen).split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
            if looks_like_ours(line) {
                out.push_str(INDENT);
            }
        }
        out.push_str(line);
    }
    out
}

/// Indents the continuation lines of someone else's text within ours.
pub fn indented(text: &str) -> String {
    text.trim_end_matches('\n')
        .replace('\n', &format!("\n{INDENT}"))
}

/// For names and other text that must stay on one line.
pub fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

const INDENT: &str = "    ";

/// Whether a line starts like a message, or like the summary of a run.
fn looks_like_ours(line: &str) -> bool {
    /// Hints follow what they are about in one text, and say nothing of how a run went.
    const HINT: &str = "shardq: hint: ";
    const SEVERITIES: [&str; 6] = ["ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO"];
    let begins = |word: &&str| line.starts_with(*word);
    let is_footer = |line: &str| {
        [" shards · ", " shards, missing: ", " shards of "]
            .iter()
            .any(|part| line.contains(part) && line.contains(" · "))
            || line
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '/')
                .starts_with(" shards")
    };
    (begins(&"shardq:") && !begins(&HINT))
        || SEVERITIES.iter().any(begins)
        || (!line.starts_with(' ') && is_footer(line))
}

/// Characters that have no width, change the text direction, or break lines in some programs.
fn is_unseen(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}'
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

fn escape(text: &str, also: impl Fn(char) -> bool) -> String {
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
            char if also(char) && u32::from(char) > 0xffff => {
                _ = write!(out, "\\U{:08X}", u32::from(char));
            }
            char if also(char) => _ = write!(out, "\\u{:04X}", u32::from(char)),
            _ => {
                out.push(char);
                column += columns(char);
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

    #[test]
    fn on_stderr_what_is_not_seen_is_spelled_out() {
        for (text, shown) in [
            ("žluť 日本 😀", "žluť 日本 😀"),
            ("a\u{202e}b\u{2066}c\u{200f}", "a\\u202Eb\\u2066c\\u200F"),
            ("a\u{200b}b\u{feff}c\u{ad}", "a\\u200Bb\\uFEFFc\\u00AD"),
            (
                "a\u{2028}shardq: b\u{2029}\u{85}c",
                "a\\u2028shardq: b\\u2029\\u0085c",
            ),
            ("a\u{e0041}", "a\\U000E0041"),
            ("first\nsecond\n  third", "first\nsecond\n  third"),
            ("a\nshardq: hint: b", "a\nshardq: hint: b"),
            (
                "a\nshardq: b\n12/12 shards\nERROR: c",
                "a\n    shardq: b\n    12/12 shards\n    ERROR: c",
            ),
            (
                "a\n1 row · 2/2 shards of 9 · b\n1 row · 1/2 shards, missing: c · d",
                "a\n    1 row · 2/2 shards of 9 · b\n    1 row · 1/2 shards, missing: c · d",
            ),
            (
                "1 row · 2/2 shards · one snapshot",
                "1 row · 2/2 shards · one snapshot",
            ),
        ] {
            assert_eq!(for_stderr(text), shown);
        }
        assert_eq!(indented("a\nb\n\n"), "a\n    b");
        assert_eq!(one_line("a\nb"), "a\\nb");
    }

    proptest! {
        #[test]
        fn no_later_line_begins_as_one_of_ours(
            lines in prop::collection::vec("(shardq: |128/128 shards|ERROR:  |WARNING: |7 rows · 2/2 shards · )?.{0,9}", 1..6),
            breaks in "[\n\r\u{b}\u{c}\u{85}\u{2028}\u{2029}]{1,3}",
        ) {
            let shown = for_stderr(&lines.join(&breaks));
            for line in shown.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']).skip(1) {
                prop_assert!(!looks_like_ours(line), "{}", shown);
            }
        }

        #[test]
        fn no_control_but_the_newline_is_left(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(!shown.chars().any(|char| char.is_control() && char != '\n'));
            prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
        }
    }
}
