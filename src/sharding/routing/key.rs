//! A key that data is sharded by (an origin's name, an account's name, an id, a value of a column)
//! and its route, with the reason for it; or a column's value, which has none. Pure: `find::lookup`
//! checks whether the key is really there.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::Timestamp;

use crate::pg::column_name::ColumnName;
use crate::sharding::layout::Layout;
use crate::sharding::numbering::Numbering;
use crate::sharding::routing::buckets::{HashValue, Modulo};
use crate::sharding::routing::id::{Id, IdError};
use crate::sharding::routing::key_kind::{ColumnKind, KeyKind, ListedKind, RoutingRule};
use crate::sharding::routing::name_hash;
use crate::sharding::routing::rule::{NoRoute, Route, Rule};
use crate::sharding::routing::server_rule::ServerRule;
use crate::sharding::shard::Shard;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    Origin(String),
    Account(String),
    Id(Id),
    Value {
        column: ColumnName,
        /// `None` for any column: its values have no route.
        kind: Option<Arc<ColumnKind>>,
        text: String,
    },
    /// No column has it, so it is where the database lists it.
    Listed {
        kind: Arc<ListedKind>,
        text: String,
    },
}

/// What routes are computed in.
#[derive(Debug, Clone)]
pub struct RouteScope<'a> {
    pub layout: &'a Layout,
    /// The number of shards, if it is known.
    pub shards: Option<NonZeroU32>,
    /// To recognize ids with a time in the future, which are not credible.
    pub now: Timestamp,
}

/// What the server computed for a key; `None` for NULL.
pub type ServerAnswer = Option<String>;

impl Key {
    /// # Errors
    /// If it should be an id and is not.
    pub fn new(text: &str, kind: &KeyKind) -> Result<Self, IdError> {
        let text = text.to_owned();
        Ok(match kind {
            KeyKind::Origin => Self::Origin(text),
            KeyKind::Account => Self::Account(text),
            KeyKind::Id { layout, .. } => Self::Id(Id::new(&text, *layout)?),
            KeyKind::Column(kind) => Self::Value {
                column: kind.column.clone(),
                kind: Some(Arc::clone(kind)),
                text,
            },
            KeyKind::Listed(kind) => Self::Listed {
                kind: Arc::clone(kind),
                text,
            },
        })
    }

    /// A key of this kind, where only the kind matters.
    pub fn any(kind: &KeyKind) -> Self {
        // Zero is an id of every layout.
        Self::new("0", kind).unwrap_or_else(|_| Self::Origin(String::new()))
    }

    /// `origin`, `account`, `id`, the profile's name for it, or the column: `origins.name`
    pub fn kind(&self) -> String {
        match self {
            Self::Origin(_) => "origin".to_owned(),
            Self::Account(_) => "account".to_owned(),
            Self::Id(_) => "id".to_owned(),
            Self::Value {
                kind: Some(kind), ..
            } => kind.name.clone(),
            Self::Value { column, .. } => column.to_string(),
            Self::Listed { kind, .. } => kind.name.clone(),
        }
    }

    /// What the server has to compute for the route.
    pub fn server_rule(&self) -> Option<&ServerRule> {
        match self {
            Self::Value {
                kind: Some(kind), ..
            } => kind.rule.server(),
            Self::Listed { kind, .. } => Some(&kind.rule),
            Self::Origin(_) | Self::Account(_) | Self::Id(_) | Self::Value { .. } => None,
        }
    }

    /// The shard that it belongs to. `computed` is what the server computed, if it was asked.
    ///
    /// # Errors
    /// If that cannot be determined: for a name without the number of shards, for a number that is
    /// not an id of the layout, and for a value of any column.
    pub fn route(
        &self,
        scope: &RouteScope<'_>,
        computed: Option<&ServerAnswer>,
    ) -> Result<Route, NoRoute> {
        match self {
            Self::Origin(name) | Self::Account(name) => {
                let numbering = scope.numbering()?;
                let shards = scope.shards.ok_or(NoRoute::ShardCountUnknown)?;
                Ok(Route {
                    shard: numbering.shard(name_hash::by_name(name, shards)),
                    rule: Rule::Hash { shards },
                })
            }
            Self::Id(id) => route_of_id(*id, scope),
            Self::Value { kind: None, .. } => Err(NoRoute::Value),
            Self::Value {
                kind: Some(kind),
                text,
                ..
            } => route_of_value(text, kind, scope, computed),
            Self::Listed { kind, .. } => route_of_listed(kind, scope, computed),
        }
    }
}

impl RouteScope<'_> {
    fn numbering(&self) -> Result<Numbering, NoRoute> {
        self.layout.numbering().ok_or(NoRoute::NoNumbers)
    }
}

