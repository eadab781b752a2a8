//! Whether joins only match rows of the same shard.
//!
//! That holds if the join says it (`a.shard = b.shard`), if the user asserts it (`--colocated`), or
//! if the join follows a foreign key that every shard has, to ids that no two shards share. A
//! primary key per shard proves nothing about other shards, so `verify_colocation` checks the ids
//! themselves.

use std::ops::Range;

use super::allowlist::{NotDecomposable, column_name};
use super::from_clause::Condition;
use super::sources::{SourceColumn, Sources};
use crate::global::catalog::Colocation;
use crate::pg::lexer::Token;
use crate::pg::query_text::SHARD;

/// Why the joins rule out partials.
pub const APART: NotDecomposable = "a join may match rows of different shards: it does not follow \
     a foreign key that every shard has, or shards share ids; join on shard too (a.shard = \
     b.shard), or add --colocated";

/// A condition that a column of one table equals one of another, as along a foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinEquality<'a> {
    pub(super) tables: [&'a str; 2],
    pub(super) columns: [&'a str; 2],
}

impl<'a> Sources<'a> {
    /// For each join that does not itself require the same shard, the equalities of which one must
    /// prove it. `None` if there is no such join, or one that has no such equality.
    pub fn unproven_joins(&self, joined: Colocation) -> Option<Vec<Vec<JoinEquality<'a>>>> {
        if joined != Colocation::Unknown {
            return None;
        }
        let open = (0..self.joins.len()).filter(|&join| !self.is_within(join));
        let links: Vec<_> = open.map(|join| self.links(join)).collect();
        (!links.is_empty() && links.iter().all(|of_join| !of_join.is_empty())).then_some(links)
    }

    /// # Errors
    /// If a join may match rows of different shards.
    pub fn check_joins(&self, joined: Colocation) -> Result<(), NotDecomposable> {
        let within = |join| joined != Colocation::Unknown || self.is_within(join);
        if (0..self.joins.len()).all(within) {
            Ok(())
        } else {
            Err(APART)
        }
    }

    /// Whether a join only matches rows of the same shard, whatever the rows are. By induction all
    /// tables before it are in one shard, so any of them will do. Where a left join found nothing,
    /// `shard` is NULL and matches nothing here either.
    fn is_within(&self, join: usize) -> bool {
        // A table's own column of that name means something else.
        if self.columns(SHARD).next().is_some() {
            return false;
        }
        match &self.joins[join] {
            Condition::Using(range) => self.names(range).any(|name| name == SHARD),
            Condition::On(_) => self
                .equalities(join)
                .iter()
                .any(|pair| pair.iter().all(|column| column.name == SHARD)),
        }
    }

    /// Integers only, because their bits are compared.
    fn links(&self, join: usize) -> Vec<JoinEquality<'a>> {
        let link = |pair: [SourceColumn<'a>; 2]| {
            let mut tables = [""; 2];
            for (name, column) in tables.iter_mut().zip(pair) {
                let source = &self.tables[column.table?];
                let known = source.column(column.name)?;
                let integer = ["20 ", "23 "]
                    .iter()
                    .any(|oid| known.identity.starts_with(oid));
                *name = integer.then_some(source.table.name.as_str())?;
            }
            Some(JoinEquality {
                tables,
                columns: pair.map(|column| column.name),
            })
        };
        self.equalities(join).into_iter().filter_map(link).collect()
    }

    /// The equalities that a join requires between a column of the table that it joins and a column
    /// of a table before it.
    fn equalities(&self, join: usize) -> Vec<[SourceColumn<'a>; 2]> {
        let Condition::On(range) = &self.joins[join] else {
            return Vec::new();
        };
        let text = self.text;
        // With these, AND is not always a conjunction.
        let has = |word: &&str| {
            text.tokens[range.clone()]
                .iter()
                .any(|token| token.is_word(word))
        };
        if ["or", "between", "case"].iter().any(has) {
            return Vec::new();
        }
        let conjuncts = text.split(range, |token| token.is_word("and"));
        let pair = |conjunct: Range<usize>| {
            let conjunct = &text.tokens[conjunct];
            let equals = |token: &Token<'_>| &text.sql[token.span.clone()] == "=";
            let at = conjunct.iter().position(equals)?;
            let one = self.named(&conjunct[..at])?;
            let other = self.named(&conjunct[at + 1..])?;
            let is_joined = |column: SourceColumn<'_>| column.table == Some(join + 1);
            let is_before =
                |column: SourceColumn<'_>| column.table.is_some_and(|table| table <= join);
            ((is_joined(one) && is_before(other)) || (is_joined(other) && is_before(one)))
                .then_some([one, other])
        };
        conjuncts.into_iter().filter_map(pair).collect()
    }

    fn named<'n>(&self, tokens: &'n [Token<'n>]) -> Option<SourceColumn<'n>> {
        match tokens {
            [name] => self.column(None, column_name(name)?),
            [qualifier, point, name] if point.is_mark('.') => {
                self.column(Some(qualifier.identifier()?), name.identifier()?)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::global::catalog::Catalog;
    use crate::global::partial::clauses::Clauses;
    use crate::global::relation::ColumnShape;
    use crate::global::table::Table;
    use crate::pg::lexer::StringSyntax;
    use crate::pg::query_text::Text;

    fn catalog() -> Catalog {
        let column = |name: &str| ColumnShape {
            name: name.to_owned(),
            type_name: "bigint".to_owned(),
            identity: if name == "t" { "25 -1" } else { "20 -1" }.to_owned(),
            collation: "0".to_owned(),
        };
        let table = |name: &str, columns: &[&str]| Table {
            name: name.to_owned(),
            columns: columns.iter().map(|name| column(name)).collect(),
            ..Table::default()
        };
        Catalog {
            tables: vec![
                table("a", &["id", "b_id", "t"]),
                table("b", &["id", "t"]),
                table("own", &["id", "shard"]),
            ],
            ..Catalog::default()
        }
    }

    fn sources<'a>(text: &'a Text<'a>, catalog: &'a Catalog) -> Sources<'a> {
        let from = Clauses::find(text).unwrap().from;
        Sources::find(text, &from, catalog).unwrap()
    }

    fn is_within(from: &str) -> bool {
        let sql = format!("SELECT 1 FROM {from}");
        let (text, catalog) = (Text::new(&sql, StringSyntax::StandardConforming), catalog());
        sources(&text, &catalog).check_joins(catalog.joined).is_ok()
    }

    #[test]
    fn a_join_on_shard_is_within_shards() {
        for from in [
            "a JOIN b ON a.shard = b.shard",
            "a JOIN b ON a.b_id = b.id AND b.shard = a.shard",
            "a x LEFT JOIN b y ON x.shard = y.shard AND x.id > 3",
            "a JOIN b USING (id, shard) LEFT JOIN b c ON c.shard = b.shard",
        ] {
            assert!(is_within(from), "{from}");
        }
        for from in [
            "a JOIN b ON a.b_id = b.id",
            "a JOIN b ON a.shard = b.shard OR a.id = b.id",
            "a JOIN b ON NOT a.shard = b.shard",
            "a JOIN b ON a.shard <> b.shard",
            "a JOIN b ON a.shard = a.shard",
            "a JOIN b ON (a.shard = b.shard) IS NULL",
            "a JOIN b ON a.shard = b.shard IS NULL",
            "a JOIN b ON a.id BETWEEN 1 AND a.shard = b.shard",
            "a JOIN b ON (CASE WHEN a.id = 1 AND a.shard = b.shard AND true THEN true END)",
            "a JOIN own ON a.shard = own.shard",
            "a JOIN own USING (shard)",
            "a JOIN b USING (id)",
            "a JOIN b ON a.shard = b.shard JOIN b c ON a.shard = b.shard",
        ] {
            assert!(!is_within(from), "{from}");
        }
    }

    #[test]
    fn what_may_be_a_foreign_key_is_to_be_proved() {
        let said = |from: &str| {
            let sql = format!("SELECT 1 FROM {from}");
            let (text, catalog) = (Text::new(&sql, StringSyntax::StandardConforming), catalog());
            let joins = sources(&text, &catalog).unproven_joins(catalog.joined);
            joins.map(|joins| {
                let shown = |link: &JoinEquality<'_>| {
                    let ([a, b], [c, d]) = (link.tables, link.columns);
                    format!("{a}.{c}={b}.{d}")
                };
                let joins = joins
                    .iter()
                    .map(|links| links.iter().map(shown).collect::<Vec<_>>().join(" or "));
                joins.collect::<Vec<_>>().join(", ")
            })
        };
        for (from, links) in [
            ("a JOIN b ON b_id = b.id", Some("a.b_id=b.id")),
            (
                "a x JOIN b y ON y.id = x.b_id AND x.id = y.id AND x.t = y.t",
                Some("b.id=a.b_id or a.id=b.id"),
            ),
            (
                "a JOIN b ON a.b_id = b.id JOIN b c ON c.shard = a.shard",
                Some("a.b_id=b.id"),
            ),
            (
                "a JOIN b ON a.b_id = b.id LEFT JOIN b c ON b.id = c.id",
                Some("a.b_id=b.id, b.id=b.id"),
            ),
            ("a JOIN b ON a.b_id = b.id + 1", None),
            ("a JOIN b ON a.b_id = b.id JOIN b c ON true", None),
            ("a JOIN b ON a.t = b.t", None),
            ("a JOIN b ON a.shard = b.shard", None),
            ("a", None),
        ] {
            assert_eq!(said(from).as_deref(), links, "{from}");
        }
    }
}
