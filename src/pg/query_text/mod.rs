//! What a statement's text names, as far as tokens tell: the tables that it may read, whether it
//! uses the column `shard`, where its WITH list is. Extra names do no harm.

use std::collections::BTreeSet;

use super::lexer::{Encoding, StringSyntax, Token, TokenKind, has_long_names, tokens};
use super::nesting::Nesting;

#[derive(Debug, Clone)]
pub struct Text<'a> {
    pub sql: &'a str,
    pub tokens: Vec<Token<'a>>,
    encoding: Encoding,
    nesting: Nesting,
    /// The first token of the query, after EXPLAIN and its options if there are any.
    query: usize,
}

/// Where CTEs can be inserted into the statement. Byte offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CteInsertion {
    /// The statement has no WITH: a new one goes here.
    NewWith(usize),
    /// Right after the existing WITH or WITH RECURSIVE.
    ExistingWith(usize),
}

/// The name of the column that holds each row's shard.
pub const SHARD: &str = "shard";

impl<'a> Text<'a> {
    pub fn new(sql: &'a str, strings: StringSyntax) -> Self {
        Self::in_encoding(sql, strings, Encoding::Utf8)
    }

    pub fn in_encoding(sql: &'a str, strings: StringSyntax, encoding: Encoding) -> Self {
        let tokens = tokens(sql, strings, encoding);
        let nesting = Nesting::new(&tokens);
        Self {
            sql,
            query: behind_explain(&tokens, &nesting),
            nesting,
            tokens,
            encoding,
        }
    }

    /// Lexes SQL inside a string constant.
    pub fn of_string<'t>(&self, inside: &'t str, strings: StringSyntax) -> Text<'t> {
        Text::in_encoding(inside, strings, self.encoding)
    }

    pub fn tokens_of<'t>(&self, inside: &'t str, strings: StringSyntax) -> Vec<Token<'t>> {
        tokens(inside, strings, self.encoding)
    }

    /// Whether another encoding might truncate a name elsewhere.
    pub fn has_long_names(&self) -> bool {
        has_long_names(&self.tokens)
    }

    /// Names that may refer to a table: not qualified, not called.
    pub fn table_names(&self) -> BTreeSet<&str> {
        self.tokens
            .iter()
            .enumerate()
            .skip(self.query)
            .filter(|(index, _)| {
                !self.follows_mark(*index, '.') && !self.precedes_mark(*index, '(')
            })
            .filter_map(|(_, token)| match &token.kind {
                TokenKind::Identifier(word) => {
                    (!RESERVED.contains(&word.as_ref())).then_some(word.as_ref())
                }
                TokenKind::Quoted(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Whether this name occurs anywhere, in any role.
    pub fn mentions(&self, name: &str) -> bool {
        !self.named(name).is_empty()
    }

    /// The indexes of this name, in order.
    pub fn named(&self, name: &str) -> &[usize] {
        self.nesting.named(&self.tokens, name)
    }

    /// Whether the column `shard` is used. As an alias (`AS shard`, `count(*) shard`) or before a
    /// point it is something else.
    pub fn names_shard_column(&self) -> bool {
        self.shard_columns().next().is_some()
    }

    /// Whether it is used without a qualifier.
    pub fn names_shard_alone(&self) -> bool {
        self.shard_columns()
            .any(|index| !self.follows_mark(index, '.'))
    }

    fn shard_columns(&self) -> impl Iterator<Item = usize> {
        self.named(SHARD).iter().copied().filter(|&index| {
            (index == 0 || !self.tokens[index - 1].is_word("as"))
                && !self.is_bare_label(index)
                && !self.precedes_mark(index, '.')
                && !self.precedes_mark(index, '(')
        })
    }

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

    /// The query's first token that is not an opening parenthesis.
    pub fn first_word(&self) -> Option<&Token<'a>> {
        let mut query = self.tokens.iter().skip(self.query);
        query.find(|token| !token.is_mark('('))
    }

    /// The token that starts at a position, counted as Postgres does: in characters, from 1.
    pub fn token_at(&self, position: usize) -> Option<&Token<'a>> {
        let (at, _) = self.sql.char_indices().nth(position.checked_sub(1)?)?;
        self.tokens.iter().find(|token| token.span.start == at)
    }

    pub fn follows_mark(&self, index: usize, mark: char) -> bool {
        index > 0 && self.tokens[index - 1].is_mark(mark)
    }

    pub fn precedes_mark(&self, index: usize, mark: char) -> bool {
        self.tokens.get(index + 1).is_some_and(|t| t.is_mark(mark))
    }

    /// The parenthesis that closes this one; the last token if none does.
    pub fn closing(&self, open: usize) -> usize {
        let last = self.tokens.len().saturating_sub(1);
        self.nesting.partner(open).unwrap_or(last)
    }

    pub fn opened_by(&self, close: usize) -> Option<usize> {
        self.nesting.partner(close)
    }

    /// The number of open parentheses before a token.
    pub fn depth(&self, index: usize) -> i32 {
        self.nesting.depth(index)
    }

    /// Whether FROM is the last clause that began before a token, in the same parentheses.
    pub fn is_in_from(&self, index: usize) -> bool {
        self.nesting.is_in_from(index)
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
fn behind_explain(tokens: &[Token<'_>], nesting: &Nesting) -> usize {
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

const SET_OPERATIONS: [&str; 3] = ["union", "intersect", "except"];

/// Keywords that can follow a WITH list.
const QUERIES: [&str; 7] = [
    "select", "values", "table", "insert", "update", "delete", "merge",
];

/// Words that cannot name a table without quotes.
pub const RESERVED: [&str; 78] = [
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
    "is",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sql: &str) -> Text<'_> {
        Text::new(sql, StringSyntax::StandardConforming)
    }

    fn tables(sql: &str) -> Vec<String> {
        text(sql)
            .table_names()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_table_is_a_name_that_is_neither_qualified_nor_called() {
        assert_eq!(
            tables(
                r#"SELECT count(*) FROM origins AS o JOIN "Order" USING (id) WHERE o.name = 'x'"#
            ),
            ["Order", "id", "join", "o", "origins"]
        );
        assert_eq!(tables("SELECT 1 FROM public.origins"), ["public"]);
        assert_eq!(tables("SELECT origins.name FROM ORIGINS"), ["origins"]);
    }

    #[test]
    fn the_column_shard_is_named_unless_it_is_a_label_or_a_qualifier() {
        for sql in [
            "SELECT shard FROM t",
            "SELECT t.shard FROM t",
            "SELECT \"shard\" FROM t",
            "SELECT SHARD AS s FROM t",
            "SELECT DISTINCT ON (id) shard FROM t",
            "SELECT 'x' || shard, id OPERATOR(pg_catalog.=) shard FROM t",
            "SELECT DISTINCT shard FROM t",
            "SELECT 1 FROM t GROUP BY shard",
            "SELECT at AT TIME ZONE shard FROM t",
        ] {
            assert!(text(sql).names_shard_column(), "{sql}");
        }
        for sql in [
            "SELECT 1 AS shard FROM t",
            "SELECT 'shard' FROM t",
            "SELECT count(*) shard FROM t",
            "SELECT id shard, 1 \"shard\", tags[1] shard, 'x' shard FROM t",
            "SELECT CASE WHEN true THEN 1 END shard FROM t",
            "SELECT 1 FROM t shard",
            "SELECT shard.id FROM t AS shard",
            "SELECT \"Shard\" FROM t",
        ] {
            assert!(!text(sql).names_shard_column(), "{sql}");
        }
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
