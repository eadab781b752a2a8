//! The columns in front of a result: where each row is from.

use crate::pg::row_batch::Column;
use crate::sharding::database::Database;
use crate::sharding::shard::Shard;

/// The columns in front of a result.
#[derive(Debug, Clone, Default)]
pub struct LeadColumns(Vec<(LeadColumn, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeadColumn {
    Server,
    Shard,
}

impl LeadColumns {
    /// That of the shard, unless it has no name.
    pub fn of_shard(name: Option<String>) -> Self {
        Self(
            name.map(|name| (LeadColumn::Shard, name))
                .into_iter()
                .collect(),
        )
    }

    /// With the server in front of the shard.
    #[must_use]
    pub fn with_server(&self) -> Self {
        let mut columns = self.0.clone();
        if !columns.is_empty()
            && columns
                .iter()
                .all(|(column, _)| *column != LeadColumn::Server)
        {
            columns.insert(0, (LeadColumn::Server, "server".to_owned()));
        }
        Self(columns)
    }

    pub fn columns(&self) -> impl Iterator<Item = Column> {
        self.0.iter().map(|(_, name)| Column::text(name))
    }

    pub fn values(&self, shard: Shard) -> impl Iterator<Item = &'static str> + Clone {
        self.0.iter().map(move |(column, _)| match column {
            LeadColumn::Server => shard.database().map_or("", Database::server),
            LeadColumn::Shard => shard.name(),
        })
    }
}
