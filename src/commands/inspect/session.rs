//! The session of an inspection in one database: a read-only transaction at one snapshot. It sees
//! the catalog, and no rows unless a command reads some.

use super::error::InspectError;
use super::statement::{TextRow, rows};
use crate::client::Connection;
use crate::exec::lock_holders::{self, WaitedIn};
use crate::exec::unknown_name::UnknownName;
use crate::pg::quote::Literal;
use crate::pg::sql_template;
use crate::sharding::database::Database;
use crate::sharding::layout::Layout;
use crate::sharding::shard::Shard;

/// An open transaction, and the selected shards of its database.
pub struct InspectSession<'a> {
    connection: &'a Connection,
    /// `server_version_num`, e.g. 150018.
    pub version: u32,
    /// Ascending.
    shards: Vec<Shard>,
    layout: &'a Layout,
}

impl<'a> InspectSession<'a> {
    /// In the transaction of a connection.
    pub async fn on(
        connection: &'a Connection,
        layout: &'a Layout,
        shards: Vec<Shard>,
    ) -> Result<Self, InspectError> {
        let settings = include_str!("../../../sql/inspect/session.sql");
        let rows = rows(connection, &sql_template::fill(settings, &[])).await?;
        let version = rows
            .first()
            .and_then(|row| row.first()?.as_ref()?.parse().ok());
        Ok(Self {
            connection,
            version: version.unwrap_or_default(),
            shards,
            layout,
        })
    }

    /// The selected shards, ascending.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The one of several databases that it is in: shards of others are compared with these.
    pub fn database(&self) -> Option<Database> {
        self.layout.of_database()
    }

    /// The selected shards as an SQL array, to be joined by `unnest(…) WITH ORDINALITY`: a name
    /// that the layout's regular expression matches may still be no shard.
    pub fn shards_sql(&self) -> String {
        array_sql(self.shards())
    }

    /// Who holds locks that reads of these shards wait for, one line each.
    pub async fn lock_holders(&self, shards: &[Shard]) -> Vec<String> {
        let place = WaitedIn::Shards(shards, self.layout);
        lock_holders::holders(self.connection, place).await
    }

    /// The error for a table that no shard has, with the nearest name.
    pub async fn no_table(&self, table: &str) -> InspectError {
        let unknown = UnknownName::table(table);
        InspectError::NoTable {
            table: table.to_owned(),
            hint: unknown.hint_in_shards(self.connection, self.layout).await,
        }
    }

    /// The rows of a statement (see `sql/inspect/session.sql`). Whether it succeeds or not, its
    /// locks and settings end with it, and the session can be used again.
    pub async fn query(&self, sql: &str) -> Result<Vec<TextRow>, InspectError> {
        const UNDO: &str = "ROLLBACK TO SAVEPOINT inspection";
        match self.send(&format!("{sql};\n{UNDO}")).await {
            Err(error @ InspectError::Server(_)) => {
                self.send(UNDO).await?;
                Err(error)
            }
            rows => rows,
        }
    }

    async fn send(&self, sql: &str) -> Result<Vec<TextRow>, InspectError> {
        rows(self.connection, sql).await
    }
}

/// `ARRAY['shard_0', …]::name[]`
pub fn array_sql(shards: &[Shard]) -> String {
    let names = shards
        .iter()
        .map(|shard| Literal(shard.schema()).to_string());
    format!("ARRAY[{}]::name[]", names.collect::<Vec<_>>().join(", "))
}
