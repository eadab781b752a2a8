//! How the shards' tables are not the same table: what one lacks, or has otherwise,
//! and where. Pure.

use std::fmt;

use super::catalog::{ColumnShape, Relation, Table};
use crate::shard::{Ranges, Shard};

/// How a shard's table is not what it is in the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    NoTable,
    NoColumn(String),
    Type {
        column: String,
        found: String,
        expected: String,
    },
    /// A type of its own that cannot be matched with the other shards'.
    OwnType {
        column: String,
        type_name: String,
    },
    /// A column that most shards lack.
    More(String),
}

/// A difference, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    pub table: String,
    pub difference: Difference,
    pub shards: Vec<Shard>,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, shards, .. } = self;
        write!(f, "{}: ", Ranges::of(shards))?;
        match &self.difference {
            Difference::NoTable => write!(f, "no table \"{table}\""),
            Difference::NoColumn(column) => write!(f, "\"{table}\" has no column \"{column}\""),
            Difference::Type {
                column,
                found,
                expected,
            } => write!(
                f,
                "column \"{column}\" of \"{table}\" is {found}, but in most shards {expected}"
            ),
            Difference::OwnType { column, type_name } => write!(
                f,
                "column \"{column}\" of \"{table}\" is {type_name}, which each shard defines for itself; \
                 only enums and domains can be matched"
            ),
            Difference::More(column) => write!(
                f,
                "\"{table}\" has a column \"{column}\", which most shards lack"
            ),
        }
    }
}

/// What is not in these shapes of it, of all shards that are asked.
pub(super) fn differences(table: &Table, shapes: &[Relation], chosen: &[Shard]) -> Vec<Deviation> {
    let mut deviations = Vec::new();
    let mut add = |difference: Difference, shards: &[Shard]| {
        let same = deviations
            .iter_mut()
            .find(|known: &&mut Deviation| known.difference == difference);
        match same {
            Some(known) => {
                known.shards.extend(shards);
                known.shards.sort_unstable();
            }
            None => deviations.push(Deviation {
                table: table.name.clone(),
                difference,
                shards: shards.to_vec(),
            }),
        }
    };
    let has = |shard: &Shard| shapes.iter().any(|shape| shape.shards.contains(shard));
    let without: Vec<_> = chosen.iter().copied().filter(|s| !has(s)).collect();
    if !without.is_empty() {
        add(Difference::NoTable, &without);
    }
    for shape in shapes {
        for expected in &table.columns {
            match shape.columns.iter().find(|c| c.name == expected.name) {
                None => add(Difference::NoColumn(expected.name.clone()), &shape.shards),
                Some(found) if !found.is_like(expected) => add(
                    Difference::Type {
                        column: found.name.clone(),
                        found: described(found, expected),
                        expected: described(expected, found),
                    },
                    &shape.shards,
                ),
                Some(found) if found.identity == "other" && chosen.len() > 1 => add(
                    Difference::OwnType {
                        column: found.name.clone(),
                        type_name: found.type_name.clone(),
                    },
                    &shape.shards,
                ),
                Some(_) => {}
            }
        }
        for found in &shape.columns {
            if table.columns.iter().all(|known| known.name != found.name) {
                add(Difference::More(found.name.clone()), &shape.shards);
            }
        }
    }
    deviations
}

/// The type, with as much as it takes to tell it from the other.
fn described(one: &ColumnShape, other: &ColumnShape) -> String {
    if one.type_name != other.type_name {
        return one.type_name.clone();
    }
    if one.identity != other.identity {
        return format!("{} ({})", one.type_name, one.identity);
    }
    format!("{} with collation {}", one.type_name, one.collation)
}
