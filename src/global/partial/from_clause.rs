//! Reads the FROM clause: sharded tables with joins and left joins.

use std::ops::Range;

use super::allowlist::NotDecomposable;
use crate::global::catalog::Catalog;
use crate::global::relation::ColumnShape;
use crate::global::table::Table;
use crate::pg::lexer::Token;
use crate::pg::query_text::Text;

/// A table, and its name in the statement.
pub struct Source<'a> {
    pub(super) table: &'a Table,
    pub(super) name: &'a str,
}

/// The condition that joins a table to those before it, as a range of tokens.
pub enum Condition {
    On(Range<usize>),
    Using(Range<usize>),
}

const ELSE: NotDecomposable = "it reads something other than sharded tables, joined or left joined";

/// The tables, and the conditions of all but the first.
pub fn read<'a>(
    text: &'a Text<'a>,
    from: &Range<usize>,
    catalog: &'a Catalog,
) -> Result<(Vec<Source<'a>>, Vec<Condition>), NotDecomposable> {
    let reader = Reader {
        text,
        end: from.end,
        catalog,
    };
    let (first, mut index) = reader.source(from.start)?;
    let (mut tables, mut joins) = (vec![first], Vec::new());
    while index < from.end {
        let behind = reader.behind_join(index).ok_or(ELSE)?;
        let (source, behind) = reader.source(behind)?;
        let (condition, behind) = reader.condition(behind)?;
        tables.push(source);
        joins.push(condition);
        index = behind;
    }
    Ok((tables, joins))
}

impl<'a> Source<'a> {
    pub(super) fn column(&self, name: &str) -> Option<&'a ColumnShape> {
        self.table.columns.iter().find(|column| column.name == name)
    }
}

/// Keywords that may follow a table and are not an alias.
const NO_NAMES: [&str; 11] = [
    "cross",
    "full",
    "inner",
    "join",
    "left",
    "natural",
    "on",
    "outer",
    "right",
    "tablesample",
    "using",
];

/// Reads FROM step by step. Each step returns the index after what it read.
struct Reader<'a> {
    text: &'a Text<'a>,
    end: usize,
    catalog: &'a Catalog,
}

impl<'a> Reader<'a> {
    fn is(&self, index: usize, word: &str) -> bool {
        index < self.end && self.text.tokens[index].is_word(word)
    }

    /// A table, with or without an alias.
    fn source(&self, index: usize) -> Result<(Source<'a>, usize), NotDecomposable> {
        let name = |index: usize| {
            let token = self.text.tokens.get(index).filter(|_| index < self.end);
            token.and_then(Token::identifier)
        };
        let table = name(index).and_then(|name| self.catalog.table(name));
        let table = table.ok_or(ELSE)?;
        let named = if self.is(index + 1, "as") {
            Some(index + 2)
        } else {
            let keyword = NO_NAMES.iter().any(|word| self.is(index + 1, word));
            (index + 1 < self.end && !keyword).then_some(index + 1)
        };
        match named {
            None => Ok((
                Source {
                    table,
                    name: &table.name,
                },
                index + 1,
            )),
            Some(at) => Ok((
                Source {
                    table,
                    name: name(at).ok_or(ELSE)?,
                },
                at + 1,
            )),
        }
    }

    /// The index after a join's keywords, if they are here.
    fn behind_join(&self, index: usize) -> Option<usize> {
        [
            &["join"][..],
            &["inner", "join"],
            &["left", "join"],
            &["left", "outer", "join"],
        ]
        .iter()
        .find(|words| (index..).zip(**words).all(|(at, word)| self.is(at, word)))
        .map(|words| index + words.len())
    }

    fn condition(&self, index: usize) -> Result<(Condition, usize), NotDecomposable> {
        if self.is(index, "using") && self.text.precedes_mark(index, '(') {
            let close = self.text.closing(index + 1);
            return Ok((Condition::Using(index + 2..close), close + 1));
        }
        if !self.is(index, "on") {
            return Err(ELSE);
        }
        let start = index + 1;
        let next = (start..self.end).find(|&at| {
            self.text.depth(at) == self.text.depth(start)
                && !self.text.follows_mark(at, '.')
                && self.behind_join(at).is_some()
        });
        let end = next.unwrap_or(self.end);
        Ok((Condition::On(start..end), end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::lexer::StringSyntax;

    fn catalog() -> Catalog {
        let table = |name: &str| Table {
            name: name.to_owned(),
            ..Table::default()
        };
        Catalog {
            tables: vec![table("a"), table("b")],
            ..Catalog::default()
        }
    }

    fn tables(from: &str) -> Result<usize, NotDecomposable> {
        let (text, catalog) = (Text::new(from, StringSyntax::StandardConforming), catalog());
        let (tables, _) = read(&text, &(0..text.tokens.len()), &catalog)?;
        Ok(tables.len())
    }

    #[test]
    fn tables_and_joins_are_read() {
        for (from, count) in [
            ("a", 1),
            ("a AS x", 1),
            ("b \"left\"", 1),
            ("a JOIN b ON a.b_id = b.id", 2),
            ("a x INNER JOIN b AS y USING (id)", 2),
            (
                "a LEFT JOIN b ON left(a.id::text, 2) = b.left LEFT OUTER JOIN a c USING (id)",
                3,
            ),
        ] {
            assert_eq!(tables(from), Ok(count), "{from}");
        }
        for from in [
            "c",
            "ONLY a",
            "a, b",
            "a CROSS JOIN b",
            "a NATURAL JOIN b",
            "a JOIN b",
            "(a JOIN b USING (id))",
            "a RIGHT JOIN b USING (id)",
            "a FULL JOIN b USING (id)",
            "a x (y)",
            "a JOIN LATERAL b ON true",
            "a JOIN b USING (id) AS c",
            "a AS",
            "public.a",
        ] {
            assert_eq!(tables(from), Err(ELSE), "{from}");
        }
    }
}
