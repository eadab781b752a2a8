//! A key that data is sharded by (an origin's name, an account's name, an id) and its route, with
//! the reason for it; or a column's value, which has none. Pure: `find::lookup` checks whether the
//! key is really there.

use std::fmt;
use std::num::NonZeroU32;

use jiff::Timestamp;

use crate::pg::column_name::ColumnName;
use crate::sharding::numbering::Numbering;
use crate::sharding::routing::habitat_id::{Id, IdError};
use crate::sharding::routing::name_hash;
use crate::sharding::shard::Shard;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    Origin(String),
    Account(String),
    Id(Id),
    Value { column: ColumnName, text: String },
}

/// What a key is the key of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyKind {
    /// An origin name
    Origin,
    /// An account name
    Account,
    /// A row id of any table
    Id,
}

/// The shard that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub shard: Shard,
    pub rule: Rule,
}

/// How the shard was determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Hash {
        shards: NonZeroU32,
    },
    LowBits,
    /// A database that is not sharded also holds ids that were created elsewhere.
    OnlyShard {
        low_bits: Shard,
    },
}

/// Why a key's shard cannot be determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    #[error("--no-verify needs --shard-count N for names")]
    ShardCountUnknown,
    #[error("not a Habitat id: it would be from {}", .0.created_text())]
    Time(Id),
    #[error("not a Habitat id of this database: its low 13 bits say {0}, which does not exist")]
    Shard(Shard),
    #[error("--in computes no shard")]
    Value,
}

impl Key {
    /// Without a kind, a key of digits only is an id, any other an origin.
    ///
    /// # Errors
    /// If it should be an id and is not.
    pub fn new(text: &str, kind: Option<KeyKind>) -> Result<Self, IdError> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let guess = if digits { KeyKind::Id } else { KeyKind::Origin };
        Ok(match kind.unwrap_or(guess) {
            KeyKind::Origin => Self::Origin(text.to_owned()),
            KeyKind::Account => Self::Account(text.to_owned()),
            KeyKind::Id => Self::Id(text.parse()?),
        })
    }

    /// `origin`, `account`, `id`, or the column: `origins.name`
    pub fn kind(&self) -> String {
        match self {
            Self::Origin(_) => KeyKind::Origin.to_string(),
            Self::Account(_) => KeyKind::Account.to_string(),
            Self::Id(_) => KeyKind::Id.to_string(),
            Self::Value { column, .. } => column.to_string(),
        }
    }

    /// The shard that it belongs to.
    ///
    /// # Errors
    /// If that cannot be determined: for a name without the number of shards, for a number that is
    /// not a Habitat id, and for a column's value.
    pub fn route(
        &self,
        numbering: &Numbering,
        shards: Option<NonZeroU32>,
        now: Timestamp,
    ) -> Result<Route, NoRoute> {
        match self {
            Self::Origin(name) | Self::Account(name) => {
                let shards = shards.ok_or(NoRoute::ShardCountUnknown)?;
                Ok(Route {
                    shard: numbering.shard(name_hash::by_name(name, shards)),
                    rule: Rule::Hash { shards },
                })
            }
            Self::Id(id) => route_of_id(*id, numbering, shards, now),
            Self::Value { .. } => Err(NoRoute::Value),
        }
    }
}

fn route_of_id(
    id: Id,
    numbering: &Numbering,
    shards: Option<NonZeroU32>,
    now: Timestamp,
) -> Result<Route, NoRoute> {
    if !id.is_credible(now) {
        return Err(NoRoute::Time(id));
    }
    let (low_bits, only) = (numbering.shard(id.shard()), numbering.shard(0));
    match shards {
        Some(NonZeroU32::MIN) if low_bits != only => Ok(Route {
            shard: only,
            rule: Rule::OnlyShard { low_bits },
        }),
        Some(shards) if id.shard() >= shards.get() => Err(NoRoute::Shard(low_bits)),
        _ => Ok(Route {
            shard: low_bits,
            rule: Rule::LowBits,
        }),
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Origin => "origin",
            Self::Account => "account",
            Self::Id => "id",
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(name) | Self::Account(name) => f.write_str(name),
            Self::Id(id) => id.fmt(f),
            Self::Value { text, .. } => f.write_str(text),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash { shards } => write!(f, "FNV-1a 64 of the name, modulo {shards}"),
            Self::LowBits => f.write_str("the low 13 bits of the id"),
            Self::OnlyShard { low_bits } => write!(
                f,
                "the only shard there is; the low 13 bits of the id say {low_bits}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Option<NonZeroU32> = Some(NonZeroU32::MIN);
    const MANY: Option<NonZeroU32> = NonZeroU32::new(128);

    fn key(text: &str, kind: Option<KeyKind>) -> Key {
        Key::new(text, kind).unwrap()
    }

    #[test]
    fn digits_alone_are_an_id_unless_told_otherwise() {
        assert_eq!(key("42", None).kind(), "id");
        assert_eq!(key("42", Some(KeyKind::Origin)), Key::Origin("42".into()));
        assert_eq!(key("42", Some(KeyKind::Account)), Key::Account("42".into()));
        for name in ["core", "4a", "-1", "1.0", "", "١٢"] {
            assert_eq!(key(name, None), Key::Origin(name.into()));
        }
        assert!(Key::new("core", Some(KeyKind::Id)).is_err());
        assert!(Key::new("9223372036854775808", None).is_err());
    }

    fn route(text: &str, shards: Option<NonZeroU32>) -> Result<Route, NoRoute> {
        key(text, None).route(&Numbering::default(), shards, Timestamp::now())
    }

    #[test]
    fn a_name_has_no_route_without_the_number_of_shards() {
        assert_eq!(route("core", None), Err(NoRoute::ShardCountUnknown));
        let route = route("core", MANY).unwrap();
        assert_eq!(route.shard, Shard::new(30));
        assert_eq!(route.rule.to_string(), "FNV-1a 64 of the name, modulo 128");
    }

    #[test]
    fn an_id_carries_its_shard() {
        for shards in [None, MANY] {
            let route = route("721096797631602718", shards).unwrap();
            assert_eq!((route.shard, route.rule), (Shard::new(30), Rule::LowBits));
        }
    }

    #[test]
    fn a_number_that_is_no_id_has_no_route() {
        assert!(matches!(route("12345", MANY), Err(NoRoute::Time(_))));
        assert!(matches!(route("12345", ONE), Err(NoRoute::Time(_))));
        assert_eq!(
            route("721096797631602718", NonZeroU32::new(30)),
            Err(NoRoute::Shard(Shard::new(30)))
        );
    }

    #[test]
    fn one_shard_holds_every_key() {
        for text in ["core", "721096797631602718", "721096797631602688"] {
            assert_eq!(route(text, ONE).unwrap().shard, Shard::new(0));
        }
    }
}
