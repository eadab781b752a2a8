//! How the shards' definitions of a table differ: what is missing or different, and where. Pure.

use std::collections::BTreeMap;
use std::fmt;

use super::relation::ColumnShape;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;

/// How a shard's table differs from most others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaDifference {
    NoTable,
    NoColumn(String),
    Type {
        column: String,
        found: String,
        expected: String,
    },
    /// A shard-local type that cannot be matched with the other shards'.
    OwnType {
        column: String,
        type_name: String,
    },
    /// A column whose collation differs from that of its domain, which each shard defines for
    /// itself.
    Collated(String),
    /// A column that most shards lack.
    More(String),
}

impl SchemaDifference {
    /// `None` if the whole table is missing.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::NoTable => None,
            Self::NoColumn(column)
            | Self::Collated(column)
            | Self::More(column)
            | Self::Type { column, .. }
            | Self::OwnType { column, .. } => Some(column),
        }
    }

    /// Whether all shards are affected, so that skipping shards cannot help.
    pub fn is_everywhere(&self) -> bool {
        matches!(self, Self::OwnType { .. } | Self::Collated(_))
    }
}

/// A difference, and the shards that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftEntry {
    pub table: String,
    pub difference: SchemaDifference,
    pub shards: Vec<Shard>,
}

impl DriftEntry {
    /// Without the shards.
    fn what(&self) -> String {
        let table = &self.table;
        match &self.difference {
            SchemaDifference::NoTable => format!("no table \"{table}\""),
            SchemaDifference::NoColumn(column) => format!("\"{table}\" has no column \"{column}\""),
            SchemaDifference::Type {
                column,
                found,
                expected,
            } => format!(
                "column \"{column}\" of \"{table}\" is {found}, but {expected} in most shards"
            ),
            SchemaDifference::OwnType { column, type_name } => format!(
                "column \"{column}\" of \"{table}\" is {type_name}, which each shard defines \
                 itself, so values of different shards cannot be converted to one type"
            ),
            SchemaDifference::Collated(column) => format!(
                "column \"{column}\" of \"{table}\" has a different collation than its domain, \
                 which each shard defines itself"
            ),
            SchemaDifference::More(column) => {
                format!("\"{table}\" has an extra column \"{column}\"")
            }
        }
    }
}

impl fmt::Display for DriftEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Ranges::of(&self.shards), self.what())
    }
}

/// One line per group of shards with the same differences; each shard occurs in one line only.
pub fn by_shard(drift: &[DriftEntry]) -> Vec<String> {
    let mut of_shard: BTreeMap<Shard, Vec<String>> = BTreeMap::new();
    for deviation in drift {
        for shard in &deviation.shards {
            of_shard.entry(*shard).or_default().push(deviation.what());
        }
    }
    let mut groups: Vec<(Vec<String>, Vec<Shard>)> = Vec::new();
    for (shard, reasons) in of_shard {
        match groups.iter_mut().find(|(known, _)| *known == reasons) {
            Some((_, shards)) => shards.push(shard),
            None => groups.push((reasons, vec![shard])),
        }
    }
    groups
        .into_iter()
        .map(|(reasons, shards)| format!("{}: {}", Ranges::of(&shards), reasons.join("; ")))
        .collect()
}

/// The type, with enough detail to tell it from the other.
pub(super) fn described(one: &ColumnShape, other: &ColumnShape) -> String {
    if one.type_name != other.type_name {
        return one.type_name.clone();
    }
    if one.identity != other.identity {
        return format!("{} ({})", one.type_name, one.identity);
    }
    format!("{} with collation {}", one.type_name, one.collation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_in_one_line_with_all_its_differences() {
        let entry = |table: &str, difference, shards: &[u32]| DriftEntry {
            table: table.to_owned(),
            difference,
            shards: shards.iter().copied().map(Shard::new).collect(),
        };
        let column = SchemaDifference::NoColumn("a".to_owned());
        let lines = by_shard(&[
            entry("t", column, &[1, 2, 5]),
            entry("u", SchemaDifference::NoTable, &[2, 5, 7]),
        ]);
        assert_eq!(
            lines,
            [
                "shard_1: \"t\" has no column \"a\"",
                "shard_2, shard_5: \"t\" has no column \"a\"; no table \"u\"",
                "shard_7: no table \"u\"",
            ]
        );
    }
}
