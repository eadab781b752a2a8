//! Tables of `all_shards` that are partitioned by shard: a partition per server, over a view there
//! that has the column `shard`. A foreign table alone cannot have one: neither a default nor a
//! generated column is known to the planner as a constant.

use std::sync::Arc;

use super::names::shortened;
use super::objects::{Column, ForeignTable, Partition, Union, UnionKind};
use super::render::{definitions, on_server, qualified};
use super::{ALL_SHARDS, BY_SERVER, ON_SERVERS};
use crate::pg::query_text::SHARD;
use crate::pg::quote::{Identifier, Literal};

impl Union {
    pub fn kind(&self) -> UnionKind {
        if self.partitions.is_empty() {
            UnionKind::View
        } else {
            UnionKind::Partitioned
        }
    }
}

/// Partitions the unions by server; `tables` are in shard order. A table with a column `shard` of
/// its own stays a view: that column does not tell where a row is.
pub fn partition(unions: &mut [Union], tables: &[ForeignTable]) {
    for union in unions.iter_mut().filter(|union| union.has_shard_column) {
        let own = tables.iter().filter(|table| table.name == union.name);
        for table in own.filter(|table| union.schemas.contains(&table.schema)) {
            let shard = (table.schema.clone(), table.remote_schema.clone());
            let mut partitions = union.partitions.iter_mut();
            match partitions.find(|partition| partition.table.server == table.server) {
                Some(partition) => partition.shards.push(shard),
                None => union.partitions.push(Partition {
                    table: over_view(&union.name, &union.columns, &table.server),
                    shards: vec![shard],
                }),
            }
        }
    }
}

fn over_view(name: &str, columns: &[Column], server: &str) -> ForeignTable {
    let shard = Column {
        name: SHARD.to_owned(),
        type_name: "text".to_owned(),
        collation: String::new(),
    };
    let columns: Arc<[_]> = [shard].into_iter().chain(columns.iter().cloned()).collect();
    ForeignTable {
        schema: BY_SERVER.to_owned(),
        name: shortened(&format!("{name} on {server}")),
        server: server.to_owned(),
        remote_schema: ON_SERVERS.to_owned(),
        remote_name: name.to_owned(),
        columns,
    }
}

/// The table and its partitions.
pub fn create(union: &Union) -> String {
    let table = qualified(ALL_SHARDS, &union.name);
    let columns = union.partitions.first().map(|it| &it.table.columns);
    let columns = columns.map(|it| definitions(it)).unwrap_or_default();
    let parent = format!(
        "CREATE TABLE {table} ({columns})\n    PARTITION BY LIST ({})",
        Identifier(SHARD)
    );
    let partitions = union.partitions.iter().map(|partition| {
        let shards = partition.shards.iter();
        let shards: Vec<_> = shards
            .map(|(shard, _)| Literal(shard).to_string().trim_start().to_owned())
            .collect();
        format!(
            "CREATE FOREIGN TABLE {} PARTITION OF {table}\n    FOR VALUES IN ({})\n    {}",
            qualified(&partition.table.schema, &partition.table.name),
            shards.join(", "),
            on_server(&partition.table)
        )
    });
    let statements: Vec<_> = [parent].into_iter().chain(partitions).collect();
    statements.join(";\n")
}
