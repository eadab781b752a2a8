//! Reads the kinds of keys of a profile: its tables `[NAME.keys.KIND]`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ProfileError;
use super::error::{Fault, KeyFault};
use super::reader::Reader;
use crate::pg::column_name::ColumnName;
use crate::sharding::routing::buckets::{Buckets, Modulo};
use crate::sharding::routing::hash::Hash;
use crate::sharding::routing::id_layout::{BitField, IdLayout, TimeField};
use crate::sharding::routing::key_kind::{ColumnKind, KeyKind, ListedKind, RoutingRule};
use crate::sharding::routing::server_rule::{KeySql, PostgresHash, ServerRule};

const KEYS: [&str; 7] = ["hash", "sql", "lookup", "id", "modulo", "offset", "in"];
const ID_KEYS: [&str; 3] = ["shard", "time", "sequence"];
const HASHES: &str = "fnv1a64, crc32, murmur3, md5, postgres, postgres-partition or none";

/// A kind as written.
#[derive(Default)]
struct Draft {
    /// At most one of the four ways is allowed.
    rules: Vec<(&'static str, Written)>,
    modulo: Option<NonZeroU32>,
    offset: Option<u32>,
    column: Option<ColumnName>,
}

enum Written {
    Hash(HashName),
    Sql(KeySql),
    Lookup(KeySql),
    Id(IdLayout),
}

#[derive(Clone, Copy)]
enum HashName {
    Here(Hash),
    Server(PostgresHash),
    None,
}

impl Reader<'_> {
    pub fn key_kinds(
        &self,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<BTreeMap<String, KeyKind>, ProfileError> {
        let mut kinds = BTreeMap::new();
        for (name, kind) in self.table("keys", value)? {
            let name = name.get_ref().clone().into_owned();
            let table = self.table("keys", kind)?;
            let read = self.key_kind(&name, table, &kind.span())?;
            kinds.insert(name, read);
        }
        Ok(kinds)
    }

    fn key_kind(
        &self,
        name: &str,
        table: &DeTable<'_>,
        at: &Range<usize>,
    ) -> Result<KeyKind, ProfileError> {
        let mut draft = Draft::default();
        for (key, value) in table {
            let fault = |fault| self.at(&value.span(), key_fault(name, fault));
            let known = KEYS.iter().find(|known| key.get_ref() == *known);
            let Some(&key) = known else {
                return Err(self.unknown(key, KEYS.into_iter()));
            };
            let sql = || {
                let text = self.text(key, value)?;
                KeySql::new(&text).map_err(|error| fault(error.into()))
            };
            match key {
                "hash" => {
                    let hash = hash(&self.text(key, value)?);
                    let hash = hash.ok_or_else(|| self.wrong(key, value, HASHES))?;
                    draft.rules.push((key, Written::Hash(hash)));
                }
                "sql" => draft.rules.push((key, Written::Sql(sql()?))),
                "lookup" => draft.rules.push((key, Written::Lookup(sql()?))),
                "id" => draft.rules.push((key, Written::Id(self.id(name, value)?))),
                "modulo" => {
                    let number = NonZeroU32::new(self.parsed(key, value)?);
                    let wrong = || self.wrong(key, value, "a whole number from 1");
                    draft.modulo = Some(number.ok_or_else(wrong)?);
                }
                "offset" => draft.offset = Some(self.parsed(key, value)?),
                _ => {
                    let column = self.text(key, value)?.parse();
                    draft.column = Some(column.map_err(|error| fault(KeyFault::Column(error)))?);
                }
            }
        }
        let kind = draft.kind(name);
        kind.map_err(|fault| self.at(at, key_fault(name, fault)))
    }

    fn id(&self, kind: &str, value: &Spanned<DeValue<'_>>) -> Result<IdLayout, ProfileError> {
        let (mut shard, mut time, mut sequence) = (None, None, None);
        for (key, field) in self.table("id", value)? {
            let known = ID_KEYS.iter().find(|known| key.get_ref() == *known);
            match known.copied() {
                Some(key @ "time") => {
                    let [shift, epoch] = self.numbers(key, field, ["shift", "epoch"])?;
                    let shift = u8::try_from(shift).ok().filter(|shift| *shift < 63);
                    time = Some(TimeField {
                        shift: shift.ok_or_else(|| self.bits(kind, field))?,
                        epoch,
                        earliest: TimeField::EARLIEST,
                    });
                }
                Some(key) => {
                    let numbers = self.numbers(key, field, ["bits", "shift"])?;
                    let [Ok(bits), Ok(shift)] = numbers.map(u8::try_from) else {
                        return Err(self.bits(kind, field));
                    };
                    let bits = BitField::new(bits, shift);
                    let bits = bits.map_err(|_| self.bits(kind, field))?;
                    let which = if key == "shard" {
                        &mut shard
                    } else {
                        &mut sequence
                    };
                    *which = Some(bits);
                }
                None => return Err(self.unknown(key, ID_KEYS.into_iter())),
            }
        }
        let no_shard = || self.at(&value.span(), key_fault(kind, KeyFault::NoShardBits));
        Ok(IdLayout {
            shard: shard.ok_or_else(no_shard)?,
            time,
            sequence,
        })
    }

    fn bits(&self, kind: &str, value: &Spanned<DeValue<'_>>) -> ProfileError {
        self.at(&value.span(), key_fault(kind, KeyFault::Bits))
    }

    /// The numbers of an inline table, each of which must be there.
    fn numbers(
        &self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
        names: [&'static str; 2],
    ) -> Result<[i64; 2], ProfileError> {
        let mut numbers = [None; 2];
        for (name, number) in self.table(key, value)? {
            let place = names.iter().position(|known| name.get_ref() == known);
            let Some(place) = place else {
                return Err(self.unknown(name, names.into_iter()));
            };
            let number = self.parsed(key, number)?;
            if let Some(slot) = numbers.get_mut(place) {
                *slot = Some(number);
            }
        }
        let [Some(one), Some(other)] = numbers else {
            let expected = match key {
                "time" => "a table of shift and epoch (milliseconds since 1970)",
                _ => "a table of bits and shift",
            };
            return Err(self.wrong(key, value, expected));
        };
        Ok([one, other])
    }
}

fn key_fault(kind: &str, fault: KeyFault) -> Fault {
    Fault::KeyKind {
        kind: kind.to_owned(),
        fault,
    }
}

fn hash(name: &str) -> Option<HashName> {
    let here = Hash::ALL.map(|hash| (hash.name(), HashName::Here(hash)));
    let server = [PostgresHash::Index, PostgresHash::Partition];
    let server = server.map(|hash| (hash.name(), HashName::Server(hash)));
    let all = here.into_iter().chain(server);
    let mut all = all.chain([("none", HashName::None)]);
    all.find(|(known, _)| *known == name).map(|(_, hash)| hash)
}

impl Draft {
    fn kind(self, name: &str) -> Result<KeyKind, KeyFault> {
        let name = name.to_owned();
        let mut rules = self.rules.into_iter();
        let (rule, written) = match (rules.next(), rules.next()) {
            (Some(rule), None) => rule,
            (None, _) => return Err(KeyFault::NoRule),
            (Some(_), Some(_)) => return Err(KeyFault::SeveralRules),
        };
        let is_computed = matches!(written, Written::Hash(_) | Written::Sql(_));
        if !is_computed && (self.modulo.is_some() || self.offset.is_some()) {
            return Err(KeyFault::NoBuckets(rule));
        }
        let modulo = |otherwise| self.modulo.map_or(otherwise, Modulo::By);
        let buckets = |otherwise| Buckets {
            modulo: modulo(otherwise),
            offset: self.offset.unwrap_or(0),
        };
        let rule = match (written, &self.column) {
            (Written::Id(layout), None) => return Ok(KeyKind::Id { name, layout }),
            (Written::Lookup(query), None) => {
                let rule = ServerRule::Lookup(query);
                return Ok(KeyKind::Listed(Arc::new(ListedKind { name, rule })));
            }
            (Written::Id(layout), _) => RoutingRule::Bits(layout),
            (Written::Lookup(query), _) => RoutingRule::Server(ServerRule::Lookup(query)),
            (Written::Sql(expression), _) => RoutingRule::Server(ServerRule::Sql {
                expression,
                buckets: buckets(Modulo::None),
            }),
            (Written::Hash(HashName::None), _) => RoutingRule::Number(buckets(Modulo::None)),
            (Written::Hash(HashName::Here(hash)), _) => RoutingRule::Hash {
                hash,
                buckets: buckets(Modulo::ShardCount),
            },
            (Written::Hash(HashName::Server(hash)), _) => RoutingRule::Server(ServerRule::Hash {
                hash,
                buckets: buckets(Modulo::ShardCount),
            }),
        };
        let column = self.column.ok_or(KeyFault::NoColumn)?;
        Ok(KeyKind::Column(Arc::new(ColumnKind { name, column, rule })))
    }
}
