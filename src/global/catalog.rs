//! Whether a table is the same table in every shard, and what it looks like as
//! one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::deviation::{Deviation, Difference, differences};
use super::names::SHARD;
use crate::shard::Shard;
use crate::types::FIRST_USER_OID;

/// One relation as it is in some shards.
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
    /// As people read it.
    pub type_name: String,
    /// What the type is: an oid, or the definition of one that lives in the shard.
    pub identity: String,
    pub collation: String,
}

impl ColumnShape {
    /// Whether each shard has its own type of this definition.
    pub fn is_of_shard(&self) -> bool {
        self.identity.starts_with(|c: char| !c.is_ascii_digit())
    }

    /// Whether its type is one that Postgres brings along.
    pub fn is_builtin(&self) -> bool {
        let oid = self.identity.split(' ').next().unwrap_or_default();
        oid.parse::<u32>().is_ok_and(|oid| oid < FIRST_USER_OID)
    }

    /// Whether its collation is another than that of its domain, of which every shard
    /// has its own. Cast to another shard's, its values would take the domain's.
    pub fn is_collated_otherwise(&self) -> bool {
        let of_domain = self
            .identity
            .strip_prefix("domain ")
            .and_then(|definition| {
                let definition: Vec<serde_json::Value> = serde_json::from_str(definition).ok()?;
                definition.get(3)?.as_str().map(str::to_owned)
            });
        of_domain.is_some_and(|collation| collation != self.collation)
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.type_name == other.type_name
            && self.identity == other.identity
            && self.collation == other.collation
    }
}

/// A shard's table that has rows in common with another shard's of the same name: it
/// inherits from it, or a third one from both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heir {
    pub table: String,
    pub shard: Shard,
    pub of: Shard,
}

/// A table over all shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<ColumnShape>,
}

impl Table {
    /// Then it has no other of that name.
    pub fn has_own_shard_column(&self) -> bool {
        self.columns.iter().any(|column| column.name == SHARD)
    }
}

/// The tables that a statement may read, put together from its shards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    pub tables: Vec<Table>,
    /// The shards that are asked, ascending.
    pub shards: Vec<Shard>,
    /// What was left out (`--skip-missing`).
    pub deviations: Vec<Deviation>,
    /// Views and sequences of the shards: names.
    pub views: BTreeSet<String>,
    /// Tables that only shards have that are not asked: names.
    pub elsewhere: BTreeSet<String>,
    pub shard_column: ShardColumn,
    pub joined: Joined,
    pub float_sums: FloatSums,
}

/// Whether the statement names the column `shard`: then every sharded table has it,
/// but those that have their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShardColumn {
    #[default]
    NotNamed,
    Named,
}

/// Where rows are that a statement joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Joined {
    /// Not known: in different shards perhaps.
    #[default]
    Anywhere,
    /// In the same shard, as who asks states (`--colocated`).
    Stated,
    /// In the same shard: the ids that join them are of one shard each.
    Proved,
}

/// In which order floats are added up, of which their last digits depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FloatSums {
    /// As Postgres does in one statement.
    #[default]
    InOne,
    /// Each shard's by themselves first (`--float-sums-in-parts`).
    InParts,
}

/// What to do where shards differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differing {
    Refuse,
    Skip,
}

impl Catalog {
    /// Puts together what was found. `may_read` tells whether the statement may read
    /// a table of a name, and `mentioned` whether it names a column.
    ///
    /// What it does not read may have the name of a label or a column by chance, and
    /// may differ as it likes.
    ///
    /// A table's columns are those that most shards have (of equally many the one
    /// with the lowest shard), and whatever else of it the statement names.
    ///
    /// # Errors
    /// The differences between the shards, unless they are to be skipped.
    pub fn new(
        found: &[Relation],
        chosen: &[Shard],
        may_read: impl Fn(&str) -> bool,
        mentioned: impl Fn(&str) -> bool,
        differing: Differing,
    ) -> Result<Self, Vec<Deviation>> {
        let mut by_name: BTreeMap<&str, Vec<Relation>> = BTreeMap::new();
        let (mut views, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
        for relation in found {
            let mut here = relation.clone();
            here.shards.retain(|shard| chosen.contains(shard));
            if matches!(here.kind, 'v' | 'm' | 'S') {
                views.insert(here.name);
            } else if here.shards.is_empty() {
                elsewhere.insert(here.name);
            } else {
                by_name.entry(&relation.name).or_default().push(here);
            }
        }
        views.retain(|name| !by_name.contains_key(name.as_str()));
        elsewhere.retain(|name| !by_name.contains_key(name.as_str()) && !views.contains(name));
        let mut tables = Vec::new();
        let mut deviations = Vec::new();
        for (name, shapes) in by_name {
            let table = reference(name, &shapes, &mentioned);
            let differing = differences(&table, &shapes, chosen);
            if differing.is_empty() || may_read(name) {
                deviations.extend(differing);
                tables.push(table);
            }
        }
        if differing == Differing::Refuse && !deviations.is_empty() {
            return Err(deviations);
        }
        let lacking = |shard: &Shard| {
            deviations.iter().any(|deviation| {
                !matches!(deviation.difference, Difference::More(_))
                    && deviation.shards.contains(shard)
            })
        };
        let shards: Vec<_> = chosen.iter().copied().filter(|s| !lacking(s)).collect();
        if shards.is_empty() {
            return Err(deviations);
        }
        Ok(Self {
            tables,
            shards,
            deviations,
            views,
            elsewhere,
            shard_column: ShardColumn::default(),
            joined: Joined::default(),
            float_sums: FloatSums::default(),
        })
    }

    /// The same tables in one shard alone.
    #[must_use]
    pub fn in_shard(&self, shard: Shard) -> Self {
        Self {
            shards: vec![shard],
            ..self.clone()
        }
    }

    /// One whose rows would be read twice.
    pub fn read_twice<'h>(&self, heirs: &'h [Heir]) -> Option<&'h Heir> {
        heirs.iter().find(|heir| {
            let both = [heir.shard, heir.of];
            self.table(&heir.table).is_some() && both.iter().all(|it| self.shards.contains(it))
        })
    }

    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

