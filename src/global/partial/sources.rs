//! What a simple SELECT reads from: one sharded table, or several joined within
//! each shard.
//!
//! Rows that a join brings together may be in different shards, unless it says
//! itself that they are not (`a.shard = b.shard`), or the user does.

use std::ops::Range;

use super::recognise::Why;
use crate::global::catalog::{Catalog, ColumnShape, Joined, Table};
use crate::global::lexer::Token;
use crate::global::names::{SHARD, Text};

/// The tables of FROM.
pub struct Sources<'a> {
    tables: Vec<Source<'a>>,
    joins: Vec<Condition>,
}

/// A table, and the name that the statement has for it.
struct Source<'a> {
    table: &'a Table,
    name: &'a str,
}

/// What joins a table to those in front of it: tokens.
enum Condition {
    On(Range<usize>),
    Using(Range<usize>),
}

/// A column of one of the tables; without a table it is one that USING made of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column<'a> {
    table: Option<usize>,
    name: &'a str,
}

const ELSE: Why = "it reads something else than sharded tables, joined or left joined";

impl<'a> Sources<'a> {
    /// Reads FROM.
    pub fn find(
        text: &'a Text<'a>,
        from: &Range<usize>,
        catalog: &'a Catalog,
    ) -> Result<Self, Why> {
        let reader = Reader {
            text,
            end: from.end,
            catalog,
        };
        let (first, mut index) = reader.source(from.start)?;
        let mut sources = Self {
            tables: vec![first],
            joins: Vec::new(),
        };
        while index < from.end {
            let behind = reader.behind_join(index).ok_or(ELSE)?;
            let (source, behind) = reader.source(behind)?;
            let (condition, behind) = reader.condition(behind)?;
            sources.tables.push(source);
            sources.joins.push(condition);
            index = behind;
        }
        let within =
            |index| catalog.joined == Joined::WithinShards || sources.is_within(text, index);
        if !(0..sources.joins.len()).all(within) {
            return Err(
                "a join may bring together rows of different shards: join on shard too (a.shard = b.shard), \
                 or state --colocated",
            );
        }
        Ok(sources)
    }

    /// Whether a token of FROM is part of a condition, and no table or keyword.
    pub fn has_in_condition(&self, index: usize) -> bool {
        self.joins.iter().any(|condition| match condition {
            Condition::On(range) | Condition::Using(range) => range.contains(&index),
        })
    }

    pub fn is_qualifier(&self, name: &str) -> bool {
        self.tables.iter().any(|source| source.name == name)
    }

    pub fn has_column(&self, name: &str) -> bool {
        name == SHARD || self.columns(name).next().is_some()
    }

    /// The tables' columns of this name.
    pub fn columns(&self, name: &str) -> impl Iterator<Item = &'a ColumnShape> {
        self.tables
            .iter()
            .filter_map(move |source| source.column(name))
    }

    /// The column that a name means, which the server has found to be one.
    pub fn column<'n>(
        &self,
        text: &Text<'_>,
        qualifier: Option<&str>,
        name: &'n str,
    ) -> Option<Column<'n>> {
        if !self.has_column(name) {
            return None;
        }
        let table = match qualifier {
            Some(qualifier) => Some(self.tables.iter().position(|s| s.name == qualifier)?),
            None if self.is_merged(text, name) => None,
            None => Some(
                self.tables
                    .iter()
                    .position(|source| source.column(name).is_some())
                    .unwrap_or_default(),
            ),
        };
        Some(Column { table, name })
    }

    fn is_merged(&self, text: &Text<'_>, name: &str) -> bool {
        self.joins.iter().any(|condition| match condition {
            Condition::On(_) => false,
            Condition::Using(range) => names(text, range).any(|merged| merged == name),
        })
    }

    /// Whether a join brings together rows of one shard, whatever the rows are. All
    /// tables in front of it are of one shard then, one join after the other, so any
    /// of them will do; and what a left join did not find is of no shard, and finds
    /// nothing here either.
    fn is_within(&self, text: &Text<'_>, join: usize) -> bool {
        let (before, joined) = (&self.tables[..=join], &self.tables[join + 1]);
        // A column of their own of that name says something else.
        if self.columns(SHARD).next().is_some() {
            return false;
        }
        let range = match &self.joins[join] {
            Condition::Using(range) => return names(text, range).any(|name| name == SHARD),
            Condition::On(range) => range,
        };
        let tokens = &text.tokens[range.clone()];
        // AND is something else between these.
        if ["or", "between", "case"]
            .iter()
            .any(|word| tokens.iter().any(|t| t.is_word(word)))
        {
            return false;
        }
        let mut depth = 0;
        let conjuncts = tokens.split(|token| {
            depth += i32::from(token.is_mark('(')) - i32::from(token.is_mark(')'));
            depth == 0 && token.is_word("and")
        });
        let is_of =
            |token: &Token<'_>, source: &Source<'_>| token.identifier() == Some(source.name);
        conjuncts.into_iter().any(|conjunct| {
            let [one, p, shard, equals, other, q, also] = conjunct else {
                return false;
            };
            let is_shard = |token: &Token<'_>| token.identifier() == Some(SHARD);
            let of_shards = p.is_mark('.') && q.is_mark('.') && is_shard(shard) && is_shard(also);
            let equal = &text.sql[equals.span.clone()] == "=";
            let tables = |here: &Token<'_>, there: &Token<'_>| {
                is_of(here, joined) && before.iter().any(|source| is_of(there, source))
            };
            of_shards && equal && (tables(one, other) || tables(other, one))
        })
    }
}

