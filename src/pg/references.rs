//! Where in a text a table's name can stand, and where a label. Stricter than which
//! names may be tables: a column of such a name is none of these.

use crate::pg::lexer::TokenKind;
use crate::pg::query_text::{RESERVED, Text};

impl Text<'_> {
    /// Whether a table of this name may be read: where its name stands alone, and
    /// where a table can.
    pub fn references_table(&self, name: &str) -> bool {
        self.named(name).iter().any(|&index| {
            !self.precedes_mark(index, '.')
                && !self.precedes_mark(index, '(')
                && self.follows_what_tables_follow(index)
        })
    }

    /// Whatever parentheses are in between: `FROM (a JOIN b)`.
    fn follows_what_tables_follow(&self, index: usize) -> bool {
        let before = (0..index).rev().find(|at| !self.tokens[*at].is_mark('('));
        before.is_some_and(|at| {
            let words = ["from", "join", "only", "table"];
            words.iter().any(|word| self.tokens[at].is_word(word))
                || self.tokens[at].is_mark(',') && self.is_in_from(at)
        })
    }

    /// Whether this stands behind the end of an expression or of a table, as a label
    /// does without AS.
    pub(super) fn is_bare_label(&self, index: usize) -> bool {
        let Some(before) = index.checked_sub(1) else {
            return false;
        };
        match &self.tokens[before].kind {
            TokenKind::String
            | TokenKind::Number
            | TokenKind::Quoted(_)
            | TokenKind::Punctuation(']') => true,
            // What is in them belongs to the word in front: DISTINCT ON (…), OPERATOR(…).
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

/// Reserved words with which an expression ends.
const ENDS: [&str; 4] = ["end", "false", "null", "true"];

/// Words that are not reserved and that an expression follows.
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
