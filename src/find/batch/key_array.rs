//! Keys as the parameter of a statement. Pure.

use tokio_postgres::types::{ToSql, Type};

use crate::find::batch::keys::{ChunkKeys, KeyGroup};
use crate::sharding::routing::key::Key;

/// Keys of one group, as a parameter.
#[derive(Debug)]
pub struct KeyArray {
    values: Values,
    /// Their indexes in the chunk.
    indexes: Vec<usize>,
}

#[derive(Debug)]
enum Values {
    Texts(Vec<String>),
    Numbers(Vec<i64>),
}

impl KeyArray {
    pub fn new(keys: &ChunkKeys, group: KeyGroup, indexes: Vec<usize>) -> Self {
        let chosen = || indexes.iter().filter_map(|index| keys.states.get(*index));
        let values = match group {
            KeyGroup::Ids => Values::Numbers(
                chosen()
                    .filter_map(|state| match &state.key {
                        Key::Id(id) => Some(id.number()),
                        _ => None,
                    })
                    .collect(),
            ),
            KeyGroup::Origins | KeyGroup::Accounts | KeyGroup::Column | KeyGroup::Listed => {
                Values::Texts(chosen().map(|state| state.key.to_string()).collect())
            }
        };
        Self { values, indexes }
    }

    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }

    pub(super) fn parameter(&self) -> (&(dyn ToSql + Sync), Type) {
        match &self.values {
            Values::Texts(texts) => (texts, Type::TEXT_ARRAY),
            Values::Numbers(numbers) => (numbers, Type::INT8_ARRAY),
        }
    }

    /// The index in the chunk of the key at this position of the array, from 1.
    pub(super) fn index(&self, position: &str) -> Option<usize> {
        let position: usize = position.parse().ok()?;
        self.indexes.get(position.checked_sub(1)?).copied()
    }
}