fn route_of_id(id: Id, scope: &RouteScope<'_>) -> Result<Route, NoRoute> {
    let numbering = scope.numbering()?;
    if !id.is_credible(scope.now) {
        return Err(NoRoute::Time(id));
    }
    let (of_bits, only) = (numbering.shard(id.shard()), numbering.shard(0));
    let field = id.layout().shard;
    match scope.shards {
        Some(NonZeroU32::MIN) if of_bits != only => Ok(Route {
            shard: only,
            rule: Rule::OnlyShard { field, of_bits },
        }),
        Some(shards) if id.shard() >= shards.get() => Err(NoRoute::Shard { id, shard: of_bits }),
        _ => Ok(Route {
            shard: of_bits,
            rule: Rule::Bits(field),
        }),
    }
}

fn route_of_value(
    key: &str,
    kind: &Arc<ColumnKind>,
    scope: &RouteScope<'_>,
    computed: Option<&ServerAnswer>,
) -> Result<Route, NoRoute> {
    let value = match &kind.rule {
        RoutingRule::Server(ServerRule::Lookup(_)) => {
            let shard = listed(&kind.name, scope, computed)?;
            let (kind, divisor) = (Arc::clone(kind), None);
            let rule = Rule::Column { kind, divisor };
            return Ok(Route { shard, rule });
        }
        RoutingRule::Hash { hash, .. } => HashValue::Unsigned(hash.of(key)),
        RoutingRule::Number(_) => whole_number(key).ok_or(NoRoute::NotANumber)?,
        RoutingRule::Bits(layout) => {
            let id = Id::new(key, *layout).map_err(|_| NoRoute::NotANumber)?;
            if !id.is_credible(scope.now) {
                return Err(NoRoute::Time(id));
            }
            HashValue::Unsigned(id.shard().into())
        }
        RoutingRule::Server(_) => {
            let computed = computed.ok_or_else(|| NoRoute::NeedsServer(kind.name.clone()))?;
            let number = computed.as_deref().unwrap_or("NULL");
            number_of(number).ok_or_else(|| NoRoute::NotAShardNumber {
                rule: kind.rule.describe(None),
                number: number.to_owned(),
            })?
        }
    };
    let numbering = scope.numbering()?;
    let buckets = kind.rule.buckets();
    let divisor = buckets.and_then(|buckets| buckets.divisor(scope.shards));
    let is_counted = buckets.is_some_and(|buckets| buckets.modulo == Modulo::ShardCount);
    if is_counted && divisor.is_none() {
        return Err(NoRoute::ShardCountUnknown);
    }
    let number = match buckets {
        Some(buckets) => buckets.shard(value, divisor),
        None => value.number(),
    };
    let number = number.ok_or_else(|| NoRoute::NotAShardNumber {
        rule: kind.rule.describe(divisor),
        number: value.to_string(),
    })?;
    Ok(Route {
        shard: numbering.shard(number),
        rule: Rule::Column {
            kind: Arc::clone(kind),
            divisor,
        },
    })
}

fn route_of_listed(
    kind: &Arc<ListedKind>,
    scope: &RouteScope<'_>,
    computed: Option<&ServerAnswer>,
) -> Result<Route, NoRoute> {
    Ok(Route {
        shard: listed(&kind.name, scope, computed)?,
        rule: Rule::Listed(Arc::clone(kind)),
    })
}

/// The shard whose schema a lookup gave.
fn listed(
    kind: &str,
    scope: &RouteScope<'_>,
    computed: Option<&ServerAnswer>,
) -> Result<Shard, NoRoute> {
    let computed = computed.ok_or_else(|| NoRoute::NeedsServer(kind.to_owned()))?;
    let schema = computed.as_deref();
    let schema = schema.ok_or_else(|| NoRoute::NotListed(kind.to_owned()))?;
    let shard = scope.layout.shard(schema);
    shard.ok_or_else(|| NoRoute::NotAShard(schema.to_owned()))
}

/// A key that is a whole number.
pub fn whole_number(key: &str) -> Option<HashValue> {
    let number: i64 = key.parse().ok()?;
    Some(HashValue::Signed(number.into()))
}

