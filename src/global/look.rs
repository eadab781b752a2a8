//! The one look at the catalog: what the tables are that a statement may name, in
//! every shard at once. Taken in the run's transaction.

use std::collections::BTreeSet;
use std::time::Instant;

use tokio_postgres::SimpleQueryRow;

use super::catalog::{ColumnShape, Relation};
use super::lexer::Strings;
use crate::fanout::{FanoutError, Session, opening, result_rows};
use crate::plan::{self, Plan};
use crate::quote::Literal;
use crate::server::Connection;
use crate::shard::Shard;

/// What the server told.
pub struct Look {
    pub session: Session,
    /// Every shard of the database, ascending.
    pub shards: Vec<Shard>,
    pub relations: Vec<Relation>,
    pub strings: Strings,
    /// `server_version_num`: 150018, say.
    pub version: u32,
    /// What the look took: a round trip and the server's work.
    pub round_trip: std::time::Duration,
}

impl Look {
    /// One message: opens the plan's transaction, and asks for the relations of
    /// these names.
    pub async fn take(
        connection: Connection,
        plan: &Plan,
        names: &BTreeSet<&str>,
    ) -> Result<Self, FanoutError> {
        let began = Instant::now();
        let names: Vec<_> = names.iter().map(|name| Literal(name).to_string()).collect();
        let names = format!("ARRAY[{}]::pg_catalog.name[]", names.join(", "));
        let sql = format!(
            "{};\n{};\n{}",
            plan.survey(),
            plan::fill(include_str!("../../sql/global/server.sql"), &[]),
            plan::fill(
                include_str!("../../sql/global/look.sql"),
                &[("names", &names)]
            ),
        );
        let answers = connection
            .client()
            .simple_query(&sql)
            .await
            .map_err(|error| FanoutError::opening(&error))?;
        let round_trip = began.elapsed();

        let mut results = result_rows(&answers);
        // In the order they were asked for; the limits' own row is of no interest.
        let relations = results.pop().unwrap_or_default();
        let server = results.pop().unwrap_or_default();
        let mut results = results.into_iter();
        let (snapshot, shards) = opening(plan, &mut results);
        let setting = |column| server.first().and_then(|row| row.get(column));
        Ok(Self {
            session: Session::surveyed(connection, snapshot),
            shards,
            relations: relations.into_iter().filter_map(relation).collect(),
            strings: match setting(0) {
                Some("off") => Strings::Escaped,
                _ => Strings::Conforming,
            },
            version: setting(1).and_then(|v| v.parse().ok()).unwrap_or_default(),
            round_trip,
        })
    }
}

fn relation(row: &SimpleQueryRow) -> Option<Relation> {
    let columns: Vec<(String, String, String, String)> = serde_json::from_str(row.get(2)?).ok()?;
    let mut shards: Vec<_> = row
        .get(3)?
        .split(',')
        .filter_map(Shard::from_schema)
        .collect();
    shards.sort_unstable();
    Some(Relation {
        name: row.get(0)?.to_owned(),
        kind: row.get(1)?.chars().next()?,
        columns: columns
            .into_iter()
            .map(|(name, type_name, identity, collation)| ColumnShape {
                name,
                type_name,
                identity,
                collation,
            })
            .collect(),
        shards,
    })
}
