//! Kinds of keys: what a key is the key of, and how its shard follows from it. Pure.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::pg::column_name::ColumnName;
use crate::sharding::routing::buckets::Buckets;
use crate::sharding::routing::hash::Hash;
use crate::sharding::routing::id_layout::IdLayout;
use crate::sharding::routing::server_rule::ServerRule;

/// What a key is the key of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    /// A name in Habitat Builder's `origins`.
    Origin,
    /// A name in Habitat Builder's `accounts`.
    Account,
    /// An id of a row in any table.
    Id { name: String, layout: IdLayout },
    /// A value of a column.
    Column(Arc<ColumnKind>),
    /// A key that no column has: the database lists its schema.
    Listed(Arc<ListedKind>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnKind {
    pub name: String,
    /// The column in which the key is verified.
    pub column: ColumnName,
    pub rule: RoutingRule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKind {
    pub name: String,
    /// The lookup.
    pub rule: ServerRule,
}

/// How the shard of a column's value is determined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutingRule {
    Hash {
        hash: Hash,
        buckets: Buckets,
    },
    /// The key is a whole number, and its own hash.
    Number(Buckets),
    Bits(IdLayout),
    Server(ServerRule),
}

impl KeyKind {
    pub fn name(&self) -> &str {
        match self {
            Self::Origin => "origin",
            Self::Account => "account",
            Self::Id { name, .. } => name,
            Self::Column(kind) => &kind.name,
            Self::Listed(kind) => &kind.name,
        }
    }

    pub fn is_id(&self) -> bool {
        matches!(self, Self::Id { .. })
    }

    /// Whether its shards are known by number. A lookup knows them by name.
    pub fn needs_numbers(&self) -> bool {
        !matches!(self.server_rule(), Some(ServerRule::Lookup(_)))
    }

    /// What the server has to compute for the route.
    pub fn server_rule(&self) -> Option<&ServerRule> {
        match self {
            Self::Column(kind) => kind.rule.server(),
            Self::Listed(kind) => Some(&kind.rule),
            Self::Origin | Self::Account | Self::Id { .. } => None,
        }
    }
}

impl RoutingRule {
    pub fn server(&self) -> Option<&ServerRule> {
        match self {
            Self::Server(rule) => Some(rule),
            Self::Hash { .. } | Self::Number(_) | Self::Bits(_) => None,
        }
    }

    /// By what the number of shards is computed, if by something.
    pub fn buckets(&self) -> Option<Buckets> {
        match self {
            Self::Hash { buckets, .. } | Self::Number(buckets) => Some(*buckets),
            Self::Server(rule) => rule.buckets(),
            Self::Bits(_) => None,
        }
    }

    pub fn describe(&self, divisor: Option<NonZeroU32>) -> String {
        match self {
            Self::Hash { hash, buckets } => {
                format!("{hash} of the key{}", buckets.describe(divisor))
            }
            Self::Number(buckets) => format!("the key{}", buckets.describe(divisor)),
            Self::Bits(layout) => format!("{} of the key", layout.shard.with_article()),
            Self::Server(rule) => rule.describe(divisor),
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
