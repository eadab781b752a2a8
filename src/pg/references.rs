//! Where in a text a table or an alias can occur. Stricter than `Text::table_names`: a column of
//! that name does not count.

use crate::pg::lexer::TokenKind;
use crate::pg::query_text::{RESERVED, Text};

impl Text<'_> {
    /// Whether a table of this name may be read: the name is unqualified, and where a table can be.
    pub fn references_table(&self, name: &str) -> bool {
        self.named(name).iter().any(|&index| {
            !self.precedes_mark(index, '.')
                && !self.precedes_mark(index, '(')
                && self.follows_what_tables_follow(index)
        })
    }

    /// Skips parentheses: `FROM (a JOIN b)`.
    fn follows_what_tables_follow(&self, index: usize) -> bool {
        let before = (0..index).rev().find(|at| !self.tokens[*at].is_mark('('));
        before.is_some_and(|at| {
            let words = ["from", "join", "only", "table"];
            words.iter().any(|word| self.tokens[at].is_word(word))
                || self.tokens[at].is_mark(',') && self.is_in_from(at)
        })
    }

    /// Whether the token follows the end of an expression or a table, as an alias without AS does.
    pub(super) fn is_bare_label(&self, index: usize) -> bool {
        let Some(before) = index.checked_sub(1) else {
            return false;
        };
        match &self.tokens[before].kind {
            TokenKind::String
            | TokenKind::Number
            | TokenKind::Quoted(_)
            | TokenKind::Punctuation(']') => true,
            // These parentheses belong to the word before them: DISTINCT ON (…), OPERATOR(…).
            TokenKind::Punctuation(')') => self
                .opened_by(before)
                .and_then(|open| self.tokens.get(open.checked_sub(1)?))
                .is_none_or(|word| !word.is_word("on") && !word.is_word("operator")),
            TokenKind::Identifier(word) => {
                let word = word.as_ref();
                ENDS.contains(&word) || !RESERVED.contains(&word) && !GOES_ON.contains(&word)
            }
            _ => false,
        }
    }
}

/// Reserved words that can end an expression.
const ENDS: [&str; 4] = ["end", "false", "null", "true"];

/// Unreserved words that an expression can follow.
const GOES_ON: [&str; 11] = [
    "between", "by", "content", "document", "escape", "ilike", "key", "like", "passing", "value",
    "zone",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::lexer::StringSyntax;

    #[test]
    fn a_table_is_read_where_one_can_stand() {
        for sql in [
            "SELECT 1 FROM v",
            "SELECT 1 FROM a, \"v\" AS x",
            "SELECT 1 FROM a JOIN b ON (a.x = b.order) AND a.order = 1, v",
            "SELECT 1 FROM a JOIN v USING (id)",
            "SELECT 1 FROM (v CROSS JOIN a)",
            "SELECT 1 FROM ONLY v",
            "TABLE V",
        ] {
            assert!(
                Text::new(sql, StringSyntax::StandardConforming).references_table("v"),
                "{sql}"
            );
        }
        for sql in [
            "SELECT v.a FROM public.v",
            "SELECT v FROM a",
            "SELECT max(v) FROM a",
            "SELECT a.v, v, f(a, v) FROM a ORDER BY a, v",
            "SELECT 1 FROM v.a",
            "SELECT 1 FROM v(1)",
            "SELECT 1 FROM a AS v",
            "SELECT 1 FROM a WHERE v = 1",
        ] {
            assert!(
                !Text::new(sql, StringSyntax::StandardConforming).references_table("v"),
                "{sql}"
            );
        }
    }
}
