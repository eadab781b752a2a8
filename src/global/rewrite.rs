//! The single statement: the user's text, with a CTE in front for each sharded table that is the
//! UNION ALL of that table in all shards. The text itself is unchanged, so that Postgres's own
//! parser and scoping rules decide everything.

use super::catalog::{Catalog, ShardColumn};
use super::own_types;
use super::relation::ColumnShape;
use super::table::Table;
use crate::client::ServerError;
use crate::pg::query_text::{CteInsertion, SHARD, Text};
use crate::pg::quote::{Identifier, Literal};
use crate::sharding::shard::Shard;

/// The user's text with the generated CTEs inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    pub sql: String,
    /// Characters of the user's text before the insertion.
    before: usize,
    /// Characters inserted.
    inserted: usize,
}

impl Composed {
    pub fn new(text: &Text<'_>, catalog: &Catalog) -> Self {
        let ctes: Vec<_> = catalog
            .tables
            .iter()
            .map(|table| cte(table, catalog))
            .collect();
        let list = ctes.join(",\n");
        let (at, inserted) = match text.opening() {
            _ if list.is_empty() => (0, String::new()),
            CteInsertion::NewWith(at) => (at, format!("WITH {list}\n")),
            CteInsertion::ExistingWith(at) => (at, format!(" {list},\n")),
        };
        let (before, after) = text.sql.split_at(at);
        Self {
            sql: format!("{before}{inserted}{after}"),
            before: before.chars().count(),
            inserted: inserted.chars().count(),
        }
    }

    /// Maps the error's position to the user's own text.
    pub fn map_position(&self, report: ServerError) -> ServerError {
        let position = report.position.and_then(|at| {
            if at <= self.before {
                Some(at)
            } else {
                at.checked_sub(self.inserted).filter(|&at| at > self.before)
            }
        });
        ServerError { position, ..report }
    }
}

/// Shards per level of the UNION ALL. Postgres's planner processes each arm against all arms of its
/// level, so 8 levels of 16 arms cost less than one of 128, for the same plan. Measured: five
/// tables 36 ms instead of 60, 1,024 shards 92 ms instead of 364.
fn arms_of_a_level(shards: usize) -> usize {
    shards.isqrt().max(16)
}

fn cte(table: &Table, catalog: &Catalog) -> String {
    let rows = of_hub(table, catalog).unwrap_or_else(|| of_shards(table, catalog));
    format!("{} AS NOT MATERIALIZED ({rows})", Identifier(&table.name))
}

fn has_shard_column(table: &Table, catalog: &Catalog) -> bool {
    catalog.shard_column == ShardColumn::Named && !table.has_own_shard_column()
}

/// The rows as a hub has them in one table.
fn of_hub(table: &Table, catalog: &Catalog) -> Option<String> {
    let united = catalog.united.get(&table.name)?;
    let columns = table.columns.iter().map(|column| column.name.as_str());
    let shard = has_shard_column(table, catalog).then_some(SHARD);
    let columns = columns.chain(shard).map(|it| Identifier(it).to_string());
    let traps = table
        .traps
        .iter()
        .flat_map(|trap| [trap_column(trap), trap_column(trap)]);
    let columns: Vec<_> = columns.chain(traps).collect();
    united.select(table, &columns, &catalog.shards)
}

fn trap_column(name: &str) -> String {
    format!("NULL::pg_catalog.text AS {}", Identifier(name))
}

