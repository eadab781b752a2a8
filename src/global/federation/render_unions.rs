//! The SQL of the views and tables of `all_shards`.

use super::existing::MARK;
use super::objects::{Union, UnionKind};
use super::render::{in_levels, qualified};
use super::{ALL_SHARDS, partitions};
use crate::pg::query_text::SHARD;
use crate::pg::quote::{Identifier, Literal};
use crate::sharding::routing::hash::fnv1a64;

pub fn create_union(union: &Union) -> String {
    let (kind, definition) = (keyword(union.kind()), definition(union));
    let name = qualified(ALL_SHARDS, &union.name);
    let comment = format!("{MARK}: {}", digest(union));
    format!(
        "{definition};\nCOMMENT ON {kind} {name} IS {}",
        Literal(&comment)
    )
}

/// Partitions go with it.
pub fn drop_union(name: &str, kind: UnionKind) -> String {
    format!("DROP {} {}", keyword(kind), qualified(ALL_SHARDS, name))
}

fn keyword(kind: UnionKind) -> &'static str {
    match kind {
        UnionKind::View => "VIEW",
        UnionKind::Partitioned => "TABLE",
    }
}

fn definition(union: &Union) -> String {
    match union.kind() {
        UnionKind::View => {
            let name = qualified(ALL_SHARDS, &union.name);
            format!("CREATE VIEW {name} AS\n{}", rows(union))
        }
        UnionKind::Partitioned => partitions::create(union),
    }
}

/// Tells whether a union is still defined as it was made.
pub fn digest(union: &Union) -> String {
    format!("{:016x}", fnv1a64(definition(union).as_bytes()))
}

fn rows(union: &Union) -> String {
    let columns: Vec<_> = union
        .columns
        .iter()
        .map(|column| Identifier(&column.name).to_string())
        .collect();
    let arm = |schema: &String| {
        let shard = union.has_shard_column.then(|| {
            format!(
                "{}::pg_catalog.text AS {}",
                Literal(schema),
                Identifier(SHARD)
            )
        });
        let selected: Vec<_> = shard.into_iter().chain(columns.iter().cloned()).collect();
        format!(
            "SELECT {} FROM {}",
            selected.join(", "),
            qualified(schema, &union.name)
        )
    };
    in_levels(&union.schemas.iter().map(arm).collect::<Vec<_>>())
}
