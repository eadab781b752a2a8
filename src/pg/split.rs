//! Splits a file into its statements, as psql does: at semicolons outside of parentheses.

use std::ops::Range;

use super::lexer::{Encoding, Scan, StringSyntax};

/// The statements that have a token at all, without their semicolons, in bytes. Comments belong to
/// the statement that follows.
pub fn statements(text: &str, strings: StringSyntax) -> Vec<Range<usize>> {
    let mut statements = Vec::new();
    let (mut start, mut last, mut depth) = (0, 0, 0_usize);
    for token in Scan::new(text, strings, Encoding::Utf8) {
        if token.is_mark('(') {
            depth += 1;
        } else if token.is_mark(')') {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 && token.is_mark(';') {
            if last > start {
                statements.push(start..token.span.start);
            }
            start = token.span.end;
            last = start;
        } else {
            last = token.span.end;
        }
    }
    if last > start {
        statements.push(start..text.len());
    }
    for statement in &mut statements {
        let sql = &text[statement.clone()];
        let trimmed = sql.trim();
        statement.start += sql.len() - sql.trim_start().len();
        statement.end = statement.start + trimmed.len();
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_in_a_string_a_comment_or_parentheses_ends_nothing() {
        let split = |text: &str| {
            let parts = statements(text, StringSyntax::StandardConforming);
            let parts = parts.into_iter().map(|part| text[part].to_owned());
            parts.collect::<Vec<_>>()
        };
        assert_eq!(
            split(" SELECT 1 ; \n-- b;\nSELECT 2;; "),
            ["SELECT 1", "-- b;\nSELECT 2"]
        );
        assert_eq!(
            split("SELECT ';', $$;$$, \";\" /*;*/"),
            ["SELECT ';', $$;$$, \";\" /*;*/"]
        );
        assert_eq!(split("SELECT (1;2); )3"), ["SELECT (1;2)", ")3"]);
        assert_eq!(split("é; ü"), ["é", "ü"]);
        assert!(split(" ; /* none */ ; -- at all").is_empty());
    }
}
