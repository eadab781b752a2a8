//! The column `server` in front of the rows of an inspection. Pure.

use super::statement::TextRow;
use crate::pg::row_batch::Column;
use crate::sharding::database::Database;
use crate::sharding::shard::Shard;

/// Whether rows say which server they are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerColumn {
    /// All are from the same.
    Omitted,
    InFront,
}

impl From<bool> for ServerColumn {
    fn from(has_several_servers: bool) -> Self {
        if has_several_servers {
            Self::InFront
        } else {
            Self::Omitted
        }
    }
}

impl ServerColumn {
    pub fn column(self) -> Option<Column> {
        (self == Self::InFront).then(|| Column::text("server"))
    }

    /// The servers of these shards in front of their row: `db1, db3`
    pub fn in_front(self, shards: &[Shard], row: TextRow) -> TextRow {
        let mut servers: Vec<&str> = Vec::new();
        for database in shards.iter().filter_map(|shard| shard.database()) {
            if !servers.contains(&database.server()) {
                servers.push(database.server());
            }
        }
        let mut cells = self.named(servers.join(", "));
        cells.extend(row);
        cells
    }

    /// What is in front of a row of this database.
    pub fn of_database(self, database: Option<Database>) -> TextRow {
        self.named(database.map(Database::server).unwrap_or_default())
    }

    fn named(self, server: impl Into<String>) -> TextRow {
        match self {
            Self::Omitted => Vec::new(),
            Self::InFront => vec![Some(server.into())],
        }
    }
}
