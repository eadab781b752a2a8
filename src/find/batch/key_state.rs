//! One key: how its text is understood, and what is known about it. Pure.

use std::num::NonZeroU32;

use jiff::Timestamp;

use crate::pg::column_name::ColumnName;
use crate::sharding::database::Database;
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
        shard_count: ShardCount,
        now: Timestamp,
    },
    InColumn(ColumnName),
}

/// Over how many shards names are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardCount {
    Known(NonZeroU32),
    /// No server is asked, so it has to be given.
    NotGiven,
    /// A server that may have more shards is down, so names have no route.
    Unknown,
}

/// Where a key was not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsearched {
    /// In the shard where it belongs.
    Home,
    /// In some other shards.
    Others,
}

/// A key, and what is known about it.
#[derive(Debug, Clone)]
pub struct KeyState {
    pub key: Key,
    /// Where it belongs, if that can be computed.
    pub expected: Option<Shard>,
    /// The expected shard, or all others that have it.
    pub found: Vec<Shard>,
    /// If it was not found: where it may be all the same.
    pub unsearched: Option<Unsearched>,
}

impl KeyState {
    /// Whether it is where it belongs, or anywhere if that cannot be computed.
    pub fn is_verified(&self) -> bool {
        match self.expected {
            Some(expected) => self.found.contains(&expected),
            None => !self.found.is_empty(),
        }
    }

    /// Whether it is verified; `None` if it was not looked up where it may be.
    pub fn verified(&self) -> Option<bool> {
        let is_looked_up = match (self.unsearched, self.expected) {
            (None, _) | (Some(Unsearched::Others), Some(_)) => true,
            (Some(Unsearched::Home), _) | (Some(Unsearched::Others), None) => false,
        };
        (is_looked_up || self.is_verified()).then(|| self.is_verified())
    }

    /// The expected shard if it is there, else all that have it.
    fn holders(&self) -> Vec<Shard> {
        match self.expected {
            Some(expected) if self.found.contains(&expected) => vec![expected],
            _ => self.found.clone(),
        }
    }

    /// `shard_3 shard_7`
    pub fn shards(&self) -> String {
        let names: Vec<_> = self.holders().iter().map(|shard| shard.name()).collect();
        names.join(" ")
    }

    /// The servers of these shards, in the same order: `db1 db2`
    pub fn servers(&self) -> String {
        let server = |shard: &Shard| shard.database().map_or("", Database::server);
        let servers: Vec<_> = self.holders().iter().map(server).collect();
        servers.join(" ")
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
            shards: match shard_count {
                ShardCount::Known(count) => Some(*count),
                ShardCount::NotGiven | ShardCount::Unknown => None,
            },
            now: *now,
        };
        match key.route(&scope, computed) {
            Ok(route) => Ok(Some(route.shard)),
            Err(NoRoute::ShardCountUnknown) if *shard_count == ShardCount::Unknown => Ok(None),
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
            unsearched: None,
        })
    }
}
