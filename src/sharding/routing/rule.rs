//! The shard that a key belongs to and why, or why that cannot be determined. Pure.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::sharding::routing::id::Id;
use crate::sharding::routing::id_layout::{BitField, IdLayout};
use crate::sharding::routing::key_kind::{ColumnKind, ListedKind};
use crate::sharding::shard::Shard;
use crate::text::escape::one_line;

/// The shard that a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub shard: Shard,
    pub rule: Rule,
}

/// How the shard was determined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Of a name in Habitat Builder.
    Hash {
        shards: NonZeroU32,
    },
    Bits(BitField),
    /// A database that is not sharded also holds ids that were created elsewhere.
    OnlyShard {
        field: BitField,
        of_bits: Shard,
    },
    Column {
        kind: Arc<ColumnKind>,
        divisor: Option<NonZeroU32>,
    },
    Listed(Arc<ListedKind>),
}

/// Why a key's shard cannot be determined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    #[error("--no-verify needs --shard-count N for names")]
    ShardCountUnknown,
    #[error(
        "a server that is down may have more shards, so over how many names are hashed is unknown; \
         add --shard-count N"
    )]
    ServerDown,
    #[error("only the server can compute where a {0} belongs; omit --no-verify")]
    NeedsServer(String),
    #[error("shards have names here, and keys are in shards by number")]
    NoNumbers,
    #[error("not {}: it would be from {}", named(*.0), .0.created_text().unwrap_or_default())]
    Time(Id),
    #[error(
        "not {} of this database: its {} say {shard}, which does not exist", named(*.id),
        .id.layout().shard
    )]
    Shard { id: Id, shard: Shard },
    #[error("--in computes no shard")]
    Value,
    #[error("the key is not a whole number, so no bits of it are a shard")]
    NotANumber,
    #[error("{rule} gives {}, which is the number of no shard", one_line(.number))]
    NotAShardNumber { rule: String, number: String },
    #[error("no {0} of this name is listed")]
    NotListed(String),
    #[error("it is listed in schema \"{}\", which is no shard", one_line(.0))]
    NotAShard(String),
}

fn named(id: Id) -> &'static str {
    if id.layout() == IdLayout::HABITAT {
        "a Habitat id"
    } else {
        "an id of this layout"
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash { shards } => write!(f, "FNV-1a 64 of the name, modulo {shards}"),
            Self::Bits(field) => write!(f, "{} of the id", field.with_article()),
            Self::OnlyShard { field, of_bits } => write!(
                f,
                "the only shard there is; {} of the id say {of_bits}",
                field.with_article()
            ),
            Self::Column { kind, divisor } => f.write_str(&kind.rule.describe(*divisor)),
            Self::Listed(kind) => f.write_str(&kind.rule.describe(None)),
        }
    }
}
