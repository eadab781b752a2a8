//! A relation as some shards have it, and its columns. `catalog` combines them into one table.

use crate::exec::type_names::FIRST_USER_OID;
use crate::sharding::shard::Shard;

/// One relation, with the shards that have it in this form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub name: String,
    /// `pg_class.relkind`.
    pub kind: char,
    pub columns: Vec<ColumnShape>,
    /// Ascending.
    pub shards: Vec<Shard>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnShape {
    pub name: String,
    /// For display.
    pub type_name: String,
    /// The type: its oid and modifier, or the definition of a type that lives in the shard.
    pub identity: String,
    pub collation: String,
}

impl ColumnShape {
    /// Whether each shard has its own type of this definition.
    pub fn has_shard_local_type(&self) -> bool {
        self.identity.starts_with(|c: char| !c.is_ascii_digit())
    }

    pub fn is_builtin(&self) -> bool {
        let oid = self.identity.split(' ').next().unwrap_or_default();
        oid.parse::<u32>().is_ok_and(|oid| oid < FIRST_USER_OID)
    }

    /// Whether its collation differs from that of its domain, which each shard defines for itself.
    /// Cast to another shard's domain, the values would take the domain's collation.
    pub fn overrides_domain_collation(&self) -> bool {
        let of_domain = self
            .identity
            .strip_prefix("domain ")
            .and_then(|definition| {
                let definition: Vec<serde_json::Value> = serde_json::from_str(definition).ok()?;
                definition.get(3)?.as_str().map(str::to_owned)
            });
        of_domain.is_some_and(|collation| collation != self.collation)
    }

    /// For display: the catalog calls `mood[]` `_mood`.
    pub fn shown_type(&self) -> String {
        match self.type_name.strip_prefix('_') {
            Some(element) if self.has_shard_local_type() => format!("{element}[]"),
            _ => self.type_name.clone(),
        }
    }

    /// Its type's oid and modifier; `None` if each shard has its own type.
    fn type_and_modifier(&self) -> Option<(u32, i32)> {
        let (oid, modifier) = self.identity.split_once(' ')?;
        Some((oid.parse().ok()?, modifier.parse().ok()?))
    }

    /// The length of a `char(n)` or of an array of them, with the array suffix. Values are padded
    /// to the longest length of all shards.
    pub(super) fn padded_to(&self) -> Option<(i32, &'static str)> {
        match self.type_and_modifier()? {
            (BPCHAR, modifier) if modifier >= 0 => Some((modifier - 4, "")),
            (BPCHARS, modifier) if modifier >= 0 => Some((modifier - 4, "[]")),
            _ => None,
        }
    }

    /// The column in a type that holds the values of both; `None` if they differ in more than a
    /// length or a precision.
    pub(super) fn united(&self, other: &Self) -> Option<Self> {
        if self.collation != other.collation {
            return None;
        }
        if self.identity == other.identity && self.type_name == other.type_name {
            return Some(self.clone());
        }
        let (oid, mine) = self.type_and_modifier()?;
        let (other_oid, theirs) = other.type_and_modifier()?;
        if oid != other_oid || [BIT, BITS].contains(&oid) {
            return None;
        }
        if [BPCHAR, BPCHARS].contains(&oid) {
            let longer = theirs < 0 || mine >= 0 && theirs > mine;
            return Some(if longer { other } else { self }.clone());
        }
        Some(Self {
            type_name: without_modifier(&self.type_name),
            identity: format!("{oid} -1"),
            ..self.clone()
        })
    }
}

/// Types whose values have a fixed length, so that different lengths cannot be united.
const BIT: u32 = 1560;

const BITS: u32 = 1561;

const BPCHAR: u32 = 1042;

const BPCHARS: u32 = 1014;

/// `timestamp(3) without time zone` becomes `timestamp without time zone`.
fn without_modifier(type_name: &str) -> String {
    match (type_name.find('('), type_name.find(')')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}{}", &type_name[..open], &type_name[close + 1..])
        }
        _ => type_name.to_owned(),
    }
}

/// A shard's table that shares rows with another shard's table of the same name: it inherits from
/// it, or a third table inherits from both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InheritedTable {
    pub table: String,
    pub shard: Shard,
    pub of: Shard,
}