fn of_shards(table: &Table, catalog: &Catalog) -> String {
    let shards = &catalog.shards;
    let shard_column = has_shard_column(table, catalog);
    let arm = |shard: &Shard| {
        let schema = shard.schema().to_owned();
        let mut columns: Vec<_> = table
            .columns
            .iter()
            .map(|column| expression(column, *shard, shards[0]))
            .collect();
        if shard_column {
            columns.push(format!(
                "{}::pg_catalog.text AS {}",
                Literal(shard.name()),
                Identifier(SHARD)
            ));
        }
        for trap in &table.traps {
            columns.extend([trap_column(trap), trap_column(trap)]);
        }
        let (schema, table) = (Identifier(&schema), Identifier(&table.name));
        format!("SELECT {} FROM {schema}.{table}", columns.join(", "))
    };
    let levels: Vec<_> = shards
        .chunks(arms_of_a_level(shards.len()))
        .map(|level| union_all(level.iter().map(arm)))
        .collect();
    if let [level] = &levels[..] {
        return level.clone();
    }
    let columns = table.columns.iter().map(|column| column.name.as_str());
    let columns: Vec<_> = columns
        .chain(shard_column.then_some(SHARD))
        .map(|name| Identifier(name).to_string())
        .collect();
    let columns = columns.join(", ");
    let levels = levels.iter();
    union_all(levels.map(|level| format!("SELECT {columns} FROM ({level}) AS level")))
}

fn union_all(arms: impl Iterator<Item = String>) -> String {
    arms.collect::<Vec<_>>().join("\nUNION ALL ")
}

/// A column, cast to the first shard's type if each shard has its own. A `char(n)` is padded to the
/// longest length; where it has that length already, Postgres drops the cast.
fn expression(column: &ColumnShape, shard: Shard, first: Shard) -> String {
    let name = Identifier(&column.name);
    if let Some((length, array)) = column.padded_to() {
        return format!("{name}::pg_catalog.bpchar({length}){array} AS {name}");
    }
    if !column.has_shard_local_type() || shard == first {
        return name.to_string();
    }
    let schema = first.to_string();
    let target = format!("{}.{}", Identifier(&schema), Identifier(&column.type_name));
    match column.identity.split(' ').next() {
        Some("enum" | own_types::BY_TEXT) => {
            format!("{name}::pg_catalog.text::{target} AS {name}")
        }
        Some(own_types::BY_ELEMENTS) => {
            format!("{name}::pg_catalog.text[]::{target} AS {name}")
        }
        _ => format!("{name}::{target} AS {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::lexer::StringSyntax;
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
                ..Table::default()
            }],
            shards: vec![Shard::new(2), Shard::new(10)],
            ..Catalog::default()
        }
    }

    fn compose(sql: &str) -> Composed {
        Composed::new(
            &Text::new(sql, StringSyntax::StandardConforming),
            &catalog(),
        )
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
        let text = Text::new("SELECT shard FROM t", StringSyntax::StandardConforming);
        assert!(Composed::new(&text, &catalog).sql.contains(
            "\"mood\" AS \"b\", 'shard_10'::pg_catalog.text AS \"shard\" FROM \"shard_10\".\"t\")"
        ));
    }

    #[test]
    fn many_shards_are_united_in_levels() {
        let catalog = Catalog {
            shards: (0..33).map(Shard::new).collect(),
            shard_column: ShardColumn::Named,
            ..catalog()
        };
        let text = Text::new("SELECT shard FROM t", StringSyntax::StandardConforming);
        let sql = Composed::new(&text, &catalog).sql;
        let level = "SELECT \"a\", \"b\", \"shard\" FROM (SELECT ";
        assert_eq!(sql.matches(level).count(), 3, "{sql}");
        assert_eq!(sql.matches(") AS level").count(), 3, "{sql}");
        for shard in 0..33 {
            let from = format!(" FROM \"shard_{shard}\".\"t\"");
            assert_eq!(sql.matches(&from).count(), 1, "{sql}");
        }
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
            let report = ServerError {
                severity: "ERROR".to_owned(),
                code: SqlState::UNDEFINED_COLUMN,
                message: String::new(),
                detail: None,
                hint: None,
                advice: None,
                position: Some(composed.sql[..position].chars().count() + 1),
                internal: None,
                context: None,
                before_time_limit: false,
            };
            composed.map_position(report).position
        };
        assert_eq!(at("oops"), Some(37));
        assert_eq!(at("WITH"), Some(9));
        assert_eq!(at("UNION ALL"), None, "no place of the user's");
    }
}
