//! Whether a table is the same in every shard, and its shape over all shards. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::drift::{Needed, unite};
use super::schema_diff::{DriftEntry, SchemaDifference};
use super::table::Table;
use super::united::UnitedTables;
use crate::global::relation::{InheritedTable, Relation};
use crate::sharding::shard::Shard;

/// The tables that a statement may read, each assembled from its shards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    pub tables: Vec<Table>,
    /// The shards to query, ascending.
    pub shards: Vec<Shard>,
    /// Why shards were skipped (`--skip-missing`).
    pub drift: Vec<DriftEntry>,
    /// Names of views and sequences in the shards.
    pub views: BTreeSet<String>,
    /// Names of tables that exist only in shards that are not queried.
    pub elsewhere: BTreeSet<String>,
    pub shard_column: ShardColumn,
    /// Those that a hub has.
    pub united: UnitedTables,
    pub joined: Colocation,
    pub float_sums: FloatAggregation,
}

/// Whether the statement names the column `shard`: if so, every sharded table gets one, except
/// those with a column of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShardColumn {
    #[default]
    NotNamed,
    Named,
}

/// Whether rows that a statement joins are in the same shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colocation {
    /// Rows may be in different shards.
    #[default]
    Unknown,
    /// The user asserts it (`--colocated`).
    Asserted,
    /// Each joining id occurs in one shard only.
    Proven,
}

/// The order in which floats are added, which affects the last digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FloatAggregation {
    /// The order of a single statement.
    #[default]
    Exact,
    /// Each shard is summed separately first (`--float-sums-in-parts`).
    AnyOrder,
}

/// What to do if shards differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSchemaDrift {
    Refuse,
    Skip,
}

impl Catalog {
    /// Assembles the tables over `chosen` from the relations `found`.
    ///
    /// `may_read` tells whether the statement may read a table of that name. Other tables may
    /// differ as they like: their names may only match a label or a column by chance.
    ///
    /// A table has the columns that all shards have, plus those that the statement is known to
    /// need.
    ///
    /// # Errors
    /// What shards lack, unless such shards are skipped.
    pub fn new(
        found: &[Relation],
        chosen: &[Shard],
        may_read: impl Fn(&str) -> bool,
        needed: &Needed,
        differing: OnSchemaDrift,
    ) -> Result<Self, Vec<DriftEntry>> {
        let mut shards = chosen.to_vec();
        let mut drift = Vec::new();
        loop {
            let (mut catalog, lost) = Self::over(found, &shards, &may_read, needed);
            shards.retain(|shard| !lost.iter().any(|it| it.shards.contains(shard)));
            let is_done = lost.is_empty();
            drift.extend(lost);
            if differing == OnSchemaDrift::Refuse {
                // Taking every column includes those that only a few shards have.
                let whole = catalog.tables.iter().filter(|it| it.need.every.is_some());
                drift.extend(whole.flat_map(|table| table.left_out.clone()));
            }
            if shards.is_empty() || differing == OnSchemaDrift::Refuse && !drift.is_empty() {
                return Err(drift);
            }
            if is_done {
                catalog.drift = drift;
                return Ok(catalog);
            }
        }
    }

    /// The catalog over these shards, and why some of them cannot take part.
    fn over(
        found: &[Relation],
        shards: &[Shard],
        may_read: impl Fn(&str) -> bool,
        needed: &Needed,
    ) -> (Self, Vec<DriftEntry>) {
        let mut by_name: BTreeMap<&str, Vec<Relation>> = BTreeMap::new();
        let mut catalog = Self {
            shards: shards.to_vec(),
            ..Self::default()
        };
        for relation in found {
            let mut here = relation.clone();
            here.shards.retain(|shard| shards.contains(shard));
            if matches!(here.kind, 'v' | 'm' | 'S') {
                catalog.views.insert(here.name);
            } else if here.shards.is_empty() {
                catalog.elsewhere.insert(here.name);
            } else {
                by_name.entry(&relation.name).or_default().push(here);
            }
        }
        let is_table = |name: &String| by_name.contains_key(name.as_str());
        catalog.views.retain(|name| !is_table(name));
        let views = &catalog.views;
        let elsewhere = &mut catalog.elsewhere;
        elsewhere.retain(|name| !is_table(name) && !views.contains(name));
        let mut lost = Vec::new();
        for (name, shapes) in by_name {
            let has = |shard: &Shard| shapes.iter().any(|it| it.shards.contains(shard));
            let without: Vec<_> = shards.iter().copied().filter(|it| !has(it)).collect();
            let united = unite(name, &shapes, needed.of(name));
            let differs =
                !(without.is_empty() && united.table.left_out.is_empty() && united.lost.is_empty());
            if differs && !may_read(name) {
                continue;
            }
            if !without.is_empty() {
                lost.push(DriftEntry {
                    table: name.to_owned(),
                    difference: SchemaDifference::NoTable,
                    shards: without,
                });
            }
            lost.extend(united.lost);
            catalog.tables.push(united.table);
        }
        (catalog, lost)
    }

    #[must_use]
    pub fn in_shard(&self, shard: Shard) -> Self {
        Self {
            shards: vec![shard],
            united: UnitedTables::new(),
            ..self.clone()
        }
    }

