//! Column types for the manifest: the type that holds the values of all shards, and what the
//! shards declare where that differs. Pure; type names come from the server.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{ColumnRecord, ColumnTypesRecord, DeclaredRecord, Manifest};
use crate::exec::column_types::{ColumnTypes, DeclaredType};
use crate::sharding::database::Database;
use crate::sharding::layout::Layout;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::sharding::shard_list::ShardList;

/// Holds the text of any value.
const TEXT: &str = "text";

/// Names of a type, as the server gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeName {
    /// `numeric(10,2)`; `{shard}.mood` if each shard has its own type of that name.
    pub declared: String,
    /// `numeric`; `text` for a type that no other database has, or that cannot be loaded.
    pub widest: String,
}

/// By the database in whose catalog they are.
pub type TypeNames = BTreeMap<(Option<Database>, DeclaredType), TypeName>;

impl TypeName {
    /// `schema` is that of the type, `None` if the type is gone. `declared` and `widest` are from
    /// `format_type`, with and without the modifier.
    pub fn new(
        layout: &Layout,
        schema: Option<&str>,
        declared: &str,
        widest: &str,
        can_be_loaded: bool,
    ) -> Self {
        let in_shard = schema
            .filter(|schema| layout.shard(schema).is_some())
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

    /// For a type that was dropped before its name was queried.
    fn unknown(declared: DeclaredType) -> Self {
        Self {
            declared: format!("type {}", declared.oid),
            widest: TEXT.to_owned(),
        }
    }

    /// Whether a table in another database can have a column of this type.
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
    // The `mood` of each shard is a different type with the same name.
    let mut declared: Vec<(TypeName, BTreeSet<Shard>)> = Vec::new();
    let mut by_database: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (of, shards) in types {
        for shard in shards {
            let shards = by_database.entry((shard.database(), of)).or_default();
            // In the order of names: an earlier manifest knows no other.
            shards.insert(Shard::named(shard.name()));
        }
    }
    for (of, shards) in by_database {
        let known = names.get(&of).cloned();
        let (_, of) = of;
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

/// One line per column that shards declare differently.
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

/// For `--resume`: the shards that have the same types, with the types as numbers.
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

/// The recorded types of the shards in a manifest. `None` if a shard is not covered.
pub fn recorded(manifest: &Manifest) -> Option<ColumnTypes> {
    let names = manifest.columns.iter().map(|column| column.name.clone());
    let shards = manifest.shards.iter();
    let mut left: BTreeSet<_> = shards.map(|shard| Shard::named(&shard.shard)).collect();
    let mut lists = Vec::new();
    for record in &manifest.column_types {
        let types = record.types.split_whitespace().map(str::parse);
        let list = ShardList::recorded(&record.shards, &left).ok()?;
        let (shards, others) = left.into_iter().partition(|shard| list.names(*shard));
        left = others;
        lists.push((types.collect::<Result<Vec<_>, _>>().ok()?, shards));
    }
    left.is_empty()
        .then(|| ColumnTypes::recorded(names.collect(), lists))
}
