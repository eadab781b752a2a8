//! Objects of one kind over all shards, as rows. Pure.

use std::collections::BTreeSet;

use tokio_postgres::types::Type;

use super::ObjectKind;
use crate::commands::inspect::columns::column;
use crate::commands::inspect::drift::shape::{Object, Shape};
use crate::commands::inspect::statement::TextRow;
use crate::commands::inspect::table::Table;
use crate::pg::row_batch::Column;

pub fn table(shape: &Shape, kind: ObjectKind) -> Table {
    let columns = match kind {
        ObjectKind::Index => ["table", "index", "definition"].map(Column::text).to_vec(),
        ObjectKind::Function => ["function", "kind"].map(Column::text).to_vec(),
    };
    let shared = [column("shards", &Type::INT8), Column::text("drift")];
    let unread = shape.unread.iter().map(|unread| {
        let text = unread.table.clone();
        let count = Some(unread.shards.len().to_string());
        vec![Some(text), None, None, count, Some("not read".to_owned())]
    });
    let objects = shape
        .objects
        .iter()
        .map(|object| row(object, kind, read(shape, object)));
    Table {
        columns: columns.into_iter().chain(shared).collect(),
        rows: unread.chain(objects).collect(),
    }
}

fn row(object: &Object, kind: ObjectKind, of: usize) -> TextRow {
    let name = &object.name;
    let mut variants = object.variants.iter();
    let definition = variants.find_map(|it| it.definition.as_ref().map(|it| it.text.clone()));
    let mut row = match kind {
        ObjectKind::Index => vec![
            Some(name.parent.clone()),
            Some(name.name.clone()),
            definition,
        ],
        ObjectKind::Function => vec![Some(name.name.clone()), Some(name.kind.clone())],
    };
    row.push(Some(having(object).to_string()));
    row.push(Some(drift(object, of)));
    row
}

/// The number of shards in which its table could be read.
fn read(shape: &Shape, object: &Object) -> usize {
    let unread = shape.unread.iter();
    let unread = unread.filter(|it| it.table == object.name.parent);
    let unread: usize = unread.map(|it| it.shards.len()).sum();
    shape.shards.len() - unread
}

/// The number of shards that have it.
fn having(object: &Object) -> usize {
    let variants = object.variants.iter();
    let there = variants.filter(|variant| variant.definition.is_some());
    there.map(|variant| variant.shards.len()).sum()
}

/// In what `of` shards differ: `none`, `definition, missing`, `extra`.
fn drift(object: &Object, of: usize) -> String {
    let mut words = BTreeSet::new();
    let variants = object.variants.iter();
    if variants.filter(|it| it.definition.is_some()).count() > 1 {
        words.insert("definition");
    }
    match having(object) {
        having if having == of => {}
        // As with `drift`, of two halves the one that has it is right.
        having if having * 2 >= of => {
            words.insert("missing");
        }
        _ => {
            words.insert("extra");
        }
    }
    if words.is_empty() {
        return "none".to_owned();
    }
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// `12 indexes, 1 differs`
pub fn summary(shape: &Shape, kind: ObjectKind) -> String {
    let (one, many) = match kind {
        ObjectKind::Index => ("index", "indexes"),
        ObjectKind::Function => ("function", "functions"),
    };
    let count = shape.objects.len();
    let name = if count == 1 { one } else { many };
    let objects = shape.objects.iter();
    let differing = objects.filter(|it| drift(it, read(shape, it)) != "none");
    match differing.count() {
        0 => format!("{count} {name}"),
        1 => format!("{count} {name}, 1 differs"),
        some => format!("{count} {name}, {some} differ"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::inspect::drift::definition::Definition;
    use crate::commands::inspect::drift::shape::{ObjectName, Variant};
    use crate::sharding::shard::Shard;

    fn object(variants: &[(&str, u32)]) -> Object {
        let mut next = 0..;
        let variants = variants.iter().map(|(text, count)| Variant {
            definition: Some(Definition::new((*text).to_owned(), None, Shard::new(0))),
            shards: next
                .by_ref()
                .take(*count as usize)
                .map(Shard::new)
                .collect(),
        });
        Object {
            name: ObjectName {
                parent: "t".to_owned(),
                kind: "index".to_owned(),
                name: "i".to_owned(),
            },
            variants: variants.collect(),
        }
    }

    #[test]
    fn drift_is_said_in_words() {
        for (variants, expected) in [
            (&[("a", 4)][..], "none"),
            (&[("a", 3), ("b", 1)], "definition"),
            (&[("a", 2)], "missing"),
            (&[("a", 1)], "extra"),
            (&[("a", 2), ("b", 1)], "definition, missing"),
        ] {
            assert_eq!(drift(&object(variants), 4), expected, "{variants:?}");
        }
    }
}
