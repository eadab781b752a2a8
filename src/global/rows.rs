//! Finds where a text uses all columns of a table's rows, and the names that it has for those rows.
//! In doubt, they count as used.

use std::collections::BTreeSet;

use super::table::Every;
use crate::pg::lexer::{Token, TokenKind};
use crate::pg::query_text::{RESERVED, Text};

/// Keywords that can follow a table and are not its alias.
const JOIN_WORDS: [&str; 8] = [
    "cross", "full", "inner", "join", "left", "natural", "outer", "right",
];

const SET_OPERATIONS: [&str; 3] = ["except", "intersect", "union"];

/// Keywords that end a FROM clause.
const BEHIND_FROM: [&str; 12] = [
    "except",
    "fetch",
    "for",
    "group",
    "having",
    "intersect",
    "limit",
    "offset",
    "order",
    "union",
    "where",
    "window",
];

impl Text<'_> {
    /// Why the statement depends on every column of the table, by position or by presence, if it
    /// does.
    pub(super) fn takes_every_column(&self, table: &str) -> Option<Every> {
        let named = self.occurrences(table);
        let follows = |index: &usize, word: &str| {
            index
                .checked_sub(1)
                .is_some_and(|at| self.tokens[at].is_word(word))
        };
        if named.iter().any(|index| follows(index, "table")) {
            return Some(Every::TableCommand);
        }
        if self.tokens.iter().any(|token| token.is_word("natural")) {
            return Some(Every::Natural);
        }
        let groups = Groups::of(self);
        let mut ends = self.ends_of_sources(&named, &groups);
        if ends.any(|end| self.has_alias_list(end)) {
            return Some(Every::ColumnAliases);
        }
        let rows = self.row_names_in(&named, &groups);
        let mut stars = (0..self.tokens.len()).filter(|index| self.is_star(*index));
        stars
            .any(|star| self.is_star_of(star, table, &rows, &groups))
            .then_some(Every::Star)
    }

    /// The names that can refer to a table's rows, or to joined rows that include them.
    pub(super) fn row_names(&self, table: &str) -> BTreeSet<&str> {
        let named = self.occurrences(table);
        self.row_names_in(&named, &Groups::of(self))
    }

    fn row_names_in(&self, named: &[usize], groups: &Groups) -> BTreeSet<&str> {
        let aliases = self
            .ends_of_sources(named, groups)
            .filter_map(|end| self.tokens[self.alias(end)?].identifier());
        let table = named.first().and_then(|at| self.tokens[*at].identifier());
        aliases.chain(table).collect()
    }

    /// Where the name may refer to the table.
    fn occurrences(&self, table: &str) -> Vec<usize> {
        let named = (0..self.tokens.len()).filter(|index| {
            self.tokens[*index].identifier() == Some(table) && !self.follows_mark(*index, '.')
        });
        named.collect()
    }

    /// The last tokens of what an alias can follow: the table, or a join in parentheses around it.
    fn ends_of_sources<'s>(
        &'s self,
        named: &'s [usize],
        groups: &'s Groups,
    ) -> impl Iterator<Item = usize> + 's {
        let tables = named.iter().map(|&at| {
            // `FROM t *` means `FROM t`.
            let is_star = self
                .tokens
                .get(at + 1)
                .is_some_and(|_| self.is_star(at + 1));
            if is_star { at + 1 } else { at }
        });
        let joins = groups.all().filter(|(open, close)| {
            let inside = |at: &usize| open < at && at < close;
            named.iter().any(inside) && !self.is_query(*open, groups) && !self.is_call(*open)
        });
        tables.chain(joins.map(|(_, close)| close))
    }

    fn alias(&self, end: usize) -> Option<usize> {
        let next = end + 1;
        if self.tokens.get(next)?.is_word("as") {
            return self.tokens.get(next + 1)?.identifier().map(|_| next + 1);
        }
        match &self.tokens[next].kind {
            TokenKind::Identifier(word) => {
                let word = word.as_ref();
                (!RESERVED.contains(&word) && !JOIN_WORDS.contains(&word)).then_some(next)
            }
            TokenKind::Quoted(_) => Some(next),
            _ => None,
        }
    }

    fn has_alias_list(&self, end: usize) -> bool {
        self.alias(end)
            .is_some_and(|alias| self.precedes_mark(alias, '('))
    }

    fn is_call(&self, open: usize) -> bool {
        let before = open
            .checked_sub(1)
            .and_then(|at| self.tokens[at].identifier());
        before.is_some_and(|word| !RESERVED.contains(&word) && !JOIN_WORDS.contains(&word))
    }

    /// Whether parentheses hold a query rather than a join.
    fn is_query(&self, open: usize, groups: &Groups) -> bool {
        let mut inside = open + 1;
        loop {
            let Some(token) = self.tokens.get(inside) else {
                return false;
            };
            if !token.is_mark('(') {
                return ["select", "table", "values", "with"]
                    .iter()
                    .any(|word| token.is_word(word));
            }
            // `((SELECT …) AS a JOIN b …)` is a join.
            let behind = groups
                .partner(inside)
                .and_then(|at| self.tokens.get(at + 1));
            let goes_on = behind.is_some_and(|it| {
                it.is_mark(')') || BEHIND_FROM.iter().any(|word| it.is_word(word))
            });
            if !goes_on {
                return false;
            }
            inside += 1;
        }
    }

    fn is_star(&self, index: usize) -> bool {
        let token = &self.tokens[index];
        token.kind == TokenKind::Operator && &self.sql[token.span.clone()] == "*"
    }

    /// Whether a star includes, or may include, every column of this table.
    fn is_star_of(&self, star: usize, table: &str, rows: &BTreeSet<&str>, groups: &Groups) -> bool {
        let Some(before) = star.checked_sub(1) else {
            return true;
        };
        match &self.tokens[before].kind {
            TokenKind::Punctuation('.') => {
                let row = before.checked_sub(1).map(|at| &self.tokens[at]);
                row.and_then(Token::identifier)
                    .is_none_or(|row| rows.contains(row))
            }
            TokenKind::Punctuation('(') => !self.precedes_mark(star, ')'),
            // In `DISTINCT ON (…) *` the star is not a multiplication.
            TokenKind::Punctuation(')') => groups.partner(before).is_some_and(|open| {
                let is_on = open > 0 && self.tokens[open - 1].is_word("on");
                is_on && self.reads(star, table, groups)
            }),
            TokenKind::Punctuation(',') => self.reads(star, table, groups),
            TokenKind::Identifier(word) if RESERVED.contains(&word.as_ref()) => {
                !self.is_existence(star, groups) && self.reads(star, table, groups)
            }
            _ => false,
        }
    }

    /// `EXISTS (SELECT * FROM …)`, where columns do not matter.
    fn is_existence(&self, star: usize, groups: &Groups) -> bool {
        let Some(open) = star.checked_sub(2) else {
            return false;
        };
        let exists = open > 0
            && self.tokens[open - 1].is_word("exists")
            && self.tokens[open].is_mark('(')
            && self.tokens[open + 1].is_word("select")
            && self
                .tokens
                .get(star + 1)
                .is_some_and(|it| it.is_word("from"));
        let Some(close) = groups.partner(open).filter(|_| exists) else {
            return false;
        };
        let sets = |token: &Token<'_>| SET_OPERATIONS.iter().any(|it| token.is_word(it));
        !self.tokens[open..close].iter().any(sets)
    }

    /// Whether this table is in the FROM that belongs to the select list at `index`. Subqueries are
    /// not searched, since they have lists of their own.
    fn reads(&self, index: usize, table: &str, groups: &Groups) -> bool {
        let mut at = index + 1;
        let mut in_from = false;
        while let Some(token) = self.tokens.get(at) {
            if token.is_mark(')') {
                return false;
            }
            if token.is_mark('(') {
                let Some(close) = groups.partner(at) else {
                    return true;
                };
                let has = self.tokens[at..close]
                    .iter()
                    .any(|it| it.identifier() == Some(table));
                if in_from && has && !self.is_query(at, groups) {
                    return true;
                }
                at = close;
            } else if token.is_word("from") && !self.follows_mark(at, '.') {
                in_from |= !self.tokens[at - 1].is_word("distinct");
            } else if BEHIND_FROM.iter().any(|word| token.is_word(word))
                && !self.follows_mark(at, '.')
            {
                return false;
            } else if in_from && token.identifier() == Some(table) && !self.follows_mark(at, '.') {
                return true;
            }
            at += 1;
        }
        false
    }

    /// Index of the token at a position, counted as Postgres does.
    pub(super) fn index_at(&self, position: usize) -> Option<usize> {
        let start = self.token_at(position)?.span.start;
        self.tokens.iter().position(|it| it.span.start == start)
    }

    /// The names in `a.b.c`.
    pub(super) fn chain(&self, first: usize) -> impl Iterator<Item = &str> {
        (first..self.tokens.len())
            .step_by(2)
            .take_while(move |at| *at == first || self.follows_mark(*at, '.'))
            .filter_map(|at| self.tokens[at].identifier())
    }
}