/// A number that the server computed: a `numeric` may have zeros behind the point.
pub fn number_of(text: &str) -> Option<HashValue> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    };
    whole.parse().ok().map(HashValue::Signed)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(name) | Self::Account(name) => f.write_str(name),
            Self::Id(id) => id.fmt(f),
            Self::Value { text, .. } | Self::Listed { text, .. } => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::routing::buckets::Buckets;
    use crate::sharding::routing::hash::Hash;
    use crate::sharding::routing::id_layout::IdLayout;
    use crate::sharding::routing::key_kinds::KeyKinds;
    use crate::sharding::routing::server_rule::{KeySql, PostgresHash};

    const ONE: Option<NonZeroU32> = Some(NonZeroU32::MIN);
    const MANY: Option<NonZeroU32> = NonZeroU32::new(128);

    fn routed(
        key: &Key,
        shards: Option<NonZeroU32>,
        computed: Option<&ServerAnswer>,
    ) -> Result<Route, NoRoute> {
        let scope = RouteScope {
            layout: &Layout::default(),
            shards,
            now: Timestamp::now(),
        };
        key.route(&scope, computed)
    }

    fn route(text: &str, shards: Option<NonZeroU32>) -> Result<Route, NoRoute> {
        let kinds = KeyKinds::default();
        let key = Key::new(text, kinds.guess(text).unwrap()).unwrap();
        routed(&key, shards, None)
    }

    fn value(text: &str, rule: RoutingRule) -> Key {
        let kind = ColumnKind {
            name: "tenant".to_owned(),
            column: "accounts.name".parse().unwrap(),
            rule,
        };
        Key::new(text, &KeyKind::Column(Arc::new(kind))).unwrap()
    }

    fn buckets(modulo: Option<u32>, offset: u32) -> Buckets {
        let modulo = modulo.map_or(Modulo::ShardCount, |modulo| {
            Modulo::By(NonZeroU32::new(modulo).unwrap())
        });
        Buckets { modulo, offset }
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
            assert_eq!(route.shard, Shard::new(30));
            assert_eq!(route.rule, Rule::Bits(IdLayout::HABITAT.shard));
        }
    }

    #[test]
    fn a_number_that_is_no_id_has_no_route() {
        assert!(matches!(route("12345", MANY), Err(NoRoute::Time(_))));
        assert!(matches!(route("12345", ONE), Err(NoRoute::Time(_))));
        let error = route("721096797631602718", NonZeroU32::new(30)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "not a Habitat id of this database: its low 13 bits say shard_30, which does not exist"
        );
    }

    #[test]
    fn one_shard_holds_every_key() {
        for text in ["core", "721096797631602718", "721096797631602688"] {
            assert_eq!(route(text, ONE).unwrap().shard, Shard::new(0));
        }
    }

    #[test]
    fn a_values_rule_says_its_hash_modulus_and_offset() {
        let (hash, buckets) = (Hash::Crc32, buckets(Some(64), 1));
        let key = value("123456789", RoutingRule::Hash { hash, buckets });
        let route = routed(&key, None, None).unwrap();
        assert_eq!(route.shard, Shard::new(0xcbf4_3926 % 64 + 1));
        assert_eq!(
            route.rule.to_string(),
            "CRC-32 of the key, modulo 64, plus 1"
        );
        let whole = value("-1", RoutingRule::Number(buckets));
        assert_eq!(routed(&whole, None, None).unwrap().shard, Shard::new(64));
        let text = value("acme", RoutingRule::Number(buckets));
        assert_eq!(routed(&text, None, None), Err(NoRoute::NotANumber));
    }

    #[test]
    fn what_the_server_computes_needs_the_server() {
        let hash = ServerRule::Hash {
            hash: PostgresHash::Index,
            buckets: buckets(None, 0),
        };
        let key = value("acme", RoutingRule::Server(hash));
        let computed = Some("-7".to_owned());
        let route = routed(&key, MANY, Some(&computed)).unwrap();
        assert_eq!(route.shard, Shard::new(121));
        let error = routed(&key, MANY, None).unwrap_err();
        assert_eq!(error, NoRoute::NeedsServer("tenant".to_owned()));
        let null = routed(&key, MANY, Some(&None)).unwrap_err();
        assert!(matches!(null, NoRoute::NotAShardNumber { .. }));
    }

    #[test]
    fn a_lookup_gives_a_schema_that_must_be_a_shard() {
        let query = KeySql::new("SELECT s FROM d WHERE n = $1").unwrap();
        let kind = ListedKind {
            name: "domain".to_owned(),
            rule: ServerRule::Lookup(query),
        };
        let key = Key::new("acme", &KeyKind::Listed(Arc::new(kind))).unwrap();
        let of = |schema: Option<&str>| routed(&key, MANY, Some(&schema.map(str::to_owned)));
        assert_eq!(of(Some("shard_3")).unwrap().shard, Shard::new(3));
        assert_eq!(of(None), Err(NoRoute::NotListed("domain".to_owned())));
        let error = NoRoute::NotAShard("public".to_owned());
        assert_eq!(of(Some("public")), Err(error));
    }
}
