//! What a manifest says of the columns: the type that holds what all shards have, and
//! what the shards declare where that is something else. Pure; the names of types are
//! the server's.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{ColumnRecord, ColumnTypesRecord, DeclaredRecord, Manifest};
use crate::exec::column_types::{ColumnTypes, DeclaredType};
use crate::sharding::shard::{Ranges, Shard, ShardList};

/// Takes the text of any value, as it is.
const TEXT: &str = "text";

/// What the server calls a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeName {
    /// `numeric(10,2)`; `{shard}.mood` of one that every shard has its own of.
    pub declared: String,
    /// `numeric`; `text` where no other database has the type, or none can load it.
    pub widest: String,
}

pub type TypeNames = BTreeMap<DeclaredType, TypeName>;

impl TypeName {
    /// `schema` is where the type lives, `None` if it is gone; the names are of
    /// `format_type`, with the modifier and without it.
    pub fn new(schema: Option<&str>, declared: &str, widest: &str, can_be_loaded: bool) -> Self {
        let in_shard = schema
            .filter(|schema| Shard::from_schema(schema).is_some())
            .and_then(|shard| declared.strip_prefix(shard)?.strip_prefix('.'));
        match in_shard {
            Some(name) => Self {
                declared: format!("{{shard}}.{name}"),
                widest: TEXT.to_owned(),
            },
            None => Self {
                declared: declared.to_owned(),
                widest: if can_be_loaded && schema.is_some() {
                    widest.to_owned()
                } else {
                    TEXT.to_owned()
                },
            },
        }
    }

    /// Of a type that the server did not tell: it is not there any more.
    fn unknown(declared: DeclaredType) -> Self {
        Self {
            declared: format!("type {}", declared.oid),
            widest: TEXT.to_owned(),
        }
    }

    /// Whether a table elsewhere can have a column of it.
    fn can_be_declared(&self) -> bool {
        self.widest != TEXT
    }
}

/// The columns of an export, left to right.
pub fn records(types: &ColumnTypes, names: &TypeNames) -> Vec<ColumnRecord> {
    let columns = types.names().iter().enumerate();
    columns
        .map(|(index, name)| record(name, types.of_column(index), names))
        .collect()
}

fn record(
    name: &str,
    types: BTreeMap<DeclaredType, BTreeSet<Shard>>,
    names: &TypeNames,
) -> ColumnRecord {
    // Each shard's own `mood` is another type of one name.
    let mut declared: Vec<(TypeName, BTreeSet<Shard>)> = Vec::new();
    for (of, shards) in types {
        let known = names.get(&of).cloned();
        let type_name = known.unwrap_or_else(|| TypeName::unknown(of));
        match declared.iter_mut().find(|(other, _)| *other == type_name) {
            Some((_, others)) => others.extend(shards),
            None => declared.push((type_name, shards)),
        }
    }
    declared.sort_by_key(|(_, shards)| shards.first().copied());
    let type_name = match declared.as_slice() {
        [(only, _)] if only.can_be_declared() => only.declared.clone(),
        [(first, _), rest @ ..] if rest.iter().all(|(other, _)| other.widest == first.widest) => {
            first.widest.clone()
        }
        _ => TEXT.to_owned(),
    };
    let is_plain = matches!(declared.as_slice(), [(only, _)] if only.declared == type_name);
    let records = declared.into_iter().map(|(of, shards)| DeclaredRecord {
        type_name: of.declared,
        shards: Some(ranges(&shards).to_string()),
    });
    ColumnRecord {
        name: name.to_owned(),
        declared: if is_plain {
            Vec::new()
        } else {
            records.collect()
        },
        type_name,
    }
}

fn ranges(shards: &BTreeSet<Shard>) -> Ranges {
    Ranges::of(&shards.iter().copied().collect::<Vec<_>>())
}

/// The columns that not all shards declare alike, each in a line.
pub fn drift(columns: &[ColumnRecord]) -> Vec<String> {
    let drifting = columns.iter().filter(|column| column.declared.len() > 1);
    drifting
        .map(|column| {
            let declared = column.declared.iter().map(|declared| {
                let shards = declared.shards.as_deref().unwrap_or_default();
                format!("{} in {shards}", declared.type_name)
            });
            format!(
                "column \"{}\" differs between shards: {}; the manifest says {}, which holds them \
                 all",
                column.name,
                declared.collect::<Vec<_>>().join(", "),
                column.type_name
            )
        })
        .collect()
}

/// For `--resume`: which shards have which types, in numbers.
pub fn to_records(types: &ColumnTypes) -> Vec<ColumnTypesRecord> {
    let lists = types.lists();
    lists
        .map(|(types, shards)| {
            let types: Vec<_> = types.iter().map(DeclaredType::to_string).collect();
            ColumnTypesRecord {
                types: types.join(" "),
                shards: ranges(shards).to_string(),
            }
        })
        .collect()
}

/// What a manifest recorded of the shards that it lists. `None` if one is left out.
pub fn recorded(manifest: &Manifest) -> Option<ColumnTypes> {
    let names = manifest.columns.iter().map(|column| column.name.clone());
    let shards = manifest.shards.iter();
    let mut left: BTreeSet<_> = shards
        .filter_map(|shard| Shard::from_schema(&shard.shard))
        .collect();
    let mut lists = Vec::new();
    for record in &manifest.column_types {
        let types = record.types.split_whitespace().map(str::parse);
        let list: ShardList = record.shards.parse().ok()?;
        let (shards, others) = left.into_iter().partition(|shard| list.contains(*shard));
        left = others;
        lists.push((types.collect::<Result<Vec<_>, _>>().ok()?, shards));
    }
    left.is_empty()
        .then(|| ColumnTypes::recorded(names.collect(), lists))
}
