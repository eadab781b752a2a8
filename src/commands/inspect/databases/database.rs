//! One database of a server: whether it is sharded, and how. Pure.

use tokio_postgres::types::Type;

use super::super::columns::{column, is_for_people};
use super::super::statement::TextRow;
use super::super::table::Table;
use crate::output::format::Format;
use crate::sharding::discovered::Discovered;
use crate::sharding::guess;
use crate::sharding::layout::Layout;
use crate::sharding::topology::Topology;
use crate::text::humanize::Bytes;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub name: String,
    pub owner: String,
    /// `None` if this role may not know it.
    pub size: Option<u64>,
    pub sharding: Sharding,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharding {
    Sharded {
        shards: usize,
        missing: String,
        look_alikes: String,
    },
    /// Its schemas are no shards by the layout, but their names look like shards.
    Perhaps {
        pattern: String,
        schemas: usize,
    },
    None,
    /// Why it could not be looked at.
    Unknown(String),
}

/// What a database has, by its shards and look-alikes, and by all of its schemas.
pub fn sharding(layout: &Layout, candidates: &[String], schemas: &[String]) -> Sharding {
    let discovered = Discovered::new(layout, candidates.iter().map(String::as_str));
    let look_alikes = discovered.look_alikes.to_string();
    if let Some(topology) = Topology::new(discovered, layout) {
        return Sharding::Sharded {
            shards: topology.shards().len(),
            missing: topology.lacking().to_string(),
            look_alikes,
        };
    }
    match guess::layouts(schemas).into_iter().next() {
        Some(guess) => Sharding::Perhaps {
            pattern: guess.pattern,
            schemas: guess.schemas,
        },
        None => Sharding::None,
    }
}

pub fn table<'a>(
    databases: impl Iterator<Item = &'a Database>,
    layout: &Layout,
    format: Format,
) -> Table {
    let columns = [
        ("database", Type::TEXT),
        ("owner", Type::TEXT),
        ("size", Type::INT8),
        ("sharded", Type::TEXT),
        ("layout", Type::TEXT),
        ("shards", Type::INT8),
        ("missing", Type::TEXT),
        ("look_alikes", Type::TEXT),
        ("reason", Type::TEXT),
    ];
    let rows = databases.map(|it| it.row(layout, format));
    Table {
        columns: columns.map(|(name, of)| column(name, &of)).to_vec(),
        rows: rows.collect(),
    }
}

impl Database {
    pub fn is_sharded(&self) -> bool {
        matches!(self.sharding, Sharding::Sharded { .. })
    }

    fn row(&self, layout: &Layout, format: Format) -> TextRow {
        let size = self.size.map(|bytes| {
            if is_for_people(format) {
                Bytes(bytes).to_string()
            } else {
                bytes.to_string()
            }
        });
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let [sharded, layout, shards, missing, look_alikes, reason] = match &self.sharding {
            Sharding::Sharded {
                shards,
                missing,
                look_alikes,
            } => [
                some("yes"),
                Some(layout.to_string()),
                Some(shards.to_string()),
                some(missing),
                some(look_alikes),
                None,
            ],
            Sharding::Perhaps { pattern, schemas } => {
                let (pattern, schemas) = (some(pattern), Some(schemas.to_string()));
                [some("perhaps"), pattern, schemas, None, None, None]
            }
            Sharding::None => [some("no"), None, None, None, None, None],
            Sharding::Unknown(reason) => [None, None, None, None, None, some(reason)],
        };
        let (name, owner) = (Some(self.name.clone()), Some(self.owner.clone()));
        vec![
            name,
            owner,
            size,
            sharded,
            layout,
            shards,
            missing,
            look_alikes,
            reason,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(schemas: &[&str]) -> Sharding {
        let schemas: Vec<_> = schemas.iter().map(|name| (*name).to_owned()).collect();
        sharding(&Layout::default(), &schemas, &schemas)
    }

    #[test]
    fn gaps_and_look_alikes_are_listed() {
        assert_eq!(
            of(&["shard_0", "shard_2", "shard_10", "shard_007"]),
            Sharding::Sharded {
                shards: 3,
                missing: "shard_1, shard_3-9".to_owned(),
                look_alikes: "shard_007".to_owned(),
            }
        );
    }

    #[test]
    fn other_layouts_are_guessed() {
        let sharding = sharding(
            &Layout::default(),
            &[],
            &["tenant_a", "tenant_b", "tenant_c"].map(str::to_owned),
        );
        assert_eq!(
            sharding,
            Sharding::Perhaps {
                pattern: "tenant_{name}".to_owned(),
                schemas: 3
            }
        );
        assert_eq!(of(&[]), Sharding::None);
    }
}
