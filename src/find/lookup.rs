//! Looks up a key in its tables, in one shard or in all of them. Everything runs in one session
//! at one snapshot, with many shards in flight.

use futures::{Stream, StreamExt, stream};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, SimpleQueryMessage, SimpleQueryRow};

use crate::client::ServerError;
use crate::exec::failures::Failures;
use crate::exec::fanout::{self, Session, ShardError};
use crate::exec::plan::Plan;
use crate::find::matches::{Match, MatchedRows};
use crate::find::tables::{KeyTable, Tables, column, tables_sql};
use crate::pg::column_name::ColumnName;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template;
use crate::sharding::layout::Layout;
use crate::sharding::routing::key::Key;
use crate::sharding::shard::Shard;
use crate::sharding::suggest::{self, Nearest, Suggestion};

/// Number of pipelined requests, so that a slow link costs one round trip instead of one per
/// shard.
const IN_FLIGHT: usize = 64;

/// An error after which no other shard can be queried either.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    #[error("{}", .0.summary_line())]
    Server(ServerError),
    #[error("the connection was lost: {0}")]
    Lost(String),
    #[error(
        "rows may be missing: {0} was rewritten, renamed or created after the snapshot was taken"
    )]
    Rewritten(String),
}

impl LookupError {
    /// Whether a retry may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Server(report) => fanout::is_transient(&report.code),
            Self::Lost(_) | Self::Rewritten(_) => true,
        }
    }
}

#[derive(Debug, Default)]
pub struct LookupResult {
    /// In shard order.
    pub hits: Vec<Match>,
    pub answered: usize,
    pub failures: Failures,
}

/// A key, and the session to look it up in.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    pub key: &'a Key,
    pub layout: &'a Layout,
    pub session: &'a Session,
}

impl Lookup<'_> {
    /// Queries the catalog.
    pub async fn tables(self, shard: Option<Shard>) -> Result<Tables, LookupError> {
        let client = self.session.connection();
        let messages = client
            .simple_query(&tables_sql(self.key, self.layout, shard))
            .await
            .map_err(|error| failure(&error))?;
        let mut tables = Tables::default();
        for message in &messages {
            let SimpleQueryMessage::Row(row) = message else {
                continue;
            };
            let shard = row.get(0).and_then(|schema| self.layout.shard(schema));
            let (Some(shard), Some(name)) = (shard, row.get(1)) else {
                continue;
            };
            if row.get(3) == Some("f") {
                let unreadable = tables.unreadable.entry(shard).or_default();
                unreadable.insert(name.to_owned());
                continue;
            }
            tables.in_shard.entry(shard).or_default().push(KeyTable {
                name: name.to_owned(),
                named: row.get(2) == Some("t"),
                operator_schema: text(row, 4).unwrap_or("pg_catalog").to_owned(),
                key_type: text(row, 5).unwrap_or_default().to_owned(),
                is_of_type: text(row, 6) == Some("t"),
            });
        }
        Ok(tables)
    }

    /// Searches these tables. A shard that fails does not affect the others.
    pub async fn search(
        self,
        tables: &Tables,
        mut progress: impl FnMut(usize),
    ) -> Result<LookupResult, LookupError> {
        let number;
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> = match self.key {
            Key::Origin(name) | Key::Account(name) => vec![(name, Type::TEXT)],
            Key::Id(id) => {
                number = id.number();
                vec![(&number, Type::INT8)]
            }
            // A literal: a parameter has a type, and only the server knows the column's.
            Key::Value { .. } | Key::Listed { .. } => Vec::new(),
        };
        let mut answers = std::pin::pin!(self.each(tables, &parameters, |shard, tables| {
            let mut arms: Vec<_> = tables
                .iter()
                .map(|table| arm(self.key, shard, table))
                .collect();
            arms.push(self.rewritten_sql());
            arms.join("\nUNION ALL\n")
        }));
        let mut result = LookupResult::default();
        while let Some((shard, answer)) = answers.next().await {
            match answer {
                Ok(rows) => {
                    if let Some(table) = rows.iter().find_map(rewritten) {
                        return Err(LookupError::Rewritten(table));
                    }
                    result.answered += 1;
                    result
                        .hits
                        .extend(rows.iter().filter_map(|row| self.hit(shard, row)));
                }
                Err(error) => result.failures.add(shard, shard_error(&error)?),
            }
            progress(result.answered + result.failures.shards());
        }
        Ok(result)
    }

    /// Selects the tables of a statement that the snapshot does not cover; see [`rewritten`].
    pub(super) fn rewritten_sql(self) -> String {
        let changed = Plan::children_changed(self.session.child_tables());
        sql_template::fill(
            include_str!("../../sql/find/rewritten.sql"),
            &[("children_changed", &changed)],
        )
    }

    /// Similar names. This is only a hint, so shards that fail are skipped.
    pub async fn nearest(self, name: &str, tables: &Tables) -> Vec<Suggestion> {
        let (shortest, longest) = suggest::lengths(name);
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&shortest, Type::INT4), (&longest, Type::INT4)];
        let mut answers = std::pin::pin!(self.each(tables, &parameters, |shard, tables| {
            let names: Vec<_> = tables.iter().map(|table| names_sql(shard, table)).collect();
            names.join("\nUNION ALL\n")
        }));
        let mut nearest = Nearest::to(name);
        while let Some((shard, answer)) = answers.next().await {
            for row in answer.iter().flatten() {
                if let Ok(name) = row.try_get(0) {
                    nearest.offer(name, shard);
                }
            }
        }
        nearest.found()
    }

    fn hit(self, shard: Shard, row: &Row) -> Option<Match> {
        let (table, second): (_, Option<String>) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
        let rows = match self.key {
            Key::Listed { .. } => return None,
            Key::Value { column, .. } => MatchedRows::InColumn {
                column: column.column.clone(),
                count: second?.parse().ok()?,
            },
            Key::Origin(_) | Key::Account(_) | Key::Id(_) => MatchedRows::One {
                // NULL if a row has a name but no id, which is odd but possible.
                id: second.unwrap_or_default(),
                name: row.try_get(2).ok()?,
            },
        };
        Some(Match { shard, table, rows })
    }

    /// The result of a statement in each shard, in shard order.
    fn each<'a>(
        self,
        tables: &'a Tables,
        parameters: &'a [(&'a (dyn ToSql + Sync), Type)],
        statement: impl Fn(Shard, &[KeyTable]) -> String + 'a,
    ) -> impl Stream<Item = (Shard, Result<Vec<Row>, tokio_postgres::Error>)> + 'a
    where
        Self: 'a,
    {
        stream::iter(&tables.in_shard)
            .map(move |(&shard, tables)| {
                let sql = statement(shard, tables);
                async move { (shard, self.ask(&sql, parameters).await) }
            })
            .buffered(IN_FLIGHT)
    }

    pub(super) async fn ask(
        self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        // First roll back to the savepoint, which releases the previous shard's locks and clears
        // its error. This sends without waiting, so both go out in one round trip.
        self.session.recover().await?;
        self.session.connection().query_typed(sql, parameters).await
    }
}

