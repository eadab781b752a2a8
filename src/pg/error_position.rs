//! Formats the line of a statement that contains an error, with a caret below the position, exactly
//! as psql does.
//!
//! Source: `reportErrorPosition` in Postgres's `src/interfaces/libpq/fe-protocol3.c`.

use std::fmt::Write as _;

use crate::text::width::columns;

/// Lines wider than this many columns are cut around the position.
const WIDEST: usize = 60;
/// Columns shown after the position when a line is cut.
const BEHIND: usize = 10;

/// `position` is Postgres's: in characters, from 1. Empty if it is outside the statement.
pub fn excerpt(sql: &str, position: usize) -> String {
    let characters: Vec<char> = sql.chars().collect();
    let Some(at) = position.checked_sub(1).filter(|at| *at <= characters.len()) else {
        return String::new();
    };
    let (before, after) = characters.split_at(at);
    let start = before
        .iter()
        .rposition(|c| is_break(*c))
        .map_or(0, |i| i + 1);
    let end = after
        .iter()
        .position(|c| is_break(*c))
        .map_or(characters.len(), |i| at + i);
    let line: Vec<char> = characters[start..end].iter().map(|c| shown(*c)).collect();
    let screen = Screen::of(&line);
    let at = at - start;

    let (mut from, mut to) = (0, line.len());
    if screen.columns(from, to) > WIDEST {
        if screen.columns(from, at) + BEHIND > WIDEST {
            while screen.columns(at, to) > BEHIND {
                to -= 1;
            }
            while screen.columns(from, to) > WIDEST {
                from += 1;
            }
        } else {
            while screen.columns(from, to) > WIDEST {
                to -= 1;
            }
        }
    }
    let dots = |cut: bool| if cut { "..." } else { "" };
    let mut text = format!("LINE {}: {}", number_of_line(before), dots(from > 0));
    let indent = text.len() + screen.columns(from, at);
    text.extend(&line[from..to]);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}\n{:indent$}^", dots(to < line.len()), "");
    text
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// `\r\n` is one line break.
fn number_of_line(before: &[char]) -> usize {
    let breaks = before.iter().filter(|c| is_break(**c)).count();
    breaks
        - before
            .windows(2)
            .filter(|pair| *pair == ['\r', '\n'])
            .count()
        + 1
}

/// A tab becomes one space, so that the caret is in the right column. psql passes other control
/// characters to the terminal; here they become spaces.
fn shown(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// The screen column at which each character begins.
struct Screen(Vec<usize>);

impl Screen {
    fn of(line: &[char]) -> Self {
        let mut begins = vec![0];
        let mut column = 0;
        for c in line {
            // As in psql, a combining character counts as one column.
            column += columns(*c).max(1);
            begins.push(column);
        }
        Self(begins)
    }

    fn columns(&self, from: usize, to: usize) -> usize {
        self.0[to] - self.0[from]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_caret_stands_below_the_error_also_behind_wide_characters() {
        assert_eq!(
            excerpt("SELECT 1\n  , '漢字' x y", 19),
            "LINE 2:   , '漢字' x y\n                   ^\n"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_error() {
        let sql = format!("SELECT {} oops {}", "a,".repeat(50), "b,".repeat(50));
        let text = excerpt(&sql, 109);
        let (line, caret) = text.split_once('\n').unwrap();
        assert!(line.starts_with("LINE 1: ...") && line.ends_with("..."));
        assert_eq!(&line[caret.find('^').unwrap()..][..4], "oops");
    }

    #[test]
    fn an_error_at_the_end_of_input_points_behind_it() {
        assert_eq!(excerpt("SELECT", 7), "LINE 1: SELECT\n              ^\n");
    }

    #[test]
    fn every_kind_of_line_break_counts_once() {
        assert_eq!(excerpt("a\nb\r\nc\rd", 8), "LINE 4: d\n        ^\n");
        assert_eq!(excerpt("a\r\nb", 1), "LINE 1: a\n        ^\n");
    }

    proptest! {
        #[test]
        fn no_position_is_wrong_enough_to_panic(sql in ".{0,200}", position in 0usize..300) {
            let text = excerpt(&sql, position);
            prop_assert_eq!(text.is_empty(), position == 0 || position > sql.chars().count() + 1);
            prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        }
    }
}
