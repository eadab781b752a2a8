//! What a statement's text names, as far as tokens tell: the tables that it may read, and whether
//! it uses the column `shard`. Extra names do no harm. `with` reads its WITH list.

mod reserved;
mod with;

use std::collections::BTreeSet;
use std::ops::Range;

use crate::pg::lexer::{Encoding, StringSyntax, Token, TokenKind, has_long_names, tokens};
use crate::pg::nesting::Nesting;

pub use reserved::RESERVED;
pub use with::CteInsertion;
use with::behind_explain;

#[derive(Debug, Clone)]
pub struct Text<'a> {
    pub sql: &'a str,
    pub tokens: Vec<Token<'a>>,
    encoding: Encoding,
    nesting: Nesting,
    /// The first token of the query, after EXPLAIN and its options if there are any.
    query: usize,
}

/// The name of the column that holds each row's shard.
pub const SHARD: &str = "shard";

impl<'a> Text<'a> {
    pub fn new(sql: &'a str, strings: StringSyntax) -> Self {
        Self::in_encoding(sql, strings, Encoding::Utf8)
    }

    pub fn in_encoding(sql: &'a str, strings: StringSyntax, encoding: Encoding) -> Self {
        let mut tokens = tokens(sql, strings, encoding);
        // Semicolons at the end mean nothing.
        while tokens.last().is_some_and(|token| token.is_mark(';')) {
            tokens.pop();
        }
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

    /// The pieces of these tokens between separators, except separators in parentheses. One piece
    /// if there is none.
    pub fn split(
        &self,
        tokens: &Range<usize>,
        separates: impl Fn(&Token<'_>) -> bool,
    ) -> Vec<Range<usize>> {
        let mut pieces = Vec::new();
        let mut start = tokens.start;
        for index in tokens.clone() {
            if separates(&self.tokens[index]) && self.depth(index) == self.depth(tokens.start) {
                pieces.push(start..index);
                start = index + 1;
            }
        }
        pieces.push(start..tokens.end);
        pieces
    }

    /// Whether FROM is the last clause that began before a token, in the same parentheses.
    pub fn is_in_from(&self, index: usize) -> bool {
        self.nesting.is_in_from(index)
    }
}

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
    fn separators_in_parentheses_do_not_split() {
        let text = text("(a, f(b, c), (d))");
        let pieces = |tokens: Range<usize>| {
            let pieces = text.split(&tokens, |token| token.is_mark(','));
            let cut = |piece: &Range<usize>| {
                let words = text.tokens[piece.clone()].iter();
                words.map(|token| &text.sql[token.span.clone()]).collect()
            };
            pieces.iter().map(cut).collect::<Vec<String>>()
        };
        let last = text.tokens.len();
        assert_eq!(pieces(1..last - 1), ["a", "f(b,c)", "(d)"]);
        assert_eq!(pieces(0..last), ["(a,f(b,c),(d))"]);
        assert_eq!(pieces(last..last), [""]);
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
}