fn reference(name: &str, shapes: &[Relation], mentioned: impl Fn(&str) -> bool) -> Table {
    let most = shapes
        .iter()
        .max_by_key(|shape| (shape.shards.len(), std::cmp::Reverse(shape.shards[0])));
    let mut columns = most.map(|shape| shape.columns.clone()).unwrap_or_default();
    for other in shapes.iter().flat_map(|shape| &shape.columns) {
        if mentioned(&other.name) && columns.iter().all(|known| known.name != other.name) {
            columns.push(other.clone());
        }
    }
    Table {
        name: name.to_owned(),
        columns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, type_name: &str) -> ColumnShape {
        ColumnShape {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            identity: "20".to_owned(),
            collation: "0".to_owned(),
        }
    }

    fn relation(columns: &[(&str, &str)], shards: impl IntoIterator<Item = u32>) -> Relation {
        Relation {
            name: "t".to_owned(),
            kind: 'r',
            columns: columns.iter().map(|(n, t)| column(n, t)).collect(),
            shards: shards.into_iter().map(Shard::new).collect(),
        }
    }

    fn chosen(count: u32) -> Vec<Shard> {
        (0..count).map(Shard::new).collect()
    }

    fn said(found: &[Relation], mentioned: &[&str]) -> Vec<String> {
        let mentioned = |name: &str| mentioned.contains(&name);
        match Catalog::new(found, &chosen(8), |_| true, mentioned, Differing::Refuse) {
            Ok(_) => Vec::new(),
            Err(deviations) => deviations.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn columns_in_another_order_are_the_same_table() {
        let found = [
            relation(&[("a", "text"), ("b", "bigint")], 0..3),
            relation(&[("b", "bigint"), ("a", "text")], 3..8),
        ];
        assert_eq!(said(&found, &[]), Vec::<String>::new());
    }

    #[test]
    fn what_shards_lack_or_have_otherwise_is_said_with_the_shards() {
        let found = [
            relation(&[("a", "text"), ("b", "bigint")], 0..4),
            relation(&[("a", "text")], [4]),
            relation(&[("a", "text"), ("b", "integer")], [5]),
            relation(&[("a", "text"), ("b", "bigint"), ("c", "text")], [6]),
        ];
        assert_eq!(
            said(&found, &[]),
            [
                "shard_7: no table \"t\"",
                "shard_4: \"t\" has no column \"b\"",
                "shard_5: column \"b\" of \"t\" is integer, but in most shards bigint",
                "shard_6: \"t\" has a column \"c\", which most shards lack",
            ]
        );
        assert!(
            said(&found, &["c"]).contains(&"shard_0-5: \"t\" has no column \"c\"".to_owned()),
            "a column that the statement names is one that all should have"
        );
    }

    #[test]
    fn shards_that_lack_something_can_be_left_out() {
        let found = [
            relation(&[("a", "text"), ("b", "bigint")], 0..4),
            relation(&[("a", "text")], [4]),
            relation(&[("a", "text"), ("b", "bigint"), ("c", "text")], [6]),
        ];
        let catalog =
            Catalog::new(&found, &chosen(8), |_| true, |_| false, Differing::Skip).unwrap();
        assert_eq!(catalog.shards, [0, 1, 2, 3, 6].map(Shard::new));
        assert_eq!(
            catalog.tables[0].columns.len(),
            2,
            "what most lack is left out"
        );
    }

    #[test]
    fn a_table_of_shards_that_are_not_asked_is_known_as_one_of_them() {
        let found = [relation(&[("a", "text")], [9])];
        let catalog =
            Catalog::new(&found, &chosen(8), |_| true, |_| true, Differing::Refuse).unwrap();
        assert!(catalog.tables.is_empty());
        assert!(catalog.elsewhere.contains("t"));
    }
}