/// For each token that is a parenthesis, the index of its partner.
struct Groups(Vec<Option<usize>>);

impl Groups {
    fn of(text: &Text<'_>) -> Self {
        let mut open = Vec::new();
        let mut partners = vec![None; text.tokens.len()];
        for (index, token) in text.tokens.iter().enumerate() {
            if token.is_mark('(') {
                open.push(index);
            } else if token.is_mark(')')
                && let Some(opened) = open.pop()
            {
                partners[opened] = Some(index);
                partners[index] = Some(opened);
            }
        }
        Self(partners)
    }

    fn partner(&self, of: usize) -> Option<usize> {
        *self.0.get(of)?
    }

    /// Pairs of opening and closing index.
    fn all(&self) -> impl Iterator<Item = (usize, usize)> {
        let both = self.0.iter().enumerate();
        both.filter_map(|(open, close)| {
            Some((open, (*close)?)).filter(|(open, close)| open < close)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::lexer::StringSyntax;

    fn every(sql: &str) -> Option<Every> {
        Text::new(sql, StringSyntax::StandardConforming).takes_every_column("t")
    }

    #[test]
    fn what_takes_every_column_is_seen() {
        use Every::{ColumnAliases, Natural, Star, TableCommand};
        for (sql, expected) in [
            ("SELECT * FROM t", Star),
            ("SELECT t.* FROM t", Star),
            ("SELECT x.* FROM o, t * x", Star),
            ("SELECT id, * FROM o JOIN t USING (id)", Star),
            ("SELECT j.* FROM (o JOIN t USING (id)) AS j", Star),
            ("SELECT (x).* FROM t AS x", Star),
            ("SELECT DISTINCT * FROM t", Star),
            ("SELECT DISTINCT ON (id) * FROM t", Star),
            ("SELECT *, id IS DISTINCT FROM 1 FROM t", Star),
            ("SELECT count(*) FROM (SELECT * FROM t) AS s", Star),
            ("SELECT * FROM ((SELECT 1) AS s CROSS JOIN t)", Star),
            (
                "SELECT 1 WHERE EXISTS (SELECT * FROM o INTERSECT SELECT * FROM t)",
                Star,
            ),
            ("TABLE t", TableCommand),
            ("SELECT id FROM t NATURAL JOIN o", Natural),
            ("SELECT a FROM t AS x (a)", ColumnAliases),
            ("SELECT a FROM t x(a)", ColumnAliases),
            ("SELECT a FROM (o CROSS JOIN t) AS j (a)", ColumnAliases),
            (
                "SELECT a FROM ((SELECT 1) s CROSS JOIN t) AS j (a)",
                ColumnAliases,
            ),
        ] {
            assert_eq!(every(sql), Some(expected), "{sql}");
        }
    }

    #[test]
    fn what_takes_no_column_or_those_of_others_is_not() {
        for sql in [
            "SELECT count(*) FROM t",
            "SELECT id * 2, (id) * 3, 2 * id FROM t",
            "SELECT o.* FROM o JOIN t USING (id)",
            "SELECT * FROM o WHERE id IN (SELECT id FROM t)",
            "SELECT * FROM (SELECT id FROM t) AS s",
            "SELECT 1 FROM o WHERE EXISTS (SELECT * FROM t WHERE t.id = o.id)",
            "SELECT a FROM (SELECT id FROM t JOIN o USING (id)) AS s (a)",
            "SELECT a FROM ((SELECT id FROM t) UNION (SELECT 1)) AS s (a)",
            "SELECT n FROM t CROSS JOIN generate_series(1, 2) AS g (n)",
            "SELECT n FROM t JOIN (SELECT 1 AS n) AS s ON true",
            "WITH s (a) AS (SELECT id FROM t) SELECT a FROM s",
            "SELECT id FROM t WHERE id IN (1, 2)",
        ] {
            assert_eq!(every(sql), None, "{sql}");
        }
    }

    #[test]
    fn rows_are_called_by_the_table_and_by_aliases() {
        let rows = |sql: &str| {
            let text = Text::new(sql, StringSyntax::StandardConforming);
            let rows: Vec<_> = text.row_names("t").into_iter().collect();
            rows.join(" ")
        };
        assert_eq!(
            rows("SELECT x FROM t AS x, t \"Y\", t * AS z, o AS w"),
            "Y t x z"
        );
        assert_eq!(rows("SELECT 1 FROM (o JOIN t USING (id)) AS j"), "j t");
        assert_eq!(rows("SELECT 1 FROM (SELECT id FROM t) AS s"), "t");
    }
}