    /// An inherited table whose rows would be read twice.
    pub fn find_inheritance_overlap<'h>(
        &self,
        inherited: &'h [InheritedTable],
    ) -> Option<&'h InheritedTable> {
        inherited.iter().find(|heir| {
            let both = [heir.shard, heir.of];
            self.table(&heir.table).is_some() && both.iter().all(|it| self.shards.contains(it))
        })
    }

    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::global::relation::ColumnShape;
    use crate::global::table::Every;

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

    fn over_all(found: &[Relation], needed: &Needed) -> Result<Catalog, Vec<String>> {
        let catalog = Catalog::new(found, &chosen(8), |_| true, needed, OnSchemaDrift::Refuse);
        catalog.map_err(|drift| drift.iter().map(ToString::to_string).collect())
    }

    fn left_out(catalog: &Catalog) -> Vec<String> {
        let left_out = catalog.tables[0].left_out.iter();
        left_out.map(ToString::to_string).collect()
    }

    fn names(catalog: &Catalog) -> Vec<&str> {
        let columns = catalog.tables[0].columns.iter();
        columns.map(|column| column.name.as_str()).collect()
    }

    fn drifted() -> [Relation; 4] {
        [
            relation(&[("a", "text"), ("b", "bigint")], 0..5),
            relation(&[("a", "text")], [5]),
            relation(&[("a", "text"), ("b", "integer")], [6]),
            relation(&[("a", "text"), ("b", "bigint"), ("c", "text")], [7]),
        ]
    }

    fn needing(column: &str) -> Needed {
        let mut needed = Needed::default();
        needed.column("t", column);
        needed
    }

    #[test]
    fn columns_in_another_order_are_the_same_table() {
        let found = [
            relation(&[("a", "text"), ("b", "bigint")], 0..3),
            relation(&[("b", "bigint"), ("a", "text")], 3..8),
        ];
        let catalog = over_all(&found, &Needed::default()).unwrap();
        assert_eq!(left_out(&catalog), [""; 0]);
    }

    #[test]
    fn a_table_has_the_columns_that_all_shards_have_alike() {
        let catalog = over_all(&drifted(), &Needed::default()).unwrap();
        assert_eq!(names(&catalog), ["a"]);
        assert_eq!(
            left_out(&catalog),
            [
                "shard_5: \"t\" has no column \"b\"",
                "shard_6: column \"b\" of \"t\" is integer, but bigint in most shards",
                "shard_7: \"t\" has an extra column \"c\"",
            ]
        );
    }

    #[test]
    fn what_shards_lack_that_is_needed_is_said_with_the_shards() {
        assert_eq!(
            over_all(&drifted(), &needing("c")).unwrap_err(),
            ["shard_0-6: \"t\" has no column \"c\""]
        );
        let [first, ..] = drifted();
        assert_eq!(
            over_all(&[first], &Needed::default()).unwrap_err(),
            ["shard_5-7: no table \"t\""]
        );
    }

    #[test]
    fn shards_that_lack_something_can_be_left_out() {
        let chosen = chosen(9);
        let over = |needed: &Needed| {
            Catalog::new(&drifted(), &chosen, |_| true, needed, OnSchemaDrift::Skip).unwrap()
        };
        let catalog = over(&Needed::default());
        assert_eq!(catalog.shards, chosen[..8], "shard_8 has no such table");
        let catalog = over(&needing("b"));
        assert_eq!(catalog.shards, [0, 1, 2, 3, 4, 7].map(Shard::new));
        assert_eq!(names(&catalog), ["a", "b"]);
        let mut every = Needed::default();
        every.every("t", Every::Star);
        let catalog = over(&every);
        assert_eq!(catalog.shards, [0, 1, 2, 3, 4, 7].map(Shard::new));
        assert_eq!(names(&catalog), ["a", "b"], "what most lack is left out");
    }

    #[test]
    fn types_that_differ_in_a_length_or_a_precision_are_one_that_holds_both() {
        let shape = |type_name: &str, identity: &str| ColumnShape {
            identity: identity.to_owned(),
            ..column("x", type_name)
        };
        for (one, other, both) in [
            (
                shape("character varying(10)", "1043 14"),
                shape("character varying(20)", "1043 24"),
                Some(shape("character varying", "1043 -1")),
            ),
            (
                shape("numeric(10,2)[]", "1231 655366"),
                shape("numeric[]", "1231 -1"),
                Some(shape("numeric[]", "1231 -1")),
            ),
            (
                shape("timestamp(3) without time zone", "1114 3"),
                shape("timestamp without time zone", "1114 -1"),
                Some(shape("timestamp without time zone", "1114 -1")),
            ),
            (
                shape("character(3)", "1042 7"),
                shape("character(5)", "1042 9"),
                Some(shape("character(5)", "1042 9")),
            ),
            (
                shape("bpchar", "1042 -1"),
                shape("character(5)", "1042 9"),
                Some(shape("bpchar", "1042 -1")),
            ),
            (shape("bit(3)", "1560 3"), shape("bit(5)", "1560 5"), None),
            (shape("integer", "23 -1"), shape("bigint", "20 -1"), None),
            (
                shape("text", "25 -1"),
                shape("character varying", "1043 -1"),
                None,
            ),
        ] {
            assert_eq!(one.united(&other), both);
            assert_eq!(other.united(&one), both);
        }
    }

    #[test]
    fn a_table_of_shards_that_are_not_asked_is_known_as_one_of_them() {
        let found = [relation(&[("a", "text")], [9])];
        let catalog = over_all(&found, &Needed::default()).unwrap();
        assert!(catalog.tables.is_empty());
        assert!(catalog.elsewhere.contains("t"));
    }
}
