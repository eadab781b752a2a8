//! The statements that look up many keys: one per shard, or one for several shards that are asked
//! for the same keys. Pure.

use std::sync::Arc;

use crate::find::batch::key_array::KeyArray;
use crate::find::lookup;
use crate::find::tables::{self, KeyTable, Tables};
use crate::pg::quote::{Identifier, Literal};
use crate::pg::sql_template;
use crate::sharding::routing::key::Key;
use crate::sharding::shard::Shard;

/// Shards of one statement. It locks their tables and indexes, and a server has room for a few
/// thousand locks.
const SHARDS: usize = 64;

/// What one statement searches.
#[derive(Debug)]
pub(super) struct Target<'a> {
    /// With the tables of each; at least one.
    pub shards: Vec<(Shard, &'a [KeyTable])>,
    pub keys: Arc<KeyArray>,
}

/// Shards without a table for the keys are left out.
pub(super) fn targets(
    tables: &Tables,
    requests: Vec<(Shard, Arc<KeyArray>)>,
    is_grouped: bool,
) -> Vec<Target<'_>> {
    let mut targets: Vec<Target<'_>> = Vec::new();
    for (shard, keys) in requests {
        let Some(tables) = tables.in_shard.get(&shard) else {
            continue;
        };
        match targets.last_mut() {
            Some(last) if is_grouped && last.can_have(tables, &keys) => {
                last.shards.push((shard, tables));
            }
            _ => targets.push(Target {
                shards: vec![(shard, tables)],
                keys,
            }),
        }
    }
    targets
}

impl Target<'_> {
    fn can_have(&self, tables: &[KeyTable], keys: &Arc<KeyArray>) -> bool {
        let own = self.shards.first().and_then(|(_, tables)| tables.first());
        let is_alike = |table: &KeyTable| {
            own.is_some_and(|own| {
                // The type of a domain differs from its name here, and its index would not serve.
                let has_type = own.is_of_type && table.is_of_type;
                let is_same = own.key_type == table.key_type;
                has_type && is_same && own.operator_schema == table.operator_schema
            })
        };
        self.shards.len() < SHARDS && Arc::ptr_eq(&self.keys, keys) && tables.iter().all(is_alike)
    }

    /// `rewritten` selects the tables that the snapshot does not cover.
    pub fn statement(&self, key: &Key, rewritten: &str) -> String {
        let statement = match (&self.shards[..], self.first()) {
            ([(shard, tables)], _) => {
                let arms: Vec<_> = tables.iter().map(|table| arm(key, *shard, table)).collect();
                arms.join("\nUNION ALL\n")
            }
            (_, Some(table)) => self.several(key, table),
            _ => String::new(),
        };
        format!("{statement}\nUNION ALL\n{rewritten}")
    }

    fn first(&self) -> Option<&KeyTable> {
        self.shards.first().and_then(|(_, tables)| tables.first())
    }

    /// `like` is one of the tables, which are alike.
    fn several(&self, key: &Key, like: &KeyTable) -> String {
        let column = Identifier(tables::column(key)).to_string();
        let arms = self.shards.iter().enumerate().flat_map(|(i, (shard, of))| {
            let position = Literal(&i.to_string()).to_string();
            let column = &column;
            of.iter().map(move |table| {
                sql_template::fill(
                    include_str!("../../../sql/find/keys_of_shard.sql"),
                    &[
                        ("column", column),
                        ("shard", &position),
                        ("table", &lookup::qualified(*shard, table)),
                    ],
                )
            })
        });
        let arms: Vec<_> = arms.collect();
        sql_template::fill(
            include_str!("../../../sql/find/find_keys_in_shards.sql"),
            &[
                ("type", &like.key_type),
                ("operator_schema", &like.operator_schema),
                ("tables", &arms.join("\nUNION ALL\n")),
            ],
        )
    }
}

fn arm(key: &Key, shard: Shard, table: &KeyTable) -> String {
    let key_type = match key {
        Key::Origin(_) | Key::Account(_) => "pg_catalog.text",
        Key::Id(_) => "pg_catalog.int8",
        Key::Value { .. } | Key::Listed { .. } => &table.key_type,
    };
    sql_template::fill(
        include_str!("../../../sql/find/find_keys.sql"),
        &[
            ("type", key_type),
            ("column", &Identifier(tables::column(key)).to_string()),
            ("operator_schema", &table.operator_schema),
            ("table", &lookup::qualified(shard, table)),
        ],
    )
}
