//! The WITH list at the head of a statement, also after EXPLAIN: which CTEs it has, and where others
//! can be inserted.

use super::Text;
use crate::pg::lexer::Token;
use crate::pg::nesting::Nesting;

/// Where CTEs can be inserted into the statement. Byte offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CteInsertion {
    /// The statement has no WITH: a new one goes here.
    NewWith(usize),
    /// Right after the existing WITH or WITH RECURSIVE.
    ExistingWith(usize),
}

const SET_OPERATIONS: [&str; 3] = ["union", "intersect", "except"];

/// Keywords that can follow a WITH list.
const QUERIES: [&str; 7] = [
    "select", "values", "table", "insert", "update", "delete", "merge",
];

impl Text<'_> {
    pub fn opening(&self) -> CteInsertion {
        let first = self.tokens.get(self.query);
        let start = first.map_or(self.sql.len(), |t| t.span.start);
        match self.with() {
            Some(index) => CteInsertion::ExistingWith(self.tokens[index].span.end),
            None => CteInsertion::NewWith(start),
        }
    }

    /// The names of the CTEs in the statement's own WITH list.
    pub fn cte_names(&self) -> Vec<&str> {
        let Some(with) = self.with() else {
            return Vec::new();
        };
        let mut names = Vec::new();
        let mut index = with + 1;
        while let Some(name) = self.tokens.get(index).and_then(Token::identifier) {
            names.push(name);
            // Skip to the comma after this CTE, or to the query after the list.
            index += 1;
            loop {
                match self.tokens.get(index) {
                    Some(token) if token.is_mark('(') => index = self.closing(index) + 1,
                    Some(token) if token.is_mark(',') => break,
                    Some(token) if QUERIES.iter().any(|word| token.is_word(word)) => return names,
                    Some(_) => index += 1,
                    None => return names,
                }
            }
            index += 1;
        }
        names
    }

    /// The last token of the WITH or WITH RECURSIVE that opens the statement, also inside
    /// parentheses around the whole statement: to Postgres `(WITH … SELECT …)` and a WITH before it
    /// are two WITH clauses of one statement.
    fn with(&self) -> Option<usize> {
        let mut query = self.query..self.tokens.len();
        let with = query.find(|index| !self.tokens[*index].is_mark('('))?;
        if !self.tokens[with].is_word("with") {
            return None;
        }
        let part_of_a_set = (self.query..with).any(|open| {
            self.tokens
                .get(self.closing(open) + 1)
                .is_some_and(|next| SET_OPERATIONS.iter().any(|word| next.is_word(word)))
        });
        if part_of_a_set {
            return None;
        }
        // A CTE may be named `recursive`.
        let recursive = self.tokens.get(with + 1)?.is_word("recursive")
            && !self.tokens.get(with + 2)?.is_word("as")
            && !self.precedes_mark(with + 1, '(');
        Some(if recursive { with + 1 } else { with })
    }
}

/// Where the query begins, after `EXPLAIN ANALYZE VERBOSE`, `EXPLAIN (COSTS off)` or nothing.
pub(super) fn behind_explain(tokens: &[Token<'_>], nesting: &Nesting) -> usize {
    let is = |index: usize, words: &[&str]| {
        let token = tokens.get(index);
        token.is_some_and(|token| words.iter().any(|word| token.is_word(word)))
    };
    let opens = |index: usize| tokens.get(index).is_some_and(|token| token.is_mark('('));
    if !is(0, &["explain"]) {
        return 0;
    }
    // The query itself may be in parentheses.
    let is_query =
        opens(2) || is(2, &["select", "with", "table"]) || is(2, &["values"]) && opens(3);
    if opens(1) && !is_query {
        return nesting.partner(1).map_or(tokens.len(), |close| close + 1);
    }
    let analyze = 1 + usize::from(is(1, &["analyze", "analyse"]));
    analyze + usize::from(is(analyze, &["verbose"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::lexer::StringSyntax;

    fn text(sql: &str) -> Text<'_> {
        Text::new(sql, StringSyntax::StandardConforming)
    }

    #[test]
    fn ctes_go_where_they_join_the_statements_own() {
        use CteInsertion::{ExistingWith, NewWith};
        for (sql, opening) in [
            ("SELECT 1", NewWith(0)),
            ("-- why\n SELECT 1", NewWith(8)),
            ("with a AS (SELECT 1) SELECT 2", ExistingWith(4)),
            ("WITH RECURSIVE a AS (SELECT 1) SELECT 2", ExistingWith(14)),
            ("WITH recursive AS (SELECT 1) SELECT 2", ExistingWith(4)),
            ("WITH recursive (a) AS (SELECT 1) SELECT 2", ExistingWith(4)),
            ("((WITH a AS (SELECT 1) SELECT 2) LIMIT 1)", ExistingWith(6)),
            ("(WITH a AS (SELECT 1) SELECT 2) UNION SELECT 3", NewWith(0)),
            (
                "((WITH a AS (SELECT 1) SELECT 2) UNION SELECT 3)",
                NewWith(0),
            ),
            ("(SELECT 1)", NewWith(0)),
            ("VALUES (1)", NewWith(0)),
            ("EXPLAIN SELECT 1", NewWith(8)),
            ("explain analyse verbose SELECT 1", NewWith(24)),
            ("EXPLAIN (ANALYZE, FORMAT json) SELECT 1", NewWith(31)),
            (
                "EXPLAIN VERBOSE WITH a AS (SELECT 1) SELECT 2",
                ExistingWith(20),
            ),
            ("EXPLAIN (SELECT 1)", NewWith(8)),
            ("EXPLAIN (VALUES (1)) UNION SELECT 2", NewWith(8)),
            ("EXPLAIN (WITH a AS (SELECT 1) SELECT 2)", ExistingWith(13)),
            (
                "EXPLAIN (COSTS off) ((WITH a AS (SELECT 1) SELECT 2) LIMIT 1)",
                ExistingWith(26),
            ),
            ("EXPLAIN", NewWith(7)),
            ("EXPLAIN (", NewWith(9)),
        ] {
            assert_eq!(text(sql).opening(), opening, "{sql}");
        }
    }

    #[test]
    fn the_statements_own_ctes_are_known() {
        let own = |sql: &str| text(sql).cte_names().join(" ");
        assert_eq!(
            own("WITH a AS (SELECT 1, 2), \"B\"(x, y) AS MATERIALIZED (SELECT 3) SELECT c, d"),
            "a B"
        );
        assert_eq!(
            own("WITH a AS (WITH b AS (SELECT 1) SELECT 2) SELECT 3"),
            "a"
        );
        assert_eq!(own("SELECT 1"), "");
        assert_eq!(own("WITH a AS ("), "a");
    }
}
