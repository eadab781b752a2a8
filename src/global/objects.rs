//! The kinds of objects that Postgres looks up by a name in a string (`'origins'::regclass`), and
//! which of them the shards contain.

use std::collections::BTreeSet;

use tokio_postgres::SimpleQueryRow;

/// A bit set of object kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Kinds(u8);

impl Kinds {
    pub const NONE: Self = Self(0);
    pub const RELATION: Self = Self(1);
    pub const TYPE: Self = Self(2);
    const FUNCTION: Self = Self(4);
    const OPERATOR: Self = Self(8);
    const COLLATION: Self = Self(16);
    const TEXT_SEARCH: Self = Self(32);
    pub const ANY: Self = Self(63);
    /// SQL that is executed, and can name anything.
    pub const SQL: Self = Self(64);

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    /// The kinds of object that constants of this type name; `NONE` for most types.
    pub fn of_type(name: &str) -> Self {
        match name {
            "regclass" => Self::RELATION,
            "regtype" => Self::TYPE,
            "regproc" => Self::FUNCTION,
            "regprocedure" => Self::FUNCTION.and(Self::TYPE),
            "regoper" => Self::OPERATOR,
            "regoperator" => Self::OPERATOR.and(Self::TYPE),
            "regcollation" => Self::COLLATION,
            "regconfig" | "regdictionary" => Self::TEXT_SEARCH,
            _ => Self::NONE,
        }
    }

    /// Parses the comma-separated kinds that the SQL returns.
    pub(super) fn called(list: &str) -> Self {
        let one = |kind: &str| match kind {
            "relation" => Self::RELATION,
            "type" => Self::TYPE,
            "function" => Self::FUNCTION,
            "operator" => Self::OPERATOR,
            "collation" => Self::COLLATION,
            "text search" => Self::TEXT_SEARCH,
            "any" => Self::ANY,
            _ => Self::NONE,
        };
        list.split(',').map(one).fold(Self::NONE, Self::and)
    }
}

/// The shards' objects whose names occur in string constants.
#[derive(Debug, Clone, Default)]
pub struct Objects(BTreeSet<(Kinds, String)>);

impl Objects {
    /// From the rows of `sql/global/objects.sql`.
    pub fn of(rows: &[&SimpleQueryRow]) -> Self {
        let found = rows.iter().filter_map(|row| {
            let (kind, name) = (row.get(0)?, row.get(1)?);
            Some((Kinds::called(kind), name.to_owned()))
        });
        Self(found.collect())
    }

    #[cfg(test)]
    pub fn with(objects: &[(Kinds, &str)]) -> Self {
        let owned = |(kind, name): &(Kinds, &str)| (*kind, (*name).to_owned());
        Self(objects.iter().map(owned).collect())
    }

    /// Whether a shard has an object of that name, of any of these kinds.
    pub fn has(&self, kinds: Kinds, name: &str) -> bool {
        let all = (0..8).map(|bit| Kinds(1 << bit));
        all.filter(|kind| kinds.has(*kind))
            .any(|kind| self.0.contains(&(kind, name.to_owned())))
    }
}
