//! The number of screen columns that a character takes, as psql counts it.
//!
//! Not `unicode-width`, which gives format characters (U+200B, a joiner, a soft hyphen) width 0
//! and is of another Unicode version: tables would not line up as psql's do. Terminals may
//! disagree on such characters; psql 16 gives them width 0, too.
//!
//! Source: `ucs_wcwidth` in Postgres's `src/common/wchar.c`.

mod tables;

use std::cmp::Ordering;

/// Per code point: a combined emoji counts as its parts. Control characters count as 0,
/// because they are escaped before text is measured.
pub fn columns(c: char) -> usize {
    let code = u32::from(c);
    if code < tables::NONE[0].0 {
        return usize::from(!c.is_control());
    }
    if is_in(&tables::NONE, code) {
        0
    } else if is_in(&tables::TWO, code) {
        2
    } else {
        1
    }
}

/// Of one line.
pub fn line_width(line: &str) -> usize {
    if line.is_ascii() {
        line.len()
    } else {
        line.chars().map(columns).sum()
    }
}

/// The beginning of a line that takes at most this many columns.
pub fn fitting(line: &str, width: usize) -> &str {
    let mut taken = 0;
    let end = line.char_indices().find_map(|(at, c)| {
        taken += columns(c);
        (taken > width).then_some(at)
    });
    &line[..end.unwrap_or(line.len())]
}

fn is_in(ranges: &[(u32, u32)], code: u32) -> bool {
    let place = |&(first, last): &(u32, u32)| {
        if last < code {
            Ordering::Less
        } else if first > code {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    };
    ranges.binary_search_by(place).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_take_the_columns_that_psql_gives_them() {
        for (c, wide) in [
            ('a', 1),
            ('\u{ad}', 1),
            ('\u{301}', 0),
            ('\u{200b}', 1),
            ('\u{200d}', 1),
            ('\u{202e}', 1),
            ('\u{fe0f}', 0),
            ('日', 2),
            ('😀', 2),
            ('\u{10ffff}', 1),
        ] {
            assert_eq!(columns(c), wide, "{c:?}");
        }
    }
    #[test]
    fn a_line_is_cut_by_columns_not_characters() {
        for (line, width, cut) in [
            ("shards", 6, "shards"),
            ("shards", 5, "shard"),
            ("日本語", 5, "日本"),
            ("e\u{301}e\u{301}", 1, "e\u{301}"),
            ("", 0, ""),
        ] {
            assert_eq!(fitting(line, width), cut);
        }
    }
}
