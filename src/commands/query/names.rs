//! Names for completion: of shards, of what one shard has, and keys. The first shard stands for all:
//! drift is the business of `shardq drift`, and 8,192 schemas cost no more than one.

use std::collections::BTreeSet;

use crate::commands::databases::Prepared;
use crate::commands::other_databases::try_column;
use crate::exec::fanout::Session;
use crate::exec::plan::shards_sql;
use crate::pg::column_name::ColumnName;
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template::fill;
use crate::sharding::discovered::Discovered;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// Tables, columns, functions, settings.
    InShard,
    Shards,
    /// What `\find` finds.
    Keys,
    /// Queries of the profile.
    Queries,
}

/// As many as fit a screen or two.
const MOST: usize = 200;

/// Keys are in all shards, but nobody waits for those of thousands.
const MOST_SHARDS: usize = 128;

/// The names that begin with `start`; keys are values of `columns`. Empty if the server does not
/// answer.
pub(super) async fn names(
    prepared: &Prepared,
    kind: NameKind,
    start: &str,
    columns: &[ColumnName],
) -> Vec<String> {
    match kind {
        NameKind::Shards => {
            let names = prepared.topology.shards().iter().map(|shard| shard.name());
            let names = names.filter(|name| name.starts_with(start)).take(MOST);
            names.map(str::to_owned).collect()
        }
        NameKind::InShard => in_shard(prepared, start).await.unwrap_or_default(),
        NameKind::Keys => {
            let mut keys = BTreeSet::new();
            for column in columns {
                keys.extend(keys_in(prepared, column, start).await.unwrap_or_default());
            }
            keys.into_iter().take(MOST).collect()
        }
        NameKind::Queries => Vec::new(),
    }
}

async fn in_shard(prepared: &Prepared, start: &str) -> Option<Vec<String>> {
    let shard = *prepared.topology.shards().first()?;
    let schema = Literal(&Identifier(shard.schema()).to_string()).to_string();
    let sql = fill(
        include_str!("../../../sql/shell/names.sql"),
        &[
            ("schema", &schema),
            ("length", &start.chars().count().to_string()),
            ("start", &Literal(start).to_string()),
        ],
    );
    ask(prepared.session_of(shard)?, &sql).await
}

/// One statement per shard that has the table, in one message per database.
async fn keys_in(prepared: &Prepared, column: &ColumnName, start: &str) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    for database in &prepared.databases {
        let (session, layout) = (&database.preflight.session, &database.plan.layout);
        let listed = shards_sql(layout, Some(&column.table));
        let having = format!(
            "SELECT nspname FROM ({listed}) AS s (nspname, has_parents, has_table) WHERE has_table"
        );
        let schemas = ask(session, &having).await?;
        let found = Discovered::new(layout, schemas.iter().map(String::as_str));
        let statements = found.shards.iter().take(MOST_SHARDS).map(|shard| {
            let table = Identifier(&column.table);
            let table = format!("{}.{table}", Identifier(shard.schema()));
            fill(
                include_str!("../../../sql/shell/keys.sql"),
                &[
                    ("column", &Identifier(&column.column).to_string()),
                    ("table", &table),
                    ("start", &Literal(start).to_string()),
                ],
            )
        });
        let statements: Vec<_> = statements.collect();
        keys.extend(ask(session, &statements.join(";\n")).await?);
    }
    Some(keys)
}

async fn ask(session: &Session, sql: &str) -> Option<Vec<String>> {
    let limits = fill(include_str!("../../../sql/shell/limits.sql"), &[]);
    try_column(session.connection(), &format!("{limits};\n{sql}"))
        .await
        .ok()
}
