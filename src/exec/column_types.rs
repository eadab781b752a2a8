//! The declared column types of every shard. Shards may agree on a type but not on its length or
//! precision, and each may have its own enum.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use tokio_postgres::types::Oid;

use crate::pg::row_batch::Column;
use crate::sharding::database::Database;
use crate::sharding::shard::Shard;

/// A type with the declared length or precision: the arguments of `format_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeclaredType {
    pub oid: Oid,
    pub modifier: i32,
}

impl From<&Column> for DeclaredType {
    fn from(column: &Column) -> Self {
        Self {
            oid: column.type_oid,
            modifier: column.modifier,
        }
    }
}

/// `1700:655366`
impl fmt::Display for DeclaredType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.oid, self.modifier)
    }
}

impl FromStr for DeclaredType {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (oid, modifier) = text.split_once(':').unwrap_or((text, ""));
        Ok(Self {
            oid: oid.parse()?,
            modifier: modifier.parse()?,
        })
    }
}

/// The columns of a result and their types in every shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnTypes {
    names: Vec<String>,
    /// A single entry unless shards differ: one list per shard would be as long as the result of a
    /// small query.
    shards: BTreeMap<Vec<DeclaredType>, BTreeSet<Shard>>,
}

impl ColumnTypes {
    /// From the contents of a manifest.
    pub fn recorded(
        names: Vec<String>,
        lists: impl IntoIterator<Item = (Vec<DeclaredType>, BTreeSet<Shard>)>,
    ) -> Self {
        let lists = lists.into_iter();
        Self {
            names,
            shards: lists.filter(|(_, shards)| !shards.is_empty()).collect(),
        }
    }

    /// With these shards for those of the same names: a manifest knows no more of a shard than its
    /// name, but types are those of its database.
    #[must_use]
    pub fn of_shards(self, shards: &[Shard]) -> Self {
        let named: HashMap<_, _> = shards.iter().map(|shard| (shard.name(), *shard)).collect();
        let known = |shard: Shard| named.get(shard.name()).copied().unwrap_or(shard);
        let lists = self.shards.into_iter();
        let lists = lists.map(|(types, of)| (types, of.into_iter().map(known).collect()));
        Self {
            names: self.names,
            shards: lists.collect(),
        }
    }

    /// Adds a shard, replacing what an earlier attempt reported.
    pub fn add(&mut self, shard: Shard, columns: &[Column]) {
        if self.names.is_empty() {
            self.names = columns.iter().map(|column| column.name.clone()).collect();
        }
        for shards in self.shards.values_mut() {
            shards.remove(&shard);
        }
        let types = columns.iter().map(DeclaredType::from).collect();
        self.shards.entry(types).or_default().insert(shard);
        self.shards.retain(|_, shards| !shards.is_empty());
    }

    /// Removes shards whose rows are not in the result.
    pub fn retain(&mut self, is_in: impl Fn(Shard) -> bool) {
        self.shards.retain(|_, shards| {
            shards.retain(|shard| is_in(*shard));
            !shards.is_empty()
        });
    }

    pub fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Every type of any column in any shard.
    pub fn distinct(&self) -> BTreeSet<DeclaredType> {
        self.shards.keys().flatten().copied().collect()
    }

    /// Of the shards in this database.
    #[must_use]
    pub fn in_database(&self, database: Option<Database>) -> Self {
        let mut types = self.clone();
        types.retain(|shard| shard.database() == database);
        types
    }

    /// The types that shards declare for a column, with the shards of each.
    pub fn of_column(&self, index: usize) -> BTreeMap<DeclaredType, BTreeSet<Shard>> {
        let mut types: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (list, shards) in &self.shards {
            if let Some(declared) = list.get(index) {
                types.entry(*declared).or_default().extend(shards);
            }
        }
        types
    }

    /// Groups of shards with the same list of column types.
    pub fn lists(&self) -> impl Iterator<Item = (&[DeclaredType], &BTreeSet<Shard>)> {
        self.shards
            .iter()
            .map(|(types, shards)| (types.as_slice(), shards))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(modifier: i32) -> Vec<Column> {
        vec![Column {
            name: "price".to_owned(),
            type_oid: 1700,
            modifier,
        }]
    }

    #[test]
    fn a_shard_that_is_asked_again_counts_as_it_says_last() {
        let mut types = ColumnTypes::default();
        types.add(Shard::new(1), &numeric(1));
        types.add(Shard::new(2), &numeric(2));
        types.add(Shard::new(1), &numeric(2));
        let only = DeclaredType {
            oid: 1700,
            modifier: 2,
        };
        let both = BTreeSet::from([Shard::new(1), Shard::new(2)]);
        assert_eq!(types.of_column(0), BTreeMap::from([(only, both)]));
        assert_eq!(types.distinct(), BTreeSet::from([only]));

        types.retain(|shard| shard == Shard::new(2));
        assert_eq!(types.of_column(0)[&only], BTreeSet::from([Shard::new(2)]));
    }
}
