//! One key: how its text is understood, and what is known about it. Pure.

use std::num::NonZeroU32;

use jiff::Timestamp;

use crate::pg::column_name::ColumnName;
use crate::sharding::layout::Layout;
use crate::sharding::routing::key::{Key, RouteScope, ServerAnswer};
use crate::sharding::routing::key_kind::KeyKind;
use crate::sharding::routing::key_kinds::KeyKinds;
use crate::sharding::routing::rule::NoRoute;
use crate::sharding::shard::Shard;

/// How the text of a key is understood.
#[derive(Debug, Clone)]
pub enum KeyRule {
    Computed {
        kinds: KeyKinds,
        /// That of all keys, if it is given.
        kind: Option<KeyKind>,
        layout: Layout,
        shard_count: Option<NonZeroU32>,
        now: Timestamp,
    },
    InColumn(ColumnName),
}

/// A key, and what is known about it.
#[derive(Debug, Clone)]
pub struct KeyState {
    pub key: Key,
    /// Where it belongs, if that can be computed.
    pub expected: Option<Shard>,
    /// The expected shard, or all others that have it.
    pub found: Vec<Shard>,
}

impl KeyState {
    /// Whether it is where it belongs, or anywhere if that cannot be computed.
    pub fn is_verified(&self) -> bool {
        match self.expected {
            Some(expected) => self.found.contains(&expected),
            None => !self.found.is_empty(),
        }
    }

    /// `shard_3 shard_7`
    pub fn shards(&self) -> String {
        match self.expected {
            Some(expected) if self.found.contains(&expected) => expected.to_string(),
            _ => {
                let names: Vec<_> = self.found.iter().map(|shard| shard.name()).collect();
                names.join(" ")
            }
        }
    }
}

impl KeyRule {
    /// Where a key belongs, if that can be computed; `computed` is what the server computed.
    ///
    /// # Errors
    /// If its shard needs the number of shards.
    pub(super) fn expected(
        &self,
        key: &Key,
        computed: Option<&ServerAnswer>,
    ) -> Result<Option<Shard>, NoRoute> {
        let Self::Computed {
            layout,
            shard_count,
            now,
            ..
        } = self
        else {
            return Ok(None);
        };
        let scope = RouteScope {
            layout,
            shards: *shard_count,
            now: *now,
        };
        match key.route(&scope, computed) {
            Ok(route) => Ok(Some(route.shard)),
            Err(why @ (NoRoute::ShardCountUnknown | NoRoute::NoNumbers)) => Err(why),
            Err(_) => Ok(None),
        }
    }

    /// # Errors
    /// If it is not a key of its kind, or if its shard needs the number of shards.
    pub(super) fn state(&self, text: &str) -> Result<KeyState, String> {
        let (key, expected) = match self {
            Self::InColumn(column) => {
                let key = Key::Value {
                    column: column.clone(),
                    kind: None,
                    text: text.to_owned(),
                };
                (key, None)
            }
            Self::Computed { kinds, kind, .. } => {
                let kind = match kind {
                    Some(kind) => kind,
                    None => kinds.guess(text).map_err(|error| error.to_string())?,
                };
                let key = Key::new(text, kind).map_err(|error| error.to_string())?;
                let expected = self.expected(&key, None).map_err(|why| why.to_string())?;
                (key, expected)
            }
        };
        Ok(KeyState {
            key,
            expected,
            found: Vec::new(),
        })
    }
}