fn arm(key: &Key, shard: Shard, table: &KeyTable) -> String {
    if let Key::Value { column, text, .. } = key {
        return count_rows(column, text, shard, table);
    }
    let name = if table.named { "name" } else { "NULL" };
    sql_template::fill(
        include_str!("../../sql/find/find_rows.sql"),
        &[
            ("column", column(key)),
            ("name", &format!("{name}::pg_catalog.text")),
            ("table", &qualified(shard, table)),
            ("label", &Literal(&table.name).to_string()),
        ],
    )
}

fn count_rows(column: &ColumnName, value: &str, shard: Shard, table: &KeyTable) -> String {
    sql_template::fill(
        include_str!("../../sql/find/count_rows.sql"),
        &[
            ("column", &Identifier(&column.column).to_string()),
            ("operator_schema", &table.operator_schema),
            ("key", &Literal(value).to_string()),
            ("table", &qualified(shard, table)),
            ("label", &Literal(&table.name).to_string()),
        ],
    )
}

/// Only `column_tables.sql` has so many columns.
fn text(row: &SimpleQueryRow, column: usize) -> Option<&str> {
    row.try_get(column).ok().flatten()
}

fn names_sql(shard: Shard, table: &KeyTable) -> String {
    sql_template::fill(
        include_str!("../../sql/find/similar.sql"),
        &[("table", &qualified(shard, table))],
    )
}

pub(super) fn qualified(shard: Shard, table: &KeyTable) -> String {
    let schema = shard.schema().to_owned();
    format!("{}.{}", Identifier(&schema), Identifier(&table.name))
}

/// The table that the snapshot does not cover, if this row is from `sql/find/rewritten.sql`.
pub(super) fn rewritten(row: &Row) -> Option<String> {
    match row.try_get::<_, Option<String>>(0) {
        Ok(None) => row.try_get(2).ok(),
        _ => None,
    }
}

/// A shard's own error; `Err` if it affects all shards.
pub(super) fn shard_error(error: &tokio_postgres::Error) -> Result<ShardError, LookupError> {
    let fatal = error.as_db_error().is_none_or(ServerError::is_fatal);
    match failure(error) {
        LookupError::Server(report) if !fatal && !fanout::is_transient(&report.code) => {
            Ok(ShardError::Server(report))
        }
        everybodys => Err(everybodys),
    }
}

fn failure(error: &tokio_postgres::Error) -> LookupError {
    match error.as_db_error() {
        // The user does not see our statement, so a position in it is useless.
        Some(report) => LookupError::Server(ServerError {
            position: None,
            ..ServerError::new(report, 0)
        }),
        None => LookupError::Lost(fanout::cause(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::routing::id::Id;

    #[test]
    fn a_look_quotes_what_the_catalog_says_and_leaves_the_key_a_parameter() {
        let key = Key::Origin("'; DROP SCHEMA shard_0 CASCADE; --".to_owned());
        let table = KeyTable {
            name: "o\"r'i{label}{name}".to_owned(),
            named: true,
            operator_schema: "pg_catalog".to_owned(),
            key_type: String::new(),
            is_of_type: false,
        };
        assert_eq!(
            arm(&key, Shard::new(3), &table),
            "SELECT 'o\"r''i{label}{name}'::pg_catalog.text, id::pg_catalog.text, name::pg_catalog.text\n\
             FROM \"shard_3\".\"o\"\"r'i{label}{name}\"\n\
             WHERE name OPERATOR(pg_catalog.=) $1"
        );
    }

    #[test]
    fn an_id_is_looked_for_also_where_rows_have_no_names() {
        let key = Key::Id(Id::habitat("5").unwrap());
        let table = KeyTable {
            name: "t".to_owned(),
            named: false,
            operator_schema: "pg_catalog".to_owned(),
            key_type: String::new(),
            is_of_type: false,
        };
        assert_eq!(
            arm(&key, Shard::new(3), &table),
            "SELECT 't'::pg_catalog.text, id::pg_catalog.text, NULL::pg_catalog.text\n\
             FROM \"shard_3\".\"t\"\n\
             WHERE id OPERATOR(pg_catalog.=) $1"
        );
    }
}
