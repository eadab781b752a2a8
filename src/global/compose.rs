//! The one statement: in front of the user's text a CTE for each sharded table,
//! which is that table in one shard after the other. The text itself stays as it
//! is, so that Postgres's own parser and scoping decide everything.

use std::fmt::Write as _;

use super::catalog::{Catalog, ColumnShape, ShardColumn, Table};
use super::names::{Opening, SHARD, Text};
use crate::quote::{Identifier, Literal};
use crate::server::Report;
use crate::shard::Shard;

/// A text with CTEs in it that its author did not write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    pub sql: String,
    /// Characters of the user's text in front of what was put in.
    before: usize,
    /// Characters put in.
    inserted: usize,
}

impl Composed {
    pub fn new(text: &Text<'_>, catalog: &Catalog) -> Self {
        let ctes: Vec<_> = catalog
            .tables
            .iter()
            .map(|table| cte(table, &catalog.shards, catalog.shard_column))
            .collect();
        let list = ctes.join(",\n");
        let (at, inserted) = match text.opening() {
            _ if list.is_empty() => (0, String::new()),
            Opening::New(at) => (at, format!("WITH {list}\n")),
            Opening::Joined(at) => (at, format!(" {list},\n")),
        };
        let (before, after) = text.sql.split_at(at);
        Self {
            sql: format!("{before}{inserted}{after}"),
            before: before.chars().count(),
            inserted: inserted.chars().count(),
        }
    }

    /// A report on the composed statement as one on the user's own text.
    pub fn in_users_text(&self, report: Report) -> Report {
        let position = report.position.and_then(|at| {
            if at <= self.before {
                Some(at)
            } else {
                at.checked_sub(self.inserted).filter(|&at| at > self.before)
            }
        });
        Report { position, ..report }
    }
}

fn cte(table: &Table, shards: &[Shard], named: ShardColumn) -> String {
    let shard_column = named == ShardColumn::Named && !table.has_own_shard_column();
    let mut sql = format!("{} AS NOT MATERIALIZED (", Identifier(&table.name));
    for (index, shard) in shards.iter().enumerate() {
        let schema = shard.to_string();
        let separator = if index > 0 { "\nUNION ALL " } else { "" };
        let mut columns: Vec<_> = table
            .columns
            .iter()
            .map(|column| expression(column, *shard, shards[0]))
            .collect();
        if shard_column {
            columns.push(format!(
                "{}::pg_catalog.text AS {}",
                Literal(&schema),
                Identifier(SHARD)
            ));
        }
        // Writing to a String cannot fail.
        let _ = write!(
            sql,
            "{separator}SELECT {} FROM {}.{}",
            columns.join(", "),
            Identifier(&schema),
            Identifier(&table.name)
        );
    }
    sql.push(')');
    sql
}

/// A column; in the first shard's type where every shard has its own of the same
/// definition.
fn expression(column: &ColumnShape, shard: Shard, first: Shard) -> String {
    let name = Identifier(&column.name);
    if !column.is_of_shard() || shard == first {
        return name.to_string();
    }
    let schema = first.to_string();
    let target = format!("{}.{}", Identifier(&schema), Identifier(&column.type_name));
    if column.identity.starts_with("enum") {
        format!("{name}::pg_catalog.text::{target} AS {name}")
    } else {
        format!("{name}::{target} AS {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Strings;
    use super::*;
    use tokio_postgres::error::SqlState;

    fn catalog() -> Catalog {
        let column = |name: &str, identity: &str| ColumnShape {
            name: name.to_owned(),
            type_name: "mood".to_owned(),
            identity: identity.to_owned(),
            collation: "0".to_owned(),
        };
        Catalog {
            tables: vec![Table {
                name: "t".to_owned(),
                columns: vec![column("a", "25"), column("b", "enum [\"x\"]")],
            }],
            shards: vec![Shard::new(2), Shard::new(10)],
            ..Catalog::default()
        }
    }

    fn compose(sql: &str) -> Composed {
        Composed::new(&Text::new(sql, Strings::Conforming), &catalog())
    }

    #[test]
    fn a_table_is_the_union_of_its_shards() {
        assert_eq!(
            compose("SELECT a FROM t").sql,
            "WITH \"t\" AS NOT MATERIALIZED (SELECT \"a\", \"b\" FROM \"shard_2\".\"t\"\n\
             UNION ALL SELECT \"a\", \"b\"::pg_catalog.text::\"shard_2\".\"mood\" AS \"b\" FROM \"shard_10\".\"t\")\n\
             SELECT a FROM t"
        );
        let catalog = Catalog {
            shard_column: ShardColumn::Named,
            ..catalog()
        };
        let text = Text::new("SELECT shard FROM t", Strings::Conforming);
        assert!(Composed::new(&text, &catalog).sql.contains(
            "\"mood\" AS \"b\", 'shard_10'::pg_catalog.text AS \"shard\" FROM \"shard_10\".\"t\")"
        ));
    }

    #[test]
    fn a_with_list_of_the_users_stays_one_list() {
        let sql = compose("WITH x AS (SELECT 1) SELECT a FROM t, x").sql;
        assert!(sql.starts_with("WITH \"t\" AS NOT"), "{sql}");
        assert!(
            sql.ends_with("),\n x AS (SELECT 1) SELECT a FROM t, x"),
            "{sql}"
        );
    }

    #[test]
    fn errors_point_into_the_users_text() {
        let sql = "/* é */ WITH x AS (SELECT 1) SELECT oops FROM t";
        let composed = compose(sql);
        let at = |needle: &str| {
            let position = composed.sql.find(needle).unwrap();
            let report = Report {
                severity: "ERROR".to_owned(),
                code: SqlState::UNDEFINED_COLUMN,
                message: String::new(),
                detail: None,
                hint: None,
                position: Some(composed.sql[..position].chars().count() + 1),
                internal: None,
                context: None,
            };
            composed.in_users_text(report).position
        };
        assert_eq!(at("oops"), Some(37));
        assert_eq!(at("WITH"), Some(9));
        assert_eq!(at("UNION ALL"), None, "no place of the user's");
    }
}
