//! A table and its parts as rows: what most shards have, and below it what others have. Pure.

use std::collections::BTreeMap;

use crate::commands::inspect::drift::findings::rank;
use crate::commands::inspect::drift::report::{shards_shown, unread_row};
use crate::commands::inspect::drift::shape::{Object, Shape};
use crate::commands::inspect::servers::ServerColumn;
use crate::commands::inspect::statement::TextRow;
use crate::commands::inspect::table::{Reader, Table};
use crate::pg::quote::split_outside_quotes;
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;

const COLUMNS: [&str; 4] = ["kind", "name", "definition", "shards"];

/// A foreign key of another table that refers to this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub name: String,
    pub definition: String,
    /// Ascending.
    pub shards: Vec<Shard>,
}

/// One row per definition of a part, that of most shards first. Only what differs from it is shown
/// of a comparison that would repeat it: the order of columns.
pub fn table(
    shape: &Shape,
    references: &[Reference],
    servers: ServerColumn,
    reader: Reader,
) -> Table {
    let of = shape.shards.len();
    let row = |kind: &str, name: &str, definition, shards: &[Shard]| {
        servers.in_front(shards, row(kind, name, definition, shards, reader, of))
    };
    let order = column_order(shape);
    let mut objects: Vec<_> = shape.objects.iter().filter(|it| is_shown(it)).collect();
    objects.sort_by_key(|object| {
        let is_whole = object.name.parent.is_empty();
        let position = order.iter().position(|column| *column == object.name.name);
        let rank = if is_whole {
            0
        } else {
            1 + rank(&object.name.kind)
        };
        (rank, position, object.name.clone())
    });
    let unread = shape.unread.iter().map(|unread| {
        let (kind, why) = unread_row(unread);
        row(kind, &unread.table, Some(why), &unread.shards)
    });
    let described = objects.into_iter().flat_map(|object| {
        let norm = object.norm();
        let others = object.variants.iter().filter(move |it| Some(*it) != norm);
        norm.into_iter().chain(others).map(move |variant| {
            let definition = variant.definition.as_ref().map(|it| it.text.clone());
            let name = &object.name;
            let shown = if name.name.is_empty() {
                &name.parent
            } else {
                &name.name
            };
            row(&name.kind, shown, definition, &variant.shards)
        })
    });
    let referring = references.iter().map(|reference| {
        let definition = Some(reference.definition.clone());
        row(
            "referenced by",
            &reference.name,
            definition,
            &reference.shards,
        )
    });
    let columns = COLUMNS.map(Column::text);
    Table {
        columns: servers.column().into_iter().chain(columns).collect(),
        rows: unread.chain(described).chain(referring).collect(),
    }
}

fn row(
    kind: &str,
    name: &str,
    definition: Option<String>,
    shards: &[Shard],
    reader: Reader,
    of: usize,
) -> TextRow {
    let definition = match (definition, reader) {
        (None, Reader::Person) => Some("(missing)".to_owned()),
        (definition, _) => definition,
    };
    vec![
        Some(kind.to_owned()),
        Some(name.to_owned()),
        definition,
        Some(shards_shown(shards, reader, of)),
    ]
}

const COLUMN_ORDER: &str = "column order";

fn is_shown(object: &Object) -> bool {
    object.name.kind != COLUMN_ORDER || object.variants.len() > 1
}

/// The names of the columns, in the order of most shards.
fn column_order(shape: &Shape) -> Vec<String> {
    let order = shape.objects.iter().find(|it| it.name.kind == COLUMN_ORDER);
    let order = order.and_then(|object| object.norm()?.definition.as_ref());
    let columns = order.map(|definition| {
        let columns = split_outside_quotes(&definition.text, ',');
        let unquoted = columns.map(|column| {
            let column = column.trim();
            let inner = column.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            inner.map_or(column.to_owned(), |inner| inner.replace("\"\"", "\""))
        });
        unquoted.collect()
    });
    columns.unwrap_or_default()
}

/// Those of all databases.
pub fn united(of_databases: Vec<Reference>) -> Vec<Reference> {
    let mut united: BTreeMap<(String, String), Vec<Shard>> = BTreeMap::new();
    for reference in of_databases {
        let name = (reference.name, reference.definition);
        united.entry(name).or_default().extend(reference.shards);
    }
    let references = united.into_iter().map(|((name, definition), mut shards)| {
        shards.sort_unstable();
        Reference {
            name,
            definition,
            shards,
        }
    });
    references.collect()
}

/// `alike in all shards`, `differs in 3 shards`
pub fn summary(shape: &Shape) -> String {
    let mut deviants = std::collections::BTreeSet::new();
    for object in &shape.objects {
        let norm = object.norm();
        let others = object.variants.iter().filter(|it| Some(*it) != norm);
        deviants.extend(others.flat_map(|variant| variant.shards.iter().copied()));
    }
    match deviants.len() {
        0 => "alike in all shards".to_owned(),
        1 => "differs in 1 shard".to_owned(),
        many => format!("differs in {many} shards"),
    }
}
