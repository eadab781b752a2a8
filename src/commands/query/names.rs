//! Names for completion: of shards, and of what one shard has. The first stands for all: drift is
//! the business of `shardq drift`, and 8,192 schemas cost no more than one.

use tokio_postgres::SimpleQueryMessage;

use crate::commands::databases::Prepared;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template::fill;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// Tables, columns, functions, settings.
    InShard,
    Shards,
}

/// As many as fit a screen or two.
const MOST: usize = 200;

/// The names that begin with `start`. Empty if the server does not answer.
pub(super) async fn names(prepared: &Prepared, kind: NameKind, start: &str) -> Vec<String> {
    let shards = prepared.topology.shards();
    match kind {
        NameKind::Shards => {
            let names = shards.iter().map(|shard| shard.name());
            let names = names.filter(|name| name.starts_with(start)).take(MOST);
            names.map(str::to_owned).collect()
        }
        NameKind::InShard => in_shard(prepared, start).await.unwrap_or_default(),
    }
}

async fn in_shard(prepared: &Prepared, start: &str) -> Option<Vec<String>> {
    let shard = *prepared.topology.shards().first()?;
    let session = prepared.session_of(shard)?;
    let sql = fill(
        include_str!("../../../sql/shell/names.sql"),
        &[
            (
                "schema",
                &Literal(&Identifier(shard.schema()).to_string()).to_string(),
            ),
            ("length", &start.chars().count().to_string()),
            ("start", &Literal(start).to_string()),
        ],
    );
    let rows = session.connection().simple_query(&sql).await.ok()?;
    let names = rows.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Some(names.collect())
}
