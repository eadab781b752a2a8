//! Finds the clauses of a simple SELECT.

use std::ops::Range;

use super::allowlist::NotDecomposable;
use crate::pg::query_text::Text;

/// Ranges of tokens, without the clauses' keywords.
pub struct Clauses {
    pub(super) select: Range<usize>,
    pub(super) from: Range<usize>,
    pub(super) condition: Option<Range<usize>>,
    pub(super) group: Option<Range<usize>>,
    pub(super) having: Option<Range<usize>>,
    pub(super) order: Option<Range<usize>>,
    pub(super) limit: Option<Range<usize>>,
    pub(super) offset: Option<Range<usize>>,
}

impl Clauses {
    pub(super) const ORDER: [&str; 8] = [
        "select", "from", "where", "group", "having", "order", "limit", "offset",
    ];

    /// # Errors
    /// If it is no simple SELECT.
    pub fn find(text: &Text<'_>) -> Result<Self, NotDecomposable> {
        const SHAPE: NotDecomposable = "only SELECT … FROM can be split into partial results";
        let mut found: [Option<Range<usize>>; 8] = Default::default();
        let mut open: Option<usize> = None;
        for (index, token) in text.tokens.iter().enumerate() {
            let clause = Self::ORDER.iter().position(|word| token.is_word(word));
            let (Some(clause), 0) = (clause, text.depth(index)) else {
                continue;
            };
            // A column or an alias that looks like a keyword.
            let named = text.follows_mark(index, '.')
                || (index > 0 && text.tokens[index - 1].is_word("as"));
            // A clause occurs twice or out of order.
            if named
                || open.is_some_and(|before| clause <= before)
                || (open.is_none() && (clause, index) != (0, 0))
            {
                return Err(SHAPE);
            }
            if let Some(before) = open.and_then(|before| found[before].as_mut()) {
                before.end = index;
            }
            let by = matches!(Self::ORDER[clause], "group" | "order");
            if by
                && !text
                    .tokens
                    .get(index + 1)
                    .is_some_and(|next| next.is_word("by"))
            {
                return Err(SHAPE);
            }
            found[clause] = Some(index + 1 + usize::from(by)..text.tokens.len());
            open = Some(clause);
        }
        let [select, from, condition, group, having, order, limit, offset] = found;
        Ok(Self {
            select: select.ok_or(SHAPE)?,
            from: from.ok_or(SHAPE)?,
            condition,
            group,
            having,
            order,
            limit,
            offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::lexer::StringSyntax;

    /// The text of each clause; `None` if the statement is refused.
    fn clauses(sql: &str) -> Option<String> {
        let text = Text::new(sql, StringSyntax::StandardConforming);
        let found = Clauses::find(&text).ok()?;
        let all = [
            Some(found.select),
            Some(found.from),
            found.condition,
            found.group,
            found.having,
            found.order,
            found.limit,
            found.offset,
        ];
        let words = |range: Range<usize>| {
            let tokens = text.tokens[range].iter();
            tokens
                .map(|token| &sql[token.span.clone()])
                .collect::<Vec<_>>()
                .join(" ")
        };
        Some(
            all.map(|range| range.map_or("-".to_owned(), words))
                .join(" | "),
        )
    }

    #[test]
    fn each_clause_ends_where_the_next_one_begins() {
        for (sql, expected) in [
            ("SELECT a FROM t", "a | t | - | - | - | - | - | -"),
            (
                "select a, b from t where a > 1 group by a having b order by 1 limit 2 offset 3",
                "a , b | t | a > 1 | a | b | 1 | 2 | 3",
            ),
            (
                "SELECT count(*) FILTER (WHERE a) FROM t LIMIT 1",
                "count ( * ) FILTER ( WHERE a ) | t | - | - | - | - | 1 | -",
            ),
        ] {
            assert_eq!(clauses(sql).as_deref(), Some(expected), "{sql}");
        }
    }

    #[test]
    fn what_is_no_simple_select_is_refused() {
        for sql in [
            "SELECT 1",
            "TABLE t",
            "WITH x AS (SELECT 1) SELECT a FROM x",
            "SELECT a FROM t UNION SELECT a FROM t",
            "SELECT a FROM t LIMIT 1 WHERE a",
            "SELECT a FROM t OFFSET 1 LIMIT 1",
            "SELECT a AS from FROM t",
            "SELECT t.from FROM t",
            "SELECT a FROM t GROUP a",
        ] {
            assert_eq!(clauses(sql), None, "{sql}");
        }
    }
}
