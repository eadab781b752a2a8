//! Which columns of a table are the same in all shards, and which are not. Pure.
//!
//! A column that is missing in some shards, or that cannot be read as one type, is left out of the
//! table over all shards. `need.rs` then finds out whether the statement can do without it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::relation::{ColumnShape, Relation};
use super::schema_diff::{DriftEntry, SchemaDifference, described};
use super::table::{Every, Need, Table};
use crate::sharding::shard::Shard;

/// What a statement needs from the tables that differ between shards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed(BTreeMap<String, Need>);

impl Needed {
    pub fn of(&self, table: &str) -> Need {
        self.0.get(table).cloned().unwrap_or_default()
    }

    pub fn column(&mut self, table: &str, column: &str) {
        let need = self.0.entry(table.to_owned()).or_default();
        need.columns.insert(column.to_owned());
    }

    pub fn every(&mut self, table: &str, every: Every) {
        self.0.entry(table.to_owned()).or_default().every = Some(every);
    }

    /// Adds `more`; returns whether any of it was new.
    pub fn extend(&mut self, more: Self) -> bool {
        let before = self.clone();
        for (table, need) in more.0 {
            let known = self.0.entry(table).or_default();
            known.columns.extend(need.columns);
            known.every = known.every.or(need.every);
        }
        *self != before
    }

    /// The first reason why every column of some table is needed.
    pub fn why(&self) -> Option<Every> {
        self.0.values().find_map(|need| need.every)
    }
}

/// A table over all shards that have it, and why shards cannot take part.
pub(super) struct United {
    pub table: Table,
    pub lost: Vec<DriftEntry>,
}

/// A column as some shards have it, in one type that holds all their values.
struct Variant {
    shape: ColumnShape,
    shards: Vec<Shard>,
}

pub(super) fn unite(name: &str, shapes: &[Relation], need: Need) -> United {
    let shards: Vec<_> = shapes.iter().flat_map(|shape| &shape.shards).collect();
    let most = shapes
        .iter()
        .max_by_key(|shape| (shape.shards.len(), Reverse(shape.shards[0])));
    let in_most: Vec<_> = most.iter().flat_map(|shape| &shape.columns).collect();
    let mut names: Vec<&str> = Vec::new();
    let others = shapes.iter().flat_map(|shape| &shape.columns);
    for column in in_most.iter().copied().chain(others) {
        if !names.contains(&column.name.as_str()) {
            names.push(&column.name);
        }
    }
    let mut united = United {
        table: Table {
            name: name.to_owned(),
            ..Table::default()
        },
        lost: Vec::new(),
    };
    for column in names {
        let variants = variants(column, shapes);
        let differing = differences(name, &variants, &shards);
        let usual = variants
            .into_iter()
            .max_by_key(|variant| (variant.shards.len(), Reverse(variant.shards[0])));
        let Some(Variant { shape, .. }) = usual else {
            continue;
        };
        let is_needed = need.columns.contains(column)
            || need.every.is_some() && in_most.iter().any(|known| known.name == column);
        if differing.is_empty() {
            united.table.columns.push(shape);
        } else if is_needed {
            united.table.columns.push(shape);
            united.lost.extend(differing);
        } else {
            let briefly = differing.into_iter().map(|it| briefly(it, &shards));
            united.table.left_out.extend(briefly);
        }
    }
    united.table.need = need;
    united
}

fn variants(column: &str, shapes: &[Relation]) -> Vec<Variant> {
    let mut variants: Vec<Variant> = Vec::new();
    for shape in shapes {
        let Some(found) = shape.columns.iter().find(|it| it.name == column) else {
            continue;
        };
        let same = variants
            .iter_mut()
            .find_map(|variant| Some((variant.shape.united(found)?, variant)));
        match same {
            Some((united, variant)) => {
                variant.shape = united;
                variant.shards.extend(&shape.shards);
                variant.shards.sort_unstable();
            }
            None => variants.push(Variant {
                shape: found.clone(),
                shards: shape.shards.clone(),
            }),
        }
    }
    variants
}

/// How a column differs between these shards.
fn differences(table: &str, variants: &[Variant], shards: &[&Shard]) -> Vec<DriftEntry> {
    let usual = variants
        .iter()
        .max_by_key(|variant| (variant.shards.len(), Reverse(variant.shards[0])));
    let Some(usual) = usual else {
        return Vec::new();
    };
    let deviation = |difference, shards: &[Shard]| DriftEntry {
        table: table.to_owned(),
        difference,
        shards: shards.to_vec(),
    };
    let column = &usual.shape.name;
    let having: BTreeSet<_> = variants.iter().flat_map(|it| &it.shards).copied().collect();
    let having: Vec<_> = having.into_iter().collect();
    if shards.len() > 1 && usual.shape.identity == "other" {
        let type_name = usual.shape.shown_type();
        let column = column.clone();
        return vec![deviation(
            SchemaDifference::OwnType { column, type_name },
            &having,
        )];
    }
    if shards.len() > 1 && usual.shape.overrides_domain_collation() {
        return vec![deviation(
            SchemaDifference::Collated(column.clone()),
            &having,
        )];
    }
    let lacking = shards.iter().copied().filter(|it| !having.contains(it));
    let mut lacking: Vec<_> = lacking.copied().collect();
    lacking.sort_unstable();
    let mut found = Vec::new();
    if !lacking.is_empty() {
        found.push(deviation(
            SchemaDifference::NoColumn(column.clone()),
            &lacking,
        ));
    }
    for other in variants.iter().filter(|it| it.shards != usual.shards) {
        found.push(deviation(
            SchemaDifference::Type {
                column: column.clone(),
                found: described(&other.shape, &usual.shape),
                expected: described(&usual.shape, &other.shape),
            },
            &other.shards,
        ));
    }
    found
}

/// If most shards lack the column, reports it as extra in the others.
fn briefly(deviation: DriftEntry, shards: &[&Shard]) -> DriftEntry {
    match deviation.difference {
        SchemaDifference::NoColumn(column) if deviation.shards.len() * 2 > shards.len() => {
            let having = shards.iter().filter(|it| !deviation.shards.contains(it));
            let mut having: Vec<_> = having.map(|shard| **shard).collect();
            having.sort_unstable();
            DriftEntry {
                difference: SchemaDifference::More(column),
                shards: having,
                ..deviation
            }
        }
        difference => DriftEntry {
            difference,
            ..deviation
        },
    }
}