impl<'a> Source<'a> {
    fn column(&self, name: &str) -> Option<&'a ColumnShape> {
        self.table.columns.iter().find(|column| column.name == name)
    }
}

fn names<'t>(text: &'t Text<'_>, range: &Range<usize>) -> impl Iterator<Item = &'t str> {
    text.tokens[range.clone()]
        .iter()
        .filter_map(Token::identifier)
}

/// What may stand behind a table and is no name for it.
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

/// Goes through FROM. Each step gives the index behind what it read.
struct Reader<'a> {
    text: &'a Text<'a>,
    end: usize,
    catalog: &'a Catalog,
}

impl<'a> Reader<'a> {
    fn is(&self, index: usize, word: &str) -> bool {
        index < self.end && self.text.tokens[index].is_word(word)
    }

    /// A table with or without another name.
    fn source(&self, index: usize) -> Result<(Source<'a>, usize), Why> {
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

    /// Behind the keywords of a join, if they are here.
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

    fn condition(&self, index: usize) -> Result<(Condition, usize), Why> {
        if self.is(index, "using") && self.text.precedes_mark(index, '(') {
            let close = self.text.closing(index + 1);
            return Ok((Condition::Using(index + 2..close), close + 1));
        }
        if !self.is(index, "on") {
            return Err(ELSE);
        }
        let start = index + 1;
        let mut depth = 0;
        let next = (start..self.end).find(|&at| {
            let token = &self.text.tokens[at];
            depth += i32::from(token.is_mark('(')) - i32::from(token.is_mark(')'));
            depth == 0 && !self.text.follows_mark(at, '.') && self.behind_join(at).is_some()
        });
        let end = next.unwrap_or(self.end);
        Ok((Condition::On(start..end), end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::global::lexer::Strings;

    fn catalog(joined: Joined) -> Catalog {
        let column = |name: &str| ColumnShape {
            name: name.to_owned(),
            type_name: "bigint".to_owned(),
            identity: "20".to_owned(),
            collation: "0".to_owned(),
        };
        let table = |name: &str, columns: &[&str]| Table {
            name: name.to_owned(),
            columns: columns.iter().map(|name| column(name)).collect(),
        };
        Catalog {
            tables: vec![
                table("a", &["id", "b_id"]),
                table("b", &["id", "left"]),
                table("own", &["id", "shard"]),
            ],
            joined,
            ..Catalog::default()
        }
    }

    fn read(from: &str, joined: Joined) -> Result<usize, Why> {
        let text = Text::new(from, Strings::Conforming);
        let catalog = catalog(joined);
        let sources = Sources::find(&text, &(0..text.tokens.len()), &catalog)?;
        Ok(sources.tables.len())
    }

    #[test]
    fn tables_and_joins_are_read() {
        for (from, tables) in [
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
            assert_eq!(read(from, Joined::WithinShards), Ok(tables), "{from}");
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
            assert_eq!(read(from, Joined::WithinShards), Err(ELSE), "{from}");
        }
    }

    #[test]
    fn a_join_on_shard_is_within_shards() {
        for on in [
            "a JOIN b ON a.shard = b.shard",
            "a JOIN b ON a.b_id = b.id AND b.shard = a.shard",
            "a x LEFT JOIN b y ON x.shard = y.shard AND x.id > 3",
            "a JOIN b USING (id, shard) LEFT JOIN b c ON c.shard = b.shard",
        ] {
            assert!(read(on, Joined::Anywhere).is_ok(), "{on}");
        }
        for on in [
            "a JOIN b ON a.b_id = b.id",
            "a JOIN b ON a.shard = b.shard OR a.id = b.id",
            "a JOIN b ON NOT a.shard = b.shard",
            "a JOIN b ON a.shard <> b.shard",
            "a JOIN b ON a.shard = a.shard",
            "a JOIN b ON a.shard = b.shard IS NULL",
            "a JOIN b ON a.id BETWEEN 1 AND a.shard = b.shard",
            "a JOIN b ON (CASE WHEN a.id = 1 AND a.shard = b.shard AND true THEN true END)",
            "a JOIN own ON a.shard = own.shard",
            "a JOIN own USING (shard)",
            "a JOIN b USING (id)",
            "a JOIN b ON a.shard = b.shard JOIN b c ON a.shard = b.shard",
        ] {
            assert!(read(on, Joined::Anywhere).is_err(), "{on}");
        }
    }
}
